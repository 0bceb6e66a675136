"""Whom did whose arrival cancel? On random histories of a simulated GitHub that wrote it down (lanes.py)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from random import Random

import pytest

from forensics.concurrency.cancellations import derive_cancellations
from forensics.store.store import Store
from tests.concurrency.cancelled_rows import plant
from tests.concurrency.lanes import Item, Lease, Row, World, moment

STORE = Store.memory()
SUPERSEDED = ("superseded-waiting", "superseded-running")


@dataclass(frozen=True)
class Told:
    """What the program said of one item."""

    cause: str
    by: Item | None
    confidence: str


@dataclass
class Score:
    """Said against true, over many histories."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    possible_right: int = 0
    possible_wrong: int = 0

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.right + self.missed + self.possible_right)

    @property
    def recall_with_possible(self) -> float:
        return (self.right + self.possible_right) / max(1, self.right + self.missed + self.possible_right)


def test_victim_and_killer_are_named_on_random_histories(capsys: pytest.CaptureFixture[str]) -> None:
    scores = {kind: Score() for kind in ("waiting runs", "running runs", "waiting jobs", "running jobs")}
    causes: Counter[str] = Counter()
    histories = {seed: live(seed) for seed in range(1, 91)}
    told = derive(histories)
    for lease in chain.from_iterable(histories.values()):
        said = told.get(lease.item)
        kind = f"{'running' if lease.reason == 'superseded-running' else 'waiting'} "
        kind += "runs" if lease.item[1] is None else "jobs"
        count(scores[kind], lease, said)
        if lease.reason == "person":
            causes[said.cause if said else "nothing"] += 1
    total = Score()
    for score in scores.values():
        for name in ("right", "wrong", "missed", "possible_right", "possible_wrong"):
            setattr(total, name, getattr(total, name) + getattr(score, name))
    with capsys.disabled():
        for kind, score in {**scores, "all": total}.items():
            print(
                f"\n{kind:<13} precision {score.precision:.4f}  recall {score.recall:.4f} "
                f"(with possible {score.recall_with_possible:.4f})  {score}",
                end="",
            )
        print(f"\ncancelled by hand: {dict(causes)}")
    assert total.right > 2400
    assert total.precision >= 0.995
    assert total.recall >= 0.95
    assert total.recall_with_possible >= 0.995


def count(score: Score, lease: Lease, said: Told | None) -> None:
    """Right is: the cause and the one who did it, both."""
    truth = (lease.reason, lease.by) if lease.reason in SUPERSEDED else None
    claim = (said.cause, said.by) if said and said.cause in SUPERSEDED else None
    sure = said is not None and said.confidence in ("known", "likely")
    if claim and sure:
        score.right += claim == truth
        score.wrong += claim != truth
    elif claim:
        score.possible_right += claim == truth
        score.possible_wrong += claim != truth
    if truth and claim != truth:
        score.missed += 1


def live(seed: int) -> list[Lease]:
    """One repository's history of two hours; ids grow with time, as GitHub's do."""
    chance = Random(seed)
    world = World(chance)
    # Bursts: half of the runs come within seconds of another.
    arrivals = sorted(
        chance.choice([chance.uniform(0, 7200), 600.0 * chance.randrange(12) + chance.uniform(0, 90)])
        for _ in range(120)
    )
    for number, come in enumerate(arrivals, start=1):
        run_id = seed * 1000 + number
        lane = chance.choice(["deploy-main", "deploy-main", "ci-main", "ci-topic", "pages"])
        cancel = {"ci-main": True, "ci-topic": True, "pages": False}.get(lane, chance.random() < 0.1)
        queue = "max" if lane == "pages" and chance.random() < 0.5 else "single"
        group = lane.upper() if chance.random() < 0.2 else lane
        if chance.random() < 0.3:
            begin_with_job(world, run_id, come, f"job-{group}", cancel, queue)
        else:
            lease = Lease((run_id, None), group, cancel, queue, chance.uniform(20, 400), come)
            world.at(come, lambda t, lease=lease: world.arrive(lease, t))
            if chance.random() < 0.04:
                world.at(come + chance.uniform(1, 300), lambda t, lease=lease: world.stop_by_hand(lease, t))
    world.run()
    return world.leases


def derive(histories: Mapping[int, list[Lease]]) -> dict[Item, Told]:
    """What the program makes of them, each in a repository of its own."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for seed, leases in histories.items():
        for table, told in tell(leases, Random(seed)).items():
            named = {} if table in ("concurrency_groups", "evidence") else {"repository": f"octo/shop-{seed}"}
            rows[table] += [{**row, **named} for row in told]
    plant(STORE, rows)
    derive_cancellations(STORE)
    asked = STORE.query("SELECT run_id, job_id, cause, by_run_id, by_job_id, confidence FROM cancellations").rows
    return {
        (run_id, job_id): Told(cause, (by_run, by_job) if by_run else None, confidence)
        for run_id, job_id, cause, by_run, by_job, confidence in asked
    }


def begin_with_job(world: World, run_id: int, come: float, group: str, cancel: bool, queue: str) -> None:
    """A run without a group of its own, whose second job has one: it arrives when the first has ended."""
    chance = world.chance
    ready = come + chance.uniform(30, 300)
    lease = Lease(
        (run_id, int(ready * 1000) * 100_000 + run_id), group, cancel, queue, chance.uniform(20, 300), ready
    )
    world.at(ready, lambda t: world.arrive(lease, t))


def tell(leases: Iterable[Lease], chance: Random) -> dict[str, list[Row]]:
    """The rows that an ingest would have made of it."""
    rows: dict[str, list[Row]] = {
        name: [] for name in ("runs", "attempts", "jobs", "annotations", "concurrency_groups", "evidence")
    }
    for lease in leases:
        run_id, job_id = lease.item
        ended = lease.ended or lease.arrived
        touched = ended + (chance.uniform(3600, 90000) if chance.random() < 0.04 else 0)
        created = moment(lease.arrived if job_id is None else lease.arrived - 300)
        run = {"run_id": run_id, "conclusion": lease.conclusion, "created_at": created}
        rows["runs"].append({**run, "workflow_path": f"{lease.group.lower()}.yml"})
        rows["attempts"].append({**run, "updated_at": moment(touched), "completed_at": moment(touched)})
        rows["evidence"].append({"path": f"repos/octo/shop/actions/runs/{run_id}/attempts/1/jobs.json"})
        rows["concurrency_groups"].append(
            {
                "run_id": run_id,
                "job_id": job_id,
                "level": "workflow" if job_id is None else "job",
                "group_name": lease.group,
                "group_key": lease.group.lower(),
                "cancel_in_progress": lease.cancel,
                "queue": lease.queue,
            }
        )
        begun = lease.acquired is not None
        if job_id is None and not begun:
            continue
        job = job_id or run_id * 10 + 1
        rows["jobs"].append(
            {
                "job_id": job,
                "run_id": run_id,
                "conclusion": lease.conclusion,
                "created_at": moment(lease.arrived if job_id else lease.acquired or 0),
                "started_at": moment((lease.acquired or ended) + (2 if begun else 0)),
                "completed_at": moment(ended),
                "executed": begun and ended > (lease.acquired or 0) + 2,
            }
        )
        if lease.conclusion == "cancelled" and chance.random() < 0.85:
            rows["annotations"].append({"job_id": job, "run_id": run_id, "message": note(lease, chance)})
    return rows


def note(lease: Lease, chance: Random) -> str:
    if lease.reason == "person":
        return "The run was canceled by @hubot."
    if lease.reason == "queue-full":
        return "The operation was canceled."
    quote = chance.choice(["", "'"])
    return f"Canceling since a higher priority waiting request for {quote}{lease.group}{quote} exists"
