"""A live ingest from end to end: crawl, load, suspect, fetch logs, load again.

The store is open for writing all the while, with one asyncio loop whose stages are parted by loads: what a stage
fetched lies in the evidence, and a load brings the tables up to it.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path

import orjson

from forensics import __version__
from forensics.config import Config
from forensics.effects.own import OwnRules, keep_own
from forensics.errors import ForensicsError, Incomplete, Interrupted
from forensics.ingest.evidence import EvidenceFolder
from forensics.ingest.github.answer import Credential, Policy, Server
from forensics.ingest.github.client import Client
from forensics.ingest.github.crawl import Crawl
from forensics.ingest.github.defining import Filed
from forensics.ingest.github.download import Downloader
from forensics.ingest.github.lock import IngestLock
from forensics.ingest.github.logs import by_attempt
from forensics.ingest.github.queue import Item, Queue
from forensics.ingest.github.scope import Completeness, Plan, Scope
from forensics.ingest.github.session import Session
from forensics.load.local import load
from forensics.load.room import full_disk_told
from forensics.model import Progress
from forensics.store.store import Store

SUSPECT, NEIGHBOUR, UNHAPPY, OTHER = 0, 1, 2, 3
"""In which order logs are fetched when not all can be had at once."""

_NEIGHBOURS = """
WITH placed AS (
    SELECT
        run_id,
        lag(run_id) OVER lane AS before,
        lead(run_id) OVER lane AS after
    FROM runs
    WINDOW lane AS (PARTITION BY repository, workflow_path, head_branch ORDER BY created_at, run_id)
)

SELECT unnest([before, after]) AS run_id
FROM placed
WHERE list_contains($suspects, run_id)
"""
"""The runs before and after each suspect in its lane: races have two sides."""

_UNHAPPY = """
SELECT run_id, attempt
FROM attempts
WHERE coalesce(conclusion, '') NOT IN ('success', 'skipped', 'neutral')
"""

_RAN = """
SELECT run_id, attempt, job_id, name
FROM jobs
WHERE executed AND NOT copied AND coalesce(conclusion, '') <> 'skipped'
"""

_VERSIONS = """
SELECT path, commit, blob
FROM workflow_versions
WHERE repository = $repository
UNION
SELECT split_part(key, '@', 1) AS path, split_part(key, '@', 2) AS commit, NULL AS blob
FROM work
WHERE repository = $repository AND kind = 'file'
    AND state NOT IN ('done', 'waiting', 'skipped', 'failed', 'not-ready')
"""
"""What is known of workflow files, and which are known not to be had."""

_TEXTS = """
SELECT substr(sha, 6) AS blob, text
FROM workflow_files
WHERE repository = $repository AND sha LIKE 'blob:%'
"""

_LAST = """
SELECT outcome = 'done' AND json_extract_string(scope, '$.version') = $version
FROM ingests
WHERE ingest_no < $number AND outcome IS DISTINCT FROM 'dry-run'
ORDER BY ingest_no DESC
LIMIT 1
"""
"""Whether the ingest before came to its end, with this version: then all that follows from the rows was derived."""

Deriving = Callable[[Store], None]
"""What makes the tables that follow from all others (groups in force, cancellations)."""

Suspecting = Callable[[Store], Sequence[int]]
"""The detectors, without logs: which runs do they name?"""


@dataclass(frozen=True)
class Fetched:
    """What a live ingest did."""

    plan: Plan
    completeness: tuple[Completeness, ...]
    requests: int
    by_kind: Mapping[str, int]
    waited: float
    moved: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    new_files: int
    new_bytes: int


@dataclass(frozen=True)
class Request:
    """All that a live ingest is told."""

    config: Config
    scope: Scope
    server: Server
    credential: Credential | None
    policy: Policy
    environment: Mapping[str, str]
    """Where proxies and certificates are named."""
    checkout: Path | None
    """A folder that may be a clone of the repository; workflow files are read from it without a request."""
    rules: OwnRules | None = None
    """Rules that take the place of those that the case keeps."""


def fetch(
    request: Request,
    progress: Progress,
    announce: Callable[[Plan], None],
    suspecting: Suspecting,
    deriving: Deriving,
) -> Fetched:
    """Get what the scope names into the case, and load it.

    Raises AccessRefused, Unreachable, RequestInvalid, NothingToAnalyse; Incomplete (LimitReached, ServerFailing,
    Interrupted) when it stopped early: what was fetched is kept, the same call goes on; IngestRunning, CaseLocked.
    """
    with full_disk_told(request.config.case), ExitStack() as stack:
        if request.scope.dry_run and not request.config.database.exists():
            # Looking at the price leaves nothing behind.
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="forensics-"))
            request = replace(request, config=replace(request.config, case=Path(folder)))
        stack.enter_context(IngestLock(request.config.case))
        store = stack.enter_context(
            Store.write(
                request.config.database,
                memory_limit_mb=request.config.memory_limit_mb,
                threads=request.config.workers,
            )
        )
        request.config.evidence.mkdir(parents=True, exist_ok=True)
        if request.rules and not request.scope.dry_run:
            keep_own(request.rules, request.config.rules)
        evidence = stack.enter_context(EvidenceFolder(request.config.evidence))
        return _Live(request, progress, announce, suspecting, deriving, store, evidence).run()


class _Live:
    """One live ingest under way."""

    def __init__(
        self,
        request: Request,
        progress: Progress,
        announce: Callable[[Plan], None],
        suspecting: Suspecting,
        deriving: Deriving,
        store: Store,
        evidence: EvidenceFolder,
    ) -> None:
        self.request = request
        self.progress = progress
        self.suspecting = suspecting
        self.deriving = deriving
        self.changed = False
        self.number = 0
        self.store = store
        self.evidence = evidence
        self.before = (len(evidence.entries), sum(entry.size for entry in evidence.entries.values()))
        self.loaded = -1
        self.queue = Queue(store, evidence.root)
        mark = request.credential.mark if request.credential else ""
        self.session = Session(request.server, self.queue, evidence, progress, mark)
        self.crawl = Crawl(self.session, request.scope, request.policy, request.checkout, announce, self._filed)

    def run(self) -> Fetched:
        with asyncio.Runner() as runner, self._client(runner), self._noted():
            runner.run(self.crawl.list_runs())
            if not self.request.scope.dry_run:
                self._stage(runner, self.crawl.describe_runs)
                if self.request.scope.logs != "none":
                    order, wanted = self._order()
                    jobs = by_attempt([(row[0], row[1], row[2], row[3]) for row in self.store.query(_RAN).rows])
                    self._stage(runner, lambda: self.crawl.fetch_logs(order, jobs, wanted))
                self._derive()
        return self._told()

    def _stage(self, runner: asyncio.Runner, stage: Callable[[], object]) -> None:
        """Run one stage and load what it brought, also when it stopped early; not when somebody waits for the end."""
        early: Incomplete | None = None
        try:
            runner.run(stage())  # type: ignore[arg-type]
        except Interrupted:
            raise
        except Incomplete as error:
            early = error
        self._load()
        if early:
            # What it got is loaded: a case that is analysed now is whole in itself.
            self._derive()
            raise early

    def _derive(self) -> None:
        """Derive anew, unless the last ingest did and nothing has come since."""
        asked = {"number": self.number, "version": __version__}
        if self.changed or self.store.query(_LAST, asked).rows != [(True,)]:
            self.deriving(self.store)

    def _filed(self, repository: str) -> Filed:
        asked = {"repository": repository}
        blobs = {(row[0], row[1]): row[2] for row in self.store.query(_VERSIONS, asked).rows}
        texts = {row[0]: row[1] for row in self.store.query(_TEXTS, asked).rows}
        return Filed(blobs, texts)

    def _load(self) -> None:
        """Bring the tables up to the evidence; the first time also to what an ingest that was killed left."""
        if self.loaded == len(self.evidence.entries):
            return
        self.loaded = len(self.evidence.entries)
        summary = load(
            self.store,
            self.evidence.root,
            dict(self.evidence.entries),
            (),
            workers=self.request.config.workers,
            scratch=self.request.config.case / ".loading",
            progress=self.progress,
            rules=self.request.config.rules,
        )
        self.changed |= summary.files > 0 or summary.units > 0

    @contextmanager
    def _client(self, runner: asyncio.Runner) -> Iterator[None]:
        client = Client(
            self.request.server, self.request.credential, self.request.policy, self.session, self.queue,
            environment=self.request.environment,
        )  # fmt: skip
        self.session.client = client
        self.session.downloader = Downloader(
            client, self.request.policy, self.session, self.request.config.case / ".downloading"
        )
        self.session.downloader.clear()
        runner.run(client.__aenter__())
        try:
            yield
        finally:
            runner.run(client.__aexit__(None, None, None))

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Write down that there was an ingest, and how it ended."""
        started = self.session.client.server_now()
        told = {**asdict(self.request.scope), "version": __version__}
        number = self.number = self.queue.begin_ingest(orjson.dumps(told, default=_plain).decode(), started)
        outcome = "failed"
        try:
            yield
            outcome = "dry-run" if self.request.scope.dry_run else "done"
        except ForensicsError as error:
            outcome = error.slug
            raise
        finally:
            self.queue.commit()
            self.queue.tombstones_into_problems()
            ended = self.session.client.server_now()
            self.queue.end_ingest(number, ended, outcome, sum(self.session.requests.values()), self.session.waited)

    def _order(self) -> tuple[Mapping[int, int], Callable[[Item], bool]]:
        """Which runs' logs come first, and which are wanted at all."""
        scope, policy = self.request.scope, self.request.policy
        unhappy = {(row[0], row[1]) for row in self.store.query(_UNHAPPY).rows}
        order = {run_id: UNHAPPY for run_id, _ in unhappy}
        left, _, _ = self.session.client.quota
        short = policy.budget is not None or (left is not None and left - policy.reserve < self.crawl.plan.requests)
        if scope.logs == "suspect" or short:
            suspects = sorted(set(self.suspecting(self.store)))
            neighbours = self.store.query(_NEIGHBOURS, {"suspects": suspects}).rows if suspects else ()
            order |= {row[0]: NEIGHBOUR for row in neighbours if row[0] is not None}
            order |= dict.fromkeys(suspects, SUSPECT)
        if scope.logs == "suspect":
            return order, lambda item: order.get(item.run_id or 0, OTHER) <= NEIGHBOUR
        if scope.logs == "failed":
            return order, lambda item: (item.run_id, item.attempt) in unhappy
        return order, lambda _: True

    def _told(self) -> Fetched:
        entries = self.evidence.entries
        size = sum(entry.size for entry in entries.values())
        return Fetched(
            self.crawl.plan, tuple(self.queue.completeness()), sum(self.session.requests.values()),
            dict(self.session.requests), self.session.waited, tuple(self.crawl.moved), tuple(self.session.warnings),
            len(entries) - self.before[0], size - self.before[1],
        )  # fmt: skip


def _plain(value: object) -> object:
    return f"{value.total_seconds():.0f} s" if isinstance(value, timedelta) else str(value)
