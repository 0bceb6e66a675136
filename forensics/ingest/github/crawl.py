"""The whole story of a live ingest: list the runs, describe each, ask for groups and files, fetch the logs.

Everything received goes into the evidence first; what is still to be asked stands in the queue, in the store. So a
crawl that is ended at any point goes on where it stopped, and the case is a function of the evidence as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from forensics.errors import AccessRefused, ForensicsError, NothingToAnalyse, ServerFailing
from forensics.ingest.github.answer import Gone, Policy, moment
from forensics.ingest.github.clock import describe_skew
from forensics.ingest.github.clone import Clone
from forensics.ingest.github.defining import Defining, Filed, ask_for_files
from forensics.ingest.github.deployments import approval_item, approval_works, list_deployments, status_works
from forensics.ingest.github.describe import (
    PRIORITY_CANCELLED,
    PRIORITY_NORMAL,
    describe,
    fetch_groups,
    group_item,
    items_of,
)
from forensics.ingest.github.listing import (
    Listed,
    attempt_of,
    began_since,
    is_complete,
    list_window,
    newest,
    parse_moment,
)
from forensics.ingest.github.logs import RanJob, fetch_job_log, fetch_logs
from forensics.ingest.github.pool import Stop, Work, work_through
from forensics.ingest.github.queue import Item, Listing, Settled
from forensics.ingest.github.scope import Cost, Plan, Scope
from forensics.ingest.github.session import Run, Session, gone, root
from forensics.ingest.github.windows import plan

LOOK_BACK = timedelta(days=31)
"""GitHub lets a run be run again for 30 days, and it keeps its ``created_at``: so far back is listed anew."""

NOT_READY = timedelta(hours=1)
"""A log that is not there so soon after its run may still come (fault matrix, row 7)."""

_UNASKED = {
    "none": "The workflow file of this run declares no concurrency.",
    "literal": "The workflow file of this run names its groups without any expression.",
}
"""Settings of runs that are not asked for their groups: the file proves them as well."""

_AGAIN = "See whether GitHub is well (githubstatus.com); the same command goes on from here."

_OF_RUNS = ("jobs", "run", "attempt", "annotations")
"""Kinds of work for which a run has to be described: what failed of it at the last ingest is among them."""

NO_GROUPS_AFTER = 3
"""Runs whose groups are not found, one after the other, before the server is taken to lack the endpoint."""


@dataclass
class Found:
    """One repository's runs in this ingest."""

    repository: str
    default_branch: str
    since: datetime
    until: datetime
    runs: dict[int, tuple[Run, str]] = field(default_factory=dict)
    """All listed runs of the span, by id, with the evidence that has them."""
    due: list[int] = field(default_factory=list)
    """Runs to be described: new, changed, or left over."""


@dataclass
class Crawl:
    """One live ingest; its stages are called one after the other (``forensics.pipeline`` loads in between)."""

    session: Session
    scope: Scope
    policy: Policy
    checkout: Path | None
    announce: Callable[[Plan], None]
    filed: Callable[[str], Filed]
    """What the case has of a repository's workflow files."""
    stop: Stop = field(default_factory=Stop)
    found: list[Found] = field(default_factory=list)
    moved: list[tuple[str, str]] = field(default_factory=list)
    plan: Plan = field(default_factory=lambda: Plan((), None, None, None))

    async def list_runs(self) -> None:
        """List the runs of all repositories, and say what the rest will cost."""
        with self.stop.listening():
            for repository in self.scope.repositories:
                self.stop.check()
                self.found.append(await self._open(repository))
            for found in self.found:
                await self._list(found)
        self.plan = self._cost()
        self.announce(self.plan)

    async def describe_runs(self) -> None:
        """Fetch everything but logs."""
        with self.stop.listening():
            for found in self.found:
                works = [self._describe(found, run_id) for run_id in found.due]
                await self._work("Describing runs", works)
                await self._list_workflows(found)
                await list_deployments(self.session, found.repository, found.since)
                await self._work("Fetching deployments", status_works(self.session, found.repository))
                self._ask_for_waiting(found)
                await self._work("Fetching approvals", approval_works(self.session, found.repository))
                defining = await self._ask_for_files(found)
                await self._ask_for_groups(found, defining)
            self.session.commit()

    async def fetch_logs(
        self,
        order: Mapping[int, int],
        jobs: Mapping[tuple[int, int], Sequence[RanJob]],
        wanted: Callable[[Item], bool],
    ) -> None:
        """Fetch log archives: of runs with a low number in ``order`` first, then the newest; those ``wanted``."""
        with self.stop.listening():
            for found in self.found:
                waiting = self.session.queue.waiting(found.repository, ("logs", "job-log"))
                archives = {(item.run_id, item.attempt) for item in waiting if item.kind == "logs"}
                # A job's log that failed is asked for by itself when the archive was had.
                items = [
                    item
                    for item in waiting
                    if wanted(item) and (item.kind == "logs" or (item.run_id, item.attempt) not in archives)
                ]
                items.sort(key=lambda item: (order.get(item.run_id or 0, 9), -(item.run_id or 0), item.attempt or 0))
                works = [partial(self._fetch_log, found, item, jobs) for item in items]
                await self._work("Fetching logs", works)
            self.session.commit()

    async def _work(self, what: str, works: Sequence[Work]) -> None:
        """Do pieces of work with a bar; what is done is committed, whatever ends it."""
        progress = self.session.progress
        progress.start(what, len(works))

        async def counted(work: Work) -> None:
            await work()
            progress.advance(1)

        try:
            await work_through([partial(counted, work) for work in works], self.policy.concurrency, self.stop)
        finally:
            self.session.commit()
            progress.done()

    async def _open(self, repository: str) -> Found:
        """Make sure of the repository: whether it can be seen, and by which name."""
        session = self.session
        try:
            answer = await session.client.get(f"/repos/{repository}", kind="repository", conditional=True)
        except Gone as why:
            if why.state == "failed":
                raise ServerFailing(f"{repository} could not be asked for: {why.detail}", hint=_AGAIN) from None
            if why.state == "blocked":
                raise AccessRefused(f"{repository} cannot be had: {why.detail}") from None
            raise AccessRefused(
                f"{repository} was not found on {session.server.host}, or the token cannot see it: {why.detail}",
                hint="Check the spelling (OWNER/NAME), and that the token may read the repository's Actions.",
            ) from None
        doubt = describe_skew(session.client.server_now(), moment(self.policy.clock()))
        session.warn([doubt] if doubt else [])
        shown = answer.json()
        name = str(shown.get("full_name") or repository)
        if name.casefold() != repository.casefold():
            self.moved.append((repository, name))
            session.warn([f"{repository} is called {name} now."])
            session.queue.rename(repository, name)
        session.keep(answer, f"{root(name)}/repository.json", conditional=True)
        session.queue.retry_later(name)
        now = session.client.server_now().replace(microsecond=0)
        since = now - self.scope.since if isinstance(self.scope.since, timedelta) else self.scope.since
        until = min(self.scope.until or now, now)
        if since > until:
            raise NothingToAnalyse(
                f"The span from {since} to {until} (UTC) is empty.", hint="Give --since a time before --until."
            )
        return Found(name, str(shown.get("default_branch") or ""), since.replace(microsecond=0), until)

    async def _list(self, found: Found) -> None:
        """List the windows of the span; what they show is compared with what is known."""
        session = self.session
        session.progress.start(f"Listing runs of {found.repository}", None)
        listed: list[tuple[Run, str]] = []
        for workflow in self.scope.workflows or ("",):
            for window in self._windows(found, workflow):
                self.stop.check()
                try:
                    parts = await list_window(session, found.repository, window, workflow)
                except Gone as why:
                    raise _not_listed(workflow, found.repository, why) from None
                for part in parts:
                    listed += part.runs
                    self._note(found, workflow, part)
                    session.progress.advance(len(part.runs))
        shown = newest(listed)
        kept = {run_id: one for run_id, one in shown.items() if began_since(one[0], found.since)}
        found.runs = {run_id: one for run_id, one in kept.items() if _created(one[0]) <= found.until}
        items = [item for run, _ in found.runs.values() for item in items_of(found.repository, run)]
        session.queue.add(items)
        session.commit()
        session.progress.done()
        await self._revisit(found, shown)
        # Of a run whose attempt or annotations failed the jobs are asked for once more: they say what to ask.
        waiting = session.queue.waiting(found.repository, _OF_RUNS)
        found.due = sorted({item.run_id for item in waiting if item.run_id in found.runs}, reverse=True)

    def _windows(self, found: Found, workflow: str) -> Sequence[Any]:
        """What to list: the span, and as far back as a run may have been run again since."""
        start = min(found.since, session_now(found) - LOOK_BACK)
        return plan(start, found.until, self.session.queue.listings(found.repository, workflow))

    def _note(self, found: Found, workflow: str, part: Listed) -> None:
        self.session.warn([part.doubt] if part.doubt else [])
        self.session.queue.note_listing(
            Listing(
                found.repository, workflow, part.window.start, part.window.end, part.total, len(part.runs),
                not part.doubt, part.doubt, self.session.client.server_now(),
            )
        )  # fmt: skip

    async def _revisit(self, found: Found, shown: Mapping[int, tuple[Run, str]]) -> None:
        """Take up runs outside the span that were left open: as they were listed now, or else each asked for."""
        open_: dict[int, list[Item]] = {}
        for item in self.session.queue.waiting(found.repository, _OF_RUNS):
            if item.run_id is not None and item.run_id not in found.runs:
                open_.setdefault(item.run_id, []).append(item)
        for run_id, items in open_.items():
            self.stop.check()
            one = shown.get(run_id) or await self._ask_for_run(found.repository, run_id, items)
            if one:
                found.runs[run_id] = one
                self.session.queue.add(items_of(found.repository, one[0]))

    async def _ask_for_run(self, repository: str, run_id: int, items: Sequence[Item]) -> tuple[Run, str] | None:
        """One run by its id; None, with its open items settled, when it is not to be had."""
        session = self.session
        folder = f"{root(repository)}/actions/runs/{run_id}"
        try:
            answer = await session.client.get(f"/repos/{repository}/actions/runs/{run_id}", kind="run")
        except Gone as why:
            absence = session.keep_absence(why, f"{folder}/gone.json")
            session.settle(gone(item, why, absence) for item in items)
            return None
        return answer.json(), session.keep(answer, f"{folder}/run.json")

    def _describe(self, found: Found, run_id: int) -> Work:
        run, path = found.runs[run_id]
        return partial(describe, self.session, found.repository, run, path)

    async def _list_workflows(self, found: Found) -> None:
        """List the workflows when a run belongs to one that was not listed before."""
        session = self.session
        ids = {str(run["workflow_id"]) for run, _ in found.runs.values() if run.get("workflow_id")}
        items = [Item(found.repository, "workflow", workflow_id) for workflow_id in sorted(ids)]
        session.queue.add(items)
        due = session.queue.waiting(found.repository, ("workflow",))
        if not due:
            return
        number = 0
        address = f"/repos/{found.repository}/actions/workflows"
        path = ""
        try:
            async for answer in session.client.pages(address, {"per_page": 100}, kind="workflows"):
                number += 1
                path = session.keep(answer, f"{root(found.repository)}/actions/workflows-{number}.json")
        except Gone as why:
            session.settle(gone(item, why) for item in due)
            return
        # A workflow that was deleted is not listed; its runs say all that is left of it.
        session.settle(Settled(item, "done", evidence_path=path) for item in due)

    def _ask_for_waiting(self, found: Found) -> None:
        """A run that waits for an approval now."""
        waiting = [run_id for run_id, (run, _) in found.runs.items() if run.get("status") == "waiting"]
        self.session.queue.add(approval_item(found.repository, run_id) for run_id in waiting)

    async def _ask_for_files(self, found: Found) -> Defining:
        self.stop.check()
        self.session.progress.start("Reading workflow files", None)
        clone = Clone.find(self.checkout, found.repository) if self.checkout else None
        runs = [run for run, _ in found.runs.values()]
        try:
            return await ask_for_files(self.session, found.repository, found.default_branch, runs, clone, self.filed)
        finally:
            self.session.commit()
            self.session.progress.done()

    async def _ask_for_groups(self, found: Found, defining: Defining) -> None:
        """Concurrency groups, first of runs that were cancelled; not of those whose file leaves nothing to ask."""
        session = self.session
        items, without = [], []
        for run, _ in found.runs.values():
            cancelled = run.get("conclusion") == "cancelled" or run.get("status") in ("pending", "waiting", "queued")
            item = group_item(found.repository, run, PRIORITY_CANCELLED if cancelled else PRIORITY_NORMAL)
            if session.queue.state_of(found.repository, "groups", item.key) == ("done", item.version):
                continue
            settings = defining.settings_of(run)
            if settings in _UNASKED and not cancelled:
                without.append(Settled(item, "skipped", _UNASKED[settings]))
            else:
                items.append(item)
        session.queue.add([*items, *(one.item for one in without)])
        session.settle(without)
        missing: list[int] = []

        async def ask(item: Item) -> None:
            if len(missing) >= NO_GROUPS_AFTER:
                detail = "This server does not tell the concurrency groups of runs."
                session.settle([Settled(item, "unavailable", detail, 404)])
                return
            try:
                await fetch_groups(session, found.repository, item)
                missing.clear()
            except Gone:
                missing.append(item.run_id or 0)

        due = session.queue.waiting(found.repository, ("groups",))
        await self._work("Asking for concurrency groups", [partial(ask, item) for item in due])

    async def _fetch_log(self, found: Found, item: Item, jobs: Mapping[tuple[int, int], Sequence[RanJob]]) -> None:
        run = found.runs.get(item.run_id or 0)
        ended = parse_moment(run[0].get("updated_at")) if run else None
        young = ended is not None and self.session.client.server_now() - ended < NOT_READY
        if item.kind == "job-log":
            await fetch_job_log(self.session, found.repository, item, young=young)
            return
        known = jobs.get((item.run_id or 0, item.attempt or 1), ())
        await fetch_logs(self.session, found.repository, item, known, young=young)

    def _cost(self) -> Plan:
        """What is still to be asked, exactly where it is known and by what such runs usually have where not."""
        queue = self.session.queue
        due = [found.runs[run_id][0] for found in self.found for run_id in found.due]
        earlier = sum(attempt_of(run) - 1 for run in due if run.get("previous_attempt_url", "") is not None)
        unhappy = sum(1 for run in due if run.get("conclusion") not in ("success", "skipped", None))
        logs = sum(attempt_of(run) - (not is_complete(run)) for run in due)
        logs += sum(len(queue.waiting(found.repository, ("logs",))) for found in self.found)
        costs = [
            Cost(f"jobs of {len(due):,} runs", len(due), exact=True),
            Cost("earlier attempts", earlier, exact=True),
            Cost("annotations of jobs that did not succeed", unhappy, exact=False),
            Cost("concurrency groups", len(due), exact=False),
        ]
        if self.scope.logs != "none":
            costs.append(Cost("log archives", logs, exact=self.scope.logs == "all"))
        left, limit, resets_at = self.session.client.quota
        return Plan(tuple(costs), left, limit, resets_at)


def _not_listed(workflow: str, repository: str, why: Gone) -> ForensicsError:
    """Without the list of runs there is nothing to go on with."""
    message = f"The runs of {workflow or repository} cannot be listed: {why.detail}"
    if why.state == "failed":
        return ServerFailing(message, hint=_AGAIN)
    if why.state == "deleted" and workflow:
        return NothingToAnalyse(message, hint="Name a file of .github/workflows, such as --workflow deploy.yml.")
    return AccessRefused(message, hint="The token needs to read the repository's Actions (actions=read).")


def session_now(found: Found) -> datetime:
    """The end of the span, which is the server's now unless ``--until`` says otherwise."""
    return found.until


def _created(run: Run) -> datetime:
    return parse_moment(run.get("created_at")) or datetime.min
