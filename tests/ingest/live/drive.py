"""A live ingest driven in this process against the stand-in; time is the world's, so that no limit is waited for."""

import asyncio
import hashlib
from dataclasses import dataclass, field, replace
from datetime import timedelta

from forensics import pipeline
from forensics.config import Config
from forensics.ingest.github.answer import Policy, Server
from forensics.ingest.github.scope import Scope
from forensics.model import Silent
from forensics.store.store import Store

REPOSITORY = "acme/storefront"

NOT_COMPARED = {"requests", "ingests", "answers", "evidence", "schema_versions"}
"""Tables that tell how the case was made, not what is in it."""
NOT_COMPARED_COLUMNS = {"asked_at", "listed_at", "tries", "stored_at", "taken_at"}


@dataclass(frozen=True)
class Login:
    """As whom the tests ask."""

    value: str = "tok"
    source: str = "GH_TOKEN"
    mark: str = "feedfacecafe"

    async def token(self):
        return self.value

    async def renewed(self):
        return False


@dataclass
class Watcher(Silent):
    """Progress that remembers what was said."""

    said: list = field(default_factory=list)

    def note(self, text):
        self.said.append(text)


def patience(world, **options):
    """A policy whose waits pass in the world instead of on the clock on the wall."""
    slept = []

    async def sleep(seconds):
        slept.append(seconds)
        world.skip(seconds)
        await asyncio.sleep(0)

    policy = Policy(sleep=sleep, clock=world.clock, per_minute=None, jitter=lambda: 0.0)
    return replace(policy, **options), slept


def ingest(stand_in, case, *, policy=None, progress=None, checkout=None, login=None, announce=None, **scope):
    """One ingest of the stand-in's repository, with everything as the command line would give it."""
    given = {"repositories": (REPOSITORY,), "since": timedelta(days=400), **scope}
    return pipeline.ingest_github(
        Config(case, workers=1),
        Scope(**given),
        Server(stand_in.api_url, "127.0.0.1"),
        login or Login(),
        policy or patience(stand_in.world)[0],
        progress or Silent(),
        environment={},
        checkout=checkout,
        announce=announce or (lambda plan: None),
    )


def rows(case, sql, **parameters):
    with Store.read(case / "case.duckdb") as store:
        return store.query(sql, parameters or None).rows


def tables(case):
    """A digest of each table, whatever the order of rows, without what tells how the case was made."""
    digests = {}
    with Store.read(case / "case.duckdb") as store:
        names = [row[0] for row in store.query("SELECT table_name FROM duckdb_tables() ORDER BY 1").rows]
        for name in names:
            if name in NOT_COMPARED:
                continue
            found = store.query(f"SELECT * FROM {name}")
            kept = [at for at, column in enumerate(found.columns) if column not in NOT_COMPARED_COLUMNS]
            lines = sorted(repr([row[at] for at in kept]) for row in found.rows)
            digests[name] = (len(lines), hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12])
    return digests
