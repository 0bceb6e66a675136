"""Whose log it is: each kind of clue, and which one wins."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.load.attribution import JobClue, Known, KnownJob, KnownRun, attribute, made_up_id
from forensics.load.unit import JobTexts, Text, Unit, units_of_archive

RUN, OTHER, JOB, SECOND = 31000000001, 31000000002, 95000000001, 95000000002


def at(hour):
    return datetime(2026, 5, 1, hour)


KNOWN = Known(
    {
        RUN: KnownRun("acme/shop", 2, 7, "a" * 40, "Release", None),
        OTHER: KnownRun("acme/shop", 1, 8, "b" * 40, "Release", None),
    },
    {
        JOB: KnownJob(JOB, RUN, 1, "deploy / to eu", at(10), at(11)),
        SECOND: KnownJob(SECOND, RUN, 2, "deploy / to eu", at(12), at(13)),
    },
    {"beside": (RUN,), "crowd": (RUN, OTHER)},
)


def text(path):
    return Unit(
        f"text:{path}", "text", path.rpartition("/")[0], path, (JobTexts(None, Text(path, ""), (), None),), "x"
    )


def clue(name=None, **values):
    start = {
        "name": name, "said_name": None, "own_run_ids": (), "run_ids": (), "attempt": None, "repository": None,
        "workflow_path": None, "first_at": None, "last_at": None, "digest": "d",
    }  # fmt: skip
    return JobClue(**{**start, **values})


@pytest.mark.parametrize(
    ("path", "given_clue", "run_id", "by"),
    [
        (f"logs/run-{RUN}.txt", clue(own_run_ids=(OTHER,)), RUN, "name"),
        (f"logs/{JOB}.txt", clue(), RUN, "name"),
        (f"logs/x-{OTHER}.txt", clue(), OTHER, "name"),
        ("logs/x-41000000009.txt", clue(run_ids=(41000000009, RUN)), RUN, "text"),
        ("logs/x-41000000009.txt", clue(own_run_ids=(41000000009,)), 41000000009, "name"),
        ("beside/build.txt", clue(), RUN, "neighbour"),
        ("crowd/build.txt", clue(own_run_ids=(OTHER,)), OTHER, "neighbour"),
        ("crowd/build.txt", clue(), None, "made-up"),
        ("logs/build.txt", clue(own_run_ids=(RUN,), run_ids=(RUN, OTHER)), RUN, "text"),
        ("logs/build.txt", clue(run_ids=(41000000008, 41000000009)), None, "made-up"),
        ("logs/2026/01/05/github/push/main/" + "b" * 40 + "/Release/8/notes.txt", clue(), OTHER, "name"),
    ],
)
def test_which_run(path, given_clue, run_id, by):
    found = attribute(text(path), [given_clue], KNOWN)
    assert found.by == by
    assert found.run_id == run_id or (run_id is None and found.run_id < 0 and found.remark)


@pytest.mark.parametrize(("hour", "attempt", "job"), [(10, 1, JOB), (12, 2, SECOND), (20, 2, SECOND)])
def test_the_attempt_is_the_one_whose_job_ran_then(hour, attempt, job):
    found = attribute(text(f"run-{RUN}.txt"), [clue(said_name="deploy / to eu", first_at=at(hour))], KNOWN)
    assert (found.attempt, found.jobs[0].job_id, found.jobs[0].inferred) == (attempt, job, False)


def test_a_mangled_name_finds_its_job():
    (unit,) = units_of_archive(f"run-{RUN}-attempt-1.zip", ["0_deploy _ to eu.txt"], "x")
    found = attribute(unit, [clue("deploy _ to eu")], KNOWN)
    assert (found.run_id, found.attempt, found.jobs[0].job_id) == (RUN, 1, JOB)


def test_files_of_an_archive_are_different_jobs_whatever_they_say():
    (unit,) = units_of_archive("run-41000000009.zip", ["0_a.txt", "1_b.txt", "2_c.txt"], "x")
    clues = [clue(name, said_name="same") for name in ("a", "b", "c")]
    found = attribute(unit, clues, KNOWN)
    assert len({job.job_id for job in found.jobs}) == 3
    assert [job.name for job in found.jobs] == ["same", "b", "c"]
    assert attribute(unit, clues, KNOWN) == found


@given(st.text())
def test_made_up_ids_are_negative_stable_and_fit(seed):
    assert -(1 << 63) < made_up_id(seed) == made_up_id(seed) < 0


def decided(unit, *clues, **run):
    known = Known({RUN: KnownRun("acme/shop", 1, 7, None, None, None, **run)}, {}, {"beside": (RUN,)})
    found = attribute(unit, clues, known)
    return found.run_id, found.by


@pytest.mark.parametrize(
    ("against", "expected"),
    [
        ({}, (RUN, "neighbour")),
        ({"own_run_ids": (OTHER,), "run_ids": (OTHER,)}, (OTHER, "text")),
        ({"repository": "other/place"}, None),
        ({"repository": "Acme/Shop"}, (RUN, "neighbour")),
        ({"first_at": at(9)}, None),
        ({"first_at": at(13)}, None),
        ({"first_at": at(11)}, (RUN, "neighbour")),
    ],
)
def test_a_neighbour_counts_only_while_the_text_does_not_speak_against_it(against, expected):
    found = decided(text("beside/build.log"), clue(**against), created_at=at(10), ended_at=at(12))
    assert found == expected if expected else (found[0] < 0 and found[1] == "made-up")


def test_a_text_that_calls_itself_another_run_than_its_name_is_doubted():
    said = clue(own_run_ids=(OTHER,), run_ids=(OTHER,))
    found = attribute(text(f"run-{RUN}.log"), [said], KNOWN)
    assert (found.run_id, found.by) == (RUN, "name") and f"its text says run {OTHER}" in (found.doubt or "")
    assert attribute(text(f"run-{OTHER}.log"), [said], KNOWN).doubt is None


def namesakes(*logs):
    """Ids given to the logs of an archive, (first hour, last hour) each, of three jobs all called ``test``."""
    spans = {JOB: (1, 2), SECOND: (3, 4), SECOND + 1: (3, 6)}
    jobs = {job_id: KnownJob(job_id, RUN, 1, "test", at(a), at(b)) for job_id, (a, b) in spans.items()}
    known = Known({RUN: KnownRun("acme/shop", 1, 7, "a" * 40, "Release", None)}, jobs, {})
    names = [f"{number}_test.txt" for number in range(len(logs))]
    [unit] = units_of_archive(f"run-{RUN}.zip", names, "x")
    clues = [
        clue(name="test", digest=str(number), first_at=first and at(first), last_at=last and at(last))
        for number, (first, last) in enumerate(logs)
    ]
    return [job.job_id if not job.inferred else None for job in attribute(unit, clues, known).jobs]


@pytest.mark.parametrize(
    ("logs", "given_to"),
    [
        # The first fits one job only; so does the second; what the third fits is then clear.
        ([(5, 6), (1, 2), (3, 4)], [SECOND + 1, JOB, SECOND]),
        # Nothing is known of the times: as many logs as jobs go by their order.
        ([(None, None)] * 3, [JOB, SECOND, SECOND + 1]),
        # Fewer logs than jobs: only what time tells.
        ([(1, 2), (3, 4)], [JOB, None]),
        # Two logs that only one job fits: neither is it.
        ([(1, 2), (1, 2), (5, 6)], [None, None, SECOND + 1]),
        # The order would contradict the times.
        ([(8, 9), (8, 9), (8, 9)], [None, None, None]),
    ],
    ids=["times", "order", "fewer", "contested", "contradicted"],
)
def test_logs_of_jobs_of_one_name_go_by_time_then_by_order_and_else_to_none(logs, given_to):
    assert namesakes(*logs) == given_to
