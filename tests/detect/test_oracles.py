"""The detectors against a second opinion: slow and plain Python that looks at every pair, on random histories."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from history_tables import FIRST_DAY, Row, clear, plant

from forensics.detect.detector import load_detectors
from forensics.detect.run import detect
from forensics.model import Finding
from forensics.store.store import Store

DETECTORS = {detector.id: detector for detector in load_detectors()}
STORE = Store.memory()
SEEDS = range(60)

History = dict[str, list[Row]]
Attempt = tuple[int, int]


@pytest.mark.parametrize("seed", SEEDS)
def test_overlapping_runs_finds_what_looking_at_every_second_finds(seed: int) -> None:
    history = random_history(seed)
    seconds: dict[Attempt, set[int]] = defaultdict(set)
    for job in history["jobs"]:
        if job["executed"] and not job["copied"]:
            seconds[job["run_id"], job["attempt"]] |= set(range(job["from"], job["to"]))
    lanes = {run["run_id"]: (run["workflow_path"], run["head_branch"]) for run in history["runs"]}
    alone, lane_pairs, workflow_pairs = {}, defaultdict(list), defaultdict(list)
    for one, other in combinations(sorted(seconds), 2):
        common = stretches(seconds[one] & seconds[other])
        if one[0] == other[0] or lanes[one[0]] != lanes[other[0]] or not common:
            continue
        told = (sum(end - start for start, end in common), any(end - start > 2 for start, end in common))
        wrote = [effects_of(history, attempt) for attempt in (one, other)]
        if {effect["target"] for effect in wrote[0]} & {effect["target"] for effect in wrote[1]}:
            alone[one, other] = told
        elif any(
            effect["from"] <= end and effect["to"] >= start for effect in wrote[0] + wrote[1] for start, end in common
        ):
            lane_pairs[lanes[one[0]]].append(told)
        else:
            workflow_pairs[lanes[one[0]][0]].append(told)

    findings = run("overlapping-runs", history)
    assert {
        tuple((ref.run_id, ref.attempt) for ref in finding.runs): (
            finding.values["overlap_seconds"],
            finding.precision == "certain",
        )
        for finding in findings
        if finding.values["kind"] == "same-target"
    } == alone
    assert sorted(grouped(findings, "writes")) == sorted(map(summary, lane_pairs.values()))
    assert sorted(grouped(findings, "read-only")) == sorted(map(summary, workflow_pairs.values()))


@pytest.mark.parametrize("seed", SEEDS)
def test_overlapping_effects_finds_what_comparing_all_turns_finds(seed: int) -> None:
    history = random_history(seed)
    copied = {job["job_id"] for job in history["jobs"] if job["copied"]}
    steps = {(step["job_id"], step["step_number"]): step for step in history["steps"]}
    turns: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for effect in history["effects"]:
        if effect["outcome"] != "no-op" and effect["job_id"] not in copied:
            place = (effect["target"], effect["run_id"], effect["attempt"], effect["job_id"], effect["step_number"])
            turns[place].append(effect)
    expected: dict[tuple[Any, ...], tuple[int, float, str]] = {}
    for (one, first), (other, second) in combinations(sorted(turns.items()), 2):
        if one[0] != other[0] or one[1] == other[1]:
            continue
        held = [hold(group, steps.get((key[3], key[4]))) for key, group in ((one, first), (other, second))]
        start, end = max(held[0][0], held[1][0]), min(held[0][1], held[1][1])
        if end <= start:
            continue
        told = (meeting_rank(first, second, start, end), -float(end - start))
        pair = (one[0], *sorted([one[1:3], other[1:3]]))
        expected[pair] = min(expected.get(pair, told), told)

    severities = {1: "critical", 2: "high", 3: "medium"}
    assert {
        (finding.target, *((ref.run_id, ref.attempt) for ref in finding.runs)): (
            finding.severity,
            finding.values["overlap_seconds"],
            finding.precision,
        )
        for finding in run("overlapping-effects", history)
    } == {
        pair: (severities[rank], -overlap, "certain" if -overlap > 4 else "possible")
        for pair, (rank, overlap) in expected.items()
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_out_of_order_effect_finds_what_comparing_all_landings_finds(seed: int) -> None:
    history = random_history(seed)
    copied = {job["job_id"] for job in history["jobs"] if job["copied"]}
    runs = {row["run_id"]: row for row in history["runs"]}
    landings: dict[tuple[str, str, int, int], int] = {}
    for effect in history["effects"]:
        if effect["outcome"] == "done" and effect["job_id"] not in copied:
            key = (effect["target"], runs[effect["run_id"]]["head_branch"], effect["run_id"], effect["attempt"])
            landings[key] = max(landings.get(key, 0), effect["to"])
    # Runs are created in the order of their ids, five seconds apart; a re-run keeps its commit.
    expected = {
        (one[0], one[2], one[3])
        for one in landings
        if any(other[:2] == one[:2] and other[2] > one[2] and landings[other] < landings[one] for other in landings)
    }
    found = {
        (finding.target, finding.runs[0].run_id, finding.runs[0].attempt)
        for finding in run("out-of-order-effect", history)
    }
    again = {(finding.runs[0].run_id, finding.runs[0].attempt) for finding in run("stale-rerun", history)}
    assert found == {landing for landing in expected if landing[2] == 1}
    # A re-run has one finding for what had landed before by itself, and one for what had not.
    assert again == {landing[1:] for landing in expected if landing[2] > 1}


def random_history(seed: int) -> History:
    """A dozen runs in two minutes on two branches of two workflows: everything overlaps that can."""
    chance = random.Random(seed)
    history: History = {"runs": [], "jobs": [], "steps": [], "effects": []}
    for run_id in range(1, chance.randint(3, 12)):
        history["runs"].append(
            {
                "run_id": run_id,
                "workflow_path": chance.choice(["deploy.yml", "checks.yml"]),
                "head_branch": chance.choice(["main", "topic"]),
                "created_at": FIRST_DAY + timedelta(seconds=5 * run_id),
                "head_sha": f"{run_id:040x}",
            }
        )
        for attempt in range(1, chance.choice([2, 2, 2, 3])):
            for part in range(chance.randint(1, 3)):
                add_job(history, chance, run_id, attempt, 100 * run_id + 10 * attempt + part)
    return history


def add_job(history: History, chance: random.Random, run_id: int, attempt: int, job_id: int) -> None:
    start = chance.randint(0, 120)
    end = start + chance.choice([0, 1, 2, 3, 5, 10, 20])
    copied = attempt > 1 and chance.random() < 0.3
    executed = chance.random() < 0.9
    history["jobs"].append(
        {"job_id": job_id, "run_id": run_id, "attempt": attempt, "copied": copied, "executed": executed}
        | times(start, end, "started_at", "completed_at")
    )
    if chance.random() < 0.7:
        history["steps"].append(
            {"job_id": job_id, "step_number": 1} | times(start, end, "started_at", "completed_at")
        )
    for number in range(chance.choice([0, 0, 1, 2])):
        begin = chance.randint(start, end)
        history["effects"].append(
            {
                "run_id": run_id,
                "attempt": attempt,
                "job_id": job_id,
                "step_number": 1,
                "line_no": number + 1,
                "target": chance.choice(["k8s:deployment/cart", "k8s:deployment/till", "k8s:deployment/scale"]),
                "outcome": chance.choice(["done", "done", "done", "rejected", "unknown", "failed", "no-op"]),
            }
            | times(begin, chance.randint(begin, end), "started_at", "occurred_at")
        )


def times(start: int, end: int, first: str, last: str) -> Row:
    """As the tables have them, and as whole seconds for the second opinion."""
    return {
        first: FIRST_DAY + timedelta(seconds=start),
        last: FIRST_DAY + timedelta(seconds=end),
        "from": start,
        "to": end,
    }


def run(detector: str, history: History) -> tuple[Finding, ...]:
    said = {
        table: [{name: value for name, value in row.items() if name not in ("from", "to")} for row in rows]
        for table, rows in history.items()
    }
    clear(STORE)
    plant(STORE, said)
    result = detect(STORE, [DETECTORS[detector]])
    assert result.failures == ()
    return result.findings


def stretches(seconds: set[int]) -> list[tuple[int, int]]:
    """Whole seconds as intervals without gaps."""
    starts = sorted(second for second in seconds if second - 1 not in seconds)
    ends = sorted(second + 1 for second in seconds if second + 1 not in seconds)
    return list(zip(starts, ends, strict=True))


def effects_of(history: History, attempt: Attempt) -> list[Row]:
    copied = {job["job_id"] for job in history["jobs"] if job["copied"]}
    return [
        effect
        for effect in history["effects"]
        if (effect["run_id"], effect["attempt"]) == attempt
        and effect["job_id"] not in copied
        and effect["outcome"] in ("done", "rejected", "unknown")
    ]


def hold(effects: list[Row], step: Mapping[str, Any] | None) -> tuple[int, int]:
    start, end = min(effect["from"] for effect in effects), max(effect["to"] for effect in effects)
    return (min(start, step["from"]), max(end, step["to"])) if step else (start, end)


def meeting_rank(first: list[Row], second: list[Row], start: int, end: int) -> int:
    outcomes = []
    for effects in (first, second):
        words = {effect["outcome"] for effect in effects}
        outcomes.append(next(word for word in ("done", "unknown", "rejected", "failed") if word in words))
    if {"rejected", "failed"} & set(outcomes):
        return 3
    begun = [min(effect["from"] for effect in effects) for effects in (first, second)]
    landed = [max(effect["to"] for effect in effects) for effects in (first, second)]
    crossed = begun[0] < landed[1] and begun[1] < landed[0]
    both_within = all(start <= moment <= end for moment in landed)
    return 2 if "unknown" in outcomes or not (crossed or both_within) else 1


def summary(pairs: list[tuple[int, bool]]) -> tuple[int, int, float, str]:
    certain = [told for told in pairs if told[1]]
    return len(pairs), len(certain), float(sum(seconds for seconds, _ in pairs)), "certain" if certain else "possible"


def grouped(findings: tuple[Finding, ...], kind: str) -> list[tuple[int, int, float, str]]:
    return [
        (
            finding.values["pairs"],
            finding.values["certain_pairs"],
            finding.values["total_seconds"],
            finding.precision,
        )
        for finding in findings
        if finding.values["kind"] == kind
    ]
