"""What all detectors say of histories in which nothing is wrong: 20 of 10,000 runs, each from another seed.

Run it with ``python bench/quiet.py [SEEDS [RUNS]]``. Prints findings by severity, by detector and what they say, and
exits with 1 where one is high or critical, or where more than one in a hundred looks (a detector at a history) gives
a false alarm. The histories come from forensics.synth.quiet: working weeks, red and flaky runs, re-runs of failed
jobs, pushes that overtake each other, releases one after the other, a nightly schedule. Rows go straight into the
case, without logs: effects are what the steps did, log lines of long steps are spread over them by chance.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

import polars as pl
from ruamel.yaml import YAML

from forensics.detect.detector import Detector, load_detectors
from forensics.detect.run import detect
from forensics.model import Finding
from forensics.pipeline import derive
from forensics.store.store import Store
from forensics.synth.deeds import list_deeds
from forensics.synth.history import Attempt, History, Job, Run, cut
from forensics.synth.quiet import live_quietly
from forensics.synth.rest import show_repository, show_run

SEEDS = 20
RUNS = 10_000
RUNS_A_DAY = 25
LIMIT = 0.01

TRUE = frozenset({"flaky-job"})
"""Detectors whose finding is no false alarm: the quiet histories have flaky tests, and that is all these tell."""

# Eight lines a step, spread by chance, as a build or a test writes them; numbered on from the step's own.
_LINES = """
INSERT INTO log_lines BY NAME
SELECT
    j.run_id, j.attempt, s.job_id, s.step_number, s.step_number * 1000 + n AS line_no, 1 AS source_id,
    s.started_at + to_microseconds((
        1e6 * date_diff('second', s.started_at, s.completed_at) * (n + (hash(s.job_id, n) % 1000) / 1000.0) / 9
    )::BIGINT) AS logged_at,
    'line ' || n AS text
FROM steps AS s
INNER JOIN jobs AS j ON s.job_id = j.job_id
CROSS JOIN range(8) AS numbers (n)
WHERE s.completed_at >= s.started_at + INTERVAL 30 SECOND AND NOT j.copied
"""


@dataclass
class Tally:
    """What was found in all histories."""

    histories: int = 0
    runs: int = 0
    looks: int = 0
    """Histories times detectors."""
    alarms: int = 0
    """Looks with a finding that is not true."""
    severities: Counter[str] = field(default_factory=Counter)
    by_detector: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    examples: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Share of looks that gave a false alarm."""
        return self.alarms / max(1, self.looks)

    @property
    def exceeds(self) -> bool:
        """Whether the quiet histories were not taken for quiet."""
        loud = self.severities["high"] + self.severities["critical"]
        return bool(loud or self.failures or self.rate > LIMIT)

    def take(self, runs: int, detectors: int, findings: Iterable[Finding]) -> None:
        """Add one history's findings."""
        found = list(findings)
        self.histories += 1
        self.runs += runs
        self.looks += detectors
        self.alarms += len({finding.detector for finding in found} - TRUE)
        for finding in found:
            self.severities[finding.severity] += 1
            self.by_detector[finding.detector, finding.severity] += 1
            self.examples.setdefault((finding.detector, finding.severity), finding.message)


def fill(store: Store, history: History) -> None:
    """Put a history into an empty case as an ingest of its pages and logs would have, and derive what follows."""
    rows = _metadata(history)
    rows["effects"] = list(_effects(history))
    for table, entries in rows.items():
        store.insert(table, pl.DataFrame(entries, infer_schema_length=None))
    store.execute(_LINES)
    derive(store)


def measure(seed: int, runs: int, detectors: tuple[Detector, ...], tally: Tally) -> None:
    """Make one history and add what the detectors find in it."""
    history = live_quietly(seed=seed, days=max(7, round(runs / RUNS_A_DAY)), runs_per_day=RUNS_A_DAY)
    with Store.memory() as store:
        fill(store, history)
        result = detect(store, detectors)
    tally.failures += [f"{name}: {reason}" for name, reason in result.failures]
    tally.take(len(history.runs), len(detectors), result.findings)


def _metadata(history: History) -> dict[str, list[dict[str, Any]]]:
    name, commits = history.repository, sorted({run.commit.sha for run in history.runs})
    rows: dict[str, list[dict[str, Any]]] = {
        "repositories": [{"repository": name, "default_branch": "main"}],
        "workflow_files": [],
        "workflow_versions": [],
        "runs": list(_runs(history)),
        "attempts": [],
        "jobs": [],
        "steps": [],
        "annotations": [],
        "log_sources": [],
    }
    for file in history.files:
        workflow = history.workflow(file)
        parsed = json.dumps(YAML(typ="safe").load(workflow.text))
        place = {"repository": name, "path": workflow.path}
        rows["workflow_files"].append(
            {**place, "sha": f"blob:{file}", "name": workflow.name, "text": workflow.text, "parsed": parsed}
            | {"evidence_path": "bench"}
        )
        rows["workflow_versions"] += [{**place, "commit": sha, "blob": file, "source": "exact"} for sha in commits]
    for run in history.runs:
        for attempt in run.attempts:
            rows["attempts"].append(_attempt(history, run, attempt))
            for job in attempt.jobs:
                _add_job(rows, history, run, attempt, job)
    return rows


def _runs(history: History) -> Iterator[dict[str, Any]]:
    numbers: Counter[str] = Counter()
    repository = show_repository(history)
    for run in history.runs:
        numbers[run.workflow] += 1
        shown = show_run(history, run, run.latest, numbers[run.workflow], repository)
        same = ("run_number", "workflow_id", "name", "event", "status", "conclusion", "head_branch", "head_sha")
        yield {name: shown[name] for name in same} | {
            "repository": history.repository,
            "run_id": run.run_id,
            "workflow_path": shown["path"],
            "workflow_name": shown["name"],
            "display_title": shown["display_title"],
            "head_repository": history.repository,
            "created_at": cut(run.created_at),
            "run_started_at": cut(run.latest.asked_at),
            "updated_at": cut(run.latest.updated_at),
            "latest_attempt": run.latest.number,
            "actor": run.actor.login,
            "triggering_actor": run.latest.actor.login,
            "inferred": False,
            "raw": json.dumps(shown),
        }


def _attempt(history: History, run: Run, attempt: Attempt) -> dict[str, Any]:
    executed = [job for job in attempt.jobs if job.executed]
    return {
        "repository": history.repository,
        "run_id": run.run_id,
        "attempt": attempt.number,
        "status": attempt.status,
        "conclusion": attempt.conclusion,
        "created_at": cut(attempt.asked_at),
        "started_at": cut(min(job.started_at for job in executed)) if executed else None,
        "completed_at": cut(max(job.completed_at for job in executed)) if executed else cut(attempt.updated_at),
        "updated_at": cut(attempt.updated_at),
        "actor": attempt.actor.login,
        "inferred": False,
    }


def _add_job(rows: dict[str, list[dict[str, Any]]], history: History, run: Run, attempt: Attempt, job: Job) -> None:
    runner, place = job.runner, {"run_id": run.run_id, "attempt": attempt.number, "job_id": job.job_id}
    rows["jobs"].append(
        {"repository": history.repository, **place, "name": job.name, "status": job.status}
        | {"conclusion": job.conclusion, "created_at": cut(job.created_at), "started_at": cut(job.started_at)}
        | {"completed_at": cut(job.completed_at), "head_sha": run.commit.sha, "head_branch": run.commit.branch}
        | {"workflow_name": history.workflow(run.workflow).name, "runner_id": runner.runner_id if runner else None}
        | {"runner_name": runner.name if runner else None, "runner_group": runner.group_name if runner else None}
        | {"executed": runner is not None, "copied": job.copied, "inferred": False}
    )
    rows["steps"] += [
        {"job_id": job.job_id, "step_number": step.number, "name": step.name, "status": "completed"}
        | {"conclusion": step.conclusion}
        | {"started_at": cut(step.started_at), "completed_at": cut(step.completed_at)}
        for step in job.steps
    ]
    rows["annotations"] += [
        {"repository": history.repository, **place, "level": note.level, "message": note.message, "path": ".github"}
        for note in job.annotations
    ]
    if runner is not None and not job.copied:
        rows["log_sources"].append(
            {"source_id": job.job_id, "unit_id": "bench", "main_source_id": job.job_id, "evidence_path": "bench"}
            | {"member": "", "form": "job", **place, "bytes": 0, "lines_in": 0, "lines_stored": 0}
            | {"lines_duplicate": 0, "lines_problem": 0, "first_at": job.started_at + runner.skew + _BEGINS}
            | {"last_at": job.completed_at + runner.skew - _BEGINS}
        )


_BEGINS = timedelta(seconds=1.2)
"""From a job's start to the first line of its log, and from the last one to its end."""


def _effects(history: History) -> Iterator[dict[str, Any]]:
    for place, deed in enumerate(list_deeds(history), start=1):
        skew = deed.job.runner.skew if deed.job.runner else timedelta(0)
        times: dict[str, datetime] = {
            "started_at": deed.step.started_at + skew,
            "occurred_at": deed.occurred_at + skew,
        }
        yield {
            "repository": history.repository,
            "run_id": deed.run.run_id,
            "attempt": deed.attempt,
            "job_id": deed.job.job_id,
            "step_number": deed.step.number,
            **times,
            "tool": deed.tool,
            "effect": deed.effect,
            "target": deed.target,
            "identity": deed.identity,
            "outcome": deed.outcome,
            "sha": deed.run.commit.sha,
            "rule": "bench",
            "line_no": place,
            "text": f"{deed.effect} {deed.target}",
            "source_id": 1,
        }


def main(arguments: list[str]) -> int:
    """Measure and print; 1 when the quiet was not taken for quiet."""
    seeds, runs = (*map(int, arguments), *(SEEDS, RUNS)[len(arguments) :])[:2]
    detectors, tally, began = load_detectors(), Tally(), perf_counter()
    for seed in range(1, seeds + 1):
        measure(seed, runs, detectors, tally)
    for (name, severity), count in sorted(tally.by_detector.items()):
        true = "  (true)" if name in TRUE else ""
        sys.stdout.write(f"{name:<24} {severity:<9} {count:6,}{true}  {tally.examples[name, severity]}\n")
    for severity in ("critical", "high", "medium", "low", "info"):
        sys.stdout.write(f"{severity:<9} {tally.severities[severity]:6,}\n")
    for failure in tally.failures:
        sys.stdout.write(f"failed: {failure}\n")
    sys.stdout.write(
        f"{tally.histories} histories, {tally.runs:,} runs, {len(detectors)} detectors, {tally.looks:,} looks: "
        f"{tally.alarms} false alarms ({tally.rate:.2%}, limit {LIMIT:.0%}); {perf_counter() - began:.0f} s\n"
    )
    return int(tally.exceeds)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
