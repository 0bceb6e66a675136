"""What a log says of its own origin: run, attempt, repository, workflow, job, commit, runner.

Logs also quote other runs, so a line counts by who prints it: the runner's and the official actions' own lines
before addresses that merely occur. Lines of printed script source are left out, but for values under ``env:`` and
``with:``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

# One prefilter over all lines in Polars; the exact patterns run over the few that pass.
_CANDIDATE = (
    r"/actions/runs/[0-9]|GITHUB_RUN_|GITHUB_REPOSITORY|Job defined at: |^Complete job name: |^Runner name: |"
    r"^Job is about to start running|^  repository: |^Syncing repository: |log -1 --format=.?%H"
)
MOST_CANDIDATES = 5_000
"""Lines read closely per job; a log that has more of them says the same again and again."""
MOST_RUN_IDS = 100
_WIDTH = 600
"""Characters of a candidate that are read."""

_SLUG = r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+"
_ARTIFACT = re.compile(rf"^Artifact download URL: https?://[^/ ]+/({_SLUG})/actions/runs/(\d{{1,18}})/artifacts/")
_RUN_URL = re.compile(r"/actions/runs/(\d{1,18})\b(?:/attempts/(\d{1,4})\b)?", re.ASCII)
_VARIABLE = re.compile(r"^\s*GITHUB_(RUN_ID|RUN_ATTEMPT|REPOSITORY)[:=] ?[\"']?([^\s\"']+)[\"']?$")
_DEFINED = re.compile(rf"^Job defined at: ({_SLUG})/(\.github/workflows/[^@]+)@(.+)$")
_COMPLETE = re.compile(r"^Complete job name: (.*\S)")
_RUNNER = re.compile(
    r"^(?:Runner name: '(.+)'|Job is about to start running on the .*runner: (.+?)(?: \(hosted\))?)$"
)
_CHECKOUT = re.compile(rf"^  repository: ({_SLUG})$")
_SYNCING = re.compile(rf"^Syncing repository: ({_SLUG})$")
_COMMIT = re.compile(r"log -1 --format=.?%H")
_SHA = re.compile(r"^'?([0-9a-f]{40})'?$")


@dataclass(frozen=True)
class Hints:
    """What one log, or one job's part of it, says of its origin; everything may be unknown."""

    run_ids: tuple[int, ...] = ()
    """Run ids named in it, own ones first, then by how often they are named."""
    own_run_ids: tuple[int, ...] = ()
    """Those that the run states about itself (artifact address, ``GITHUB_RUN_ID``); normally one."""
    attempt: int | None = None
    repository: str | None = None
    """owner/name."""
    workflow_path: str | None = None
    """File that defines the job; for a job of a reusable workflow, the called file."""
    ref: str | None = None
    """Git ref of that file, which for a run's own file is the run's ref."""
    job_name: str | None = None
    """Full name, as in the jobs API."""
    head_sha: str | None = None
    """Commit that was checked out; for a pull request the merge commit."""
    runner_name: str | None = None


NOTHING = Hints()


def read(lines: pl.DataFrame) -> Hints:
    """Hints of one log from its columns ``level`` and ``text``."""
    found = _Found()
    rows = _candidates(lines.select(job=pl.lit(""), level="level", text="text"))
    for _, text, said, after in rows.head(MOST_CANDIDATES).iter_rows():
        found.take(text, said, after)
    return found.hints()


def read_each(logs: Sequence[pl.DataFrame]) -> list[Hints]:
    """Hints of several logs, one each, found in one pass over all their lines."""
    if not logs:
        return []
    marked = [log.select(job=pl.lit(str(at)), level="level", text="text") for at, log in enumerate(logs)]
    found = [_Found() for _ in logs]
    # The same line again says nothing new but how often it stands there.
    rows = _candidates(pl.concat(marked)).group_by("job", "text", "said", "after", maintain_order=True).len()
    for job, text, said, after, times in rows.iter_rows():
        one = found[int(job)]
        if one.seen < MOST_CANDIDATES:
            one.take(text, said, after, times)
    return [one.hints() for one in found]


def read_by_job(lines: pl.DataFrame) -> tuple[Hints, dict[str, Hints]]:
    """Hints of a text with a column ``job``, as a whole and of each job in order of appearance."""
    whole, found = _sum_up(_candidates(lines))
    jobs = lines["job"].unique(maintain_order=True).drop_nulls()
    return whole, {job: found.get(job, NOTHING) for job in jobs}


class GatheredHints:
    """Hints of one log that comes in stretches."""

    def __init__(self) -> None:
        self._held: pl.DataFrame | None = None
        self._times: dict[tuple[str, bool, str | None], int] = {}

    def take(self, lines: pl.DataFrame) -> None:
        """Read the next lines: columns ``level`` and ``text``. The last one waits for the line after it."""
        fresh = lines.select(job=pl.lit(""), level="level", text="text")
        known = fresh if self._held is None else pl.concat([self._held, fresh])
        self._held = known.tail(1)
        self._count(_candidates(known, known.height - 1))

    def hints(self) -> Hints:
        """What follows from all of them; nothing can be taken after that."""
        if self._held is not None:
            self._count(_candidates(self._held))
        found = _Found()
        for (text, said, after), times in self._times.items():
            found.take(text, said, after, times)
        return found.hints()

    def _count(self, rows: pl.DataFrame) -> None:
        for _, text, said, after in rows.iter_rows():
            key = (text, said, after)
            if key in self._times or len(self._times) < MOST_CANDIDATES:
                self._times[key] = self._times.get(key, 0) + 1


def _candidates(lines: pl.DataFrame, until: int | None = None) -> pl.DataFrame:
    """``job``, ``text``, whether ``said`` rather than echoed, text of the line ``after``, of lines that may hint.

    Of the lines before row ``until`` only, when given.
    """
    rows = lines["text"].head(lines.height if until is None else until).str.contains(_CANDIDATE).arg_true()
    # Few lines pass, so the line after each is fetched for them alone; past the end there is none.
    following = rows + 1
    inside = following < lines.height
    found = lines.select(pl.col("job", "text", "level").gather(rows))
    after = lines.select(pl.col("job", "text").gather(following.filter(inside)))
    after = after.with_columns(rows.filter(inside).alias("row")).rename({"job": "job_after", "text": "after"})
    return (
        found.with_columns(rows.alias("row"))
        .join(after, on="row", how="left", maintain_order="left")
        .select(
            "job",
            pl.col("text").str.slice(0, _WIDTH),
            said=pl.col("level").ne_missing("echo"),
            after=pl.when(pl.col("job_after") == pl.col("job")).then(pl.col("after").str.slice(0, _WIDTH)),
        )
    )


def _sum_up(rows: pl.DataFrame) -> tuple[Hints, dict[str, Hints]]:
    """Hints of all rows together, and of each job's."""
    whole = _Found()
    jobs: dict[str, _Found] = {}
    for job, text, said, after in rows.iter_rows():
        found = jobs.setdefault(job, _Found())
        if found.seen < MOST_CANDIDATES:
            found.take(text, said, after)
        if whole.seen < MOST_CANDIDATES:
            whole.take(text, said, after)
    return whole.hints(), {job: found.hints() for job, found in jobs.items()}


@dataclass
class _Found:
    """What the lines of one job have said so far."""

    seen: int = 0
    own_runs: Counter[int] = field(default_factory=Counter)
    runs: Counter[int] = field(default_factory=Counter)
    attempts: list[tuple[int, int]] = field(default_factory=list)
    stated: Counter[str] = field(default_factory=Counter)
    checked_out: list[str] = field(default_factory=list)
    commits: list[tuple[str | None, str]] = field(default_factory=list)
    attempt: int | None = None
    defined: tuple[str, str, str] | None = None
    job_name: str | None = None
    runner_name: str | None = None
    _syncing: str | None = None

    def take(self, text: str, said: bool, after: str | None, times: int = 1) -> None:
        """Read a candidate line that stands there ``times`` times.

        Values under ``env:`` and ``with:`` are echoes and count, other echoes do not.
        """
        self.seen += 1
        if match := _VARIABLE.match(text):
            self._take_variable(match[1], match[2], times)
        elif match := _CHECKOUT.match(text):
            self.checked_out.append(match[1])
        elif said:
            self._take_said(text, after, times)

    def _take_variable(self, name: str, value: str, times: int) -> None:
        if name == "REPOSITORY" and re.fullmatch(_SLUG, value):
            self.stated[value] += times
        elif name == "RUN_ID" and re.fullmatch(r"[0-9]{1,18}", value):
            self.own_runs[int(value)] += times
        elif name == "RUN_ATTEMPT" and re.fullmatch(r"[0-9]{1,4}", value):
            self.attempt = int(value)

    def _take_said(self, text: str, after: str | None, times: int) -> None:
        if match := _ARTIFACT.match(text):
            self.stated[match[1]] += times
            self.own_runs[int(match[2])] += times
        elif match := _SYNCING.match(text):
            self._syncing = match[1]
            self.checked_out.append(match[1])
        elif match := _DEFINED.match(text):
            self.defined = self.defined or (match[1], match[2], match[3])
        elif match := _COMPLETE.match(text):
            self.job_name = self.job_name or match[1]
        elif match := _RUNNER.match(text):
            self.runner_name = self.runner_name or match[1] or match[2]
        elif _COMMIT.search(text) and (match := _SHA.match(after or "")):
            self.commits.append((self._syncing, match[1]))
        if "/actions/runs/" not in text:
            return
        for run, attempt in _RUN_URL.findall(text):
            self.runs[int(run)] += times
            if attempt:
                self.attempts.append((int(run), int(attempt)))

    def hints(self) -> Hints:
        """What follows from all that was said."""
        own = tuple(run for run, _ in self.own_runs.most_common(MOST_RUN_IDS))
        others = (run for run, _ in self.runs.most_common(MOST_RUN_IDS) if run not in self.own_runs)
        by_address = (attempt for run, attempt in self.attempts if own and run == own[0])
        repository = self._repository()
        _, path, ref = self.defined if self.defined and _same(self.defined[0], repository) else (None, None, None)
        return Hints(
            run_ids=(*own, *others)[:MOST_RUN_IDS],
            own_run_ids=own,
            attempt=self.attempt if self.attempt is not None else next(by_address, None),
            repository=repository,
            workflow_path=path,
            ref=ref,
            job_name=self.job_name,
            head_sha=next((sha for synced, sha in self.commits if synced is None or _same(synced, repository)), None),
            runner_name=self.runner_name,
        )

    def _repository(self) -> str | None:
        """The run's repository.

        ``Job defined at`` names the called file for a job of a reusable workflow, perhaps in another repository; the
        first checkout is normally of the run's own.
        """
        if self.stated:
            return self.stated.most_common(1)[0][0]
        if self.defined is None:
            return _first(self.checked_out)
        owner, _, ref = self.defined
        sure = not self.checked_out or ref.startswith("refs/pull/") or any(_same(owner, c) for c in self.checked_out)
        return owner if sure else self.checked_out[0]


def _same(repository: str, other: str | None) -> bool:
    return other is not None and repository.casefold() == other.casefold()


def _first(values: Iterable[str]) -> str | None:
    return next(iter(values), None)
