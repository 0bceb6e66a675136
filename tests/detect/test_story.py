"""Incidents told from planted histories: what stands in the tables, and what is said of it, on one screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import pytest
from history_tables import clear, plant, read_rows

from forensics.detect.detector import find_detectors, load_library
from forensics.detect.run import detect
from forensics.detect.story import find_incidents, tell
from forensics.detect.wording import as_sentences, in_force
from forensics.model import Event, Incident, Story
from forensics.store.store import Store

RULES = (
    "out-of-order-effect", "overlapping-effects", "overlapping-runs", "cancelled-mid-effect", "duplicate-effect",
    "missing-group", "unique-group", "wrong-lane", "evicted-waiter", "merge-queue-cancel", "abandoned-lock",
)  # fmt: skip
DETECTORS = [detector for detector in find_detectors()[0] if detector.id in RULES]
STORE = Store.memory()


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    yield
    clear(STORE)
    STORE.execute("DELETE FROM log_sources")


def incidents(tables: Mapping[str, str], *, logs_of: Sequence[int] = ()) -> tuple[Incident, ...]:
    """The told incidents of a history; ``logs_of`` are the jobs of which the case has a log."""
    plant(STORE, {table: read_rows(table, text) for table, text in tables.items()})
    for job in logs_of:
        STORE.execute(
            "INSERT INTO log_sources (source_id, unit_id, main_source_id, evidence_path, member, form, job_id, "
            "bytes, lines_in, lines_stored, lines_duplicate, lines_problem) "
            "VALUES ($j, 'u', $j, 'x', 'm', 'job', $j, 1, 1, 1, 0, 0)",
            {"j": job},
        )
    load_library(STORE)
    return tell(STORE, find_incidents(STORE, detect(STORE, DETECTORS).findings))


def only(found: Sequence[Incident]) -> tuple[Incident, Story]:
    (incident,) = found
    assert incident.story is not None
    return incident, incident.story


def said(events: Sequence[Event]) -> list[str]:
    return [f"{event.at:%H:%M:%S} {event.kind}: {event.text}" if event.at else event.text for event in events]


STALE = {
    "runs": """
        run number sha     created   workflow
        1   1      aaaaaaa 10:00:00  Deploy
        2   2      bbbbbbb 10:01:00  Deploy
        3   3      ccccccc 12:00:00  Deploy
    """,
    "jobs": """
        run job started  completed
        1   10  10:00:10 10:09:00
        2   20  10:01:10 10:05:00
        3   30  12:00:10 12:03:00
    """,
    "effects": """
        job line started  occurred
        10  7    10:07:00 10:08:00
        20  8    10:03:00 10:04:00
        30  9    12:01:00 12:02:00
    """,
}


def test_the_older_commit_lands_last_and_a_third_run_sets_it_right() -> None:
    incident, story = only(incidents(STALE, logs_of=(10, 20, 30)))
    assert [finding.detector for finding in incident.findings] == ["out-of-order-effect", "overlapping-runs"]
    assert incident.title == (
        "An older commit landed after a newer one at 'k8s:deployment/cart'; two runs of one lane executed at once."
    )
    assert said(story.events) == [
        "10:00:00 asked: Run 1 of 'Deploy' was asked for (push, main, aaaaaaa).",
        "10:00:10 started: Run 1 began after 10 s.",
        "10:01:00 asked: Run 2 of 'Deploy' was asked for (push, main, bbbbbbb).",
        "10:01:10 started: Run 2 began after 10 s.",
        "10:04:00 effect: Run 2: deploy on 'k8s:deployment/cart' with commit bbbbbbb: done.",
        "10:05:00 ended: Run 2 ended: success.",
        "10:08:00 effect: Run 1: deploy on 'k8s:deployment/cart' with commit aaaaaaa: done.",
        "10:09:00 ended: Run 1 ended: success.",
        "12:02:00 after: Run 3 wrote 'k8s:deployment/cart' next with commit ccccccc.",
    ]
    wrote = next(event for event in story.events if event.kind == "effect")
    assert (wrote.run and wrote.run.run_id, wrote.job_id, wrote.job, wrote.line) == (2, 20, "deploy", 8)
    assert incident.first_cause is not None
    assert (incident.first_cause.kind, incident.first_cause.precision) == ("arrival", "likely")
    assert incident.first_cause.text.startswith("Run 2 ('Deploy') was asked for before run 1 ('Deploy') had ended")
    assert as_sentences(story.impact) == (
        "1 landing of an older commit after a newer one.",
        "'k8s:deployment/cart' was wrong for 1 h 54 min, until the next right landing.",
    )
    (live,) = story.live
    assert (live.sha, live.is_newest, live.run and live.run.run_id) == ("ccccccc", True, 3)
    assert live.text == (
        "'k8s:deployment/cart': the last that is known is commit ccccccc, by run 3 at 2026-03-02 12:02:00 UTC, the "
        "newest commit of 'main' in this case."
    )
    assert story.unknown == ()


def test_where_no_run_set_it_right_it_is_wrong_until_the_end_of_the_case() -> None:
    history = {table: "\n".join(line for line in text.splitlines() if not line.strip().startswith("3"))
               for table, text in STALE.items()}  # fmt: skip
    _, story = only(incidents(history, logs_of=(10, 20)))
    assert story.impact.still_wrong == ("k8s:deployment/cart",)
    assert [(live.sha, live.is_newest) for live in story.live] == [("aaaaaaa", False)]
    assert "1 commit of 'main' is newer in this case" in story.live[0].text


def test_what_has_no_log_is_unknown_and_so_is_what_is_live_then() -> None:
    history = {**STALE, "effects": "\n".join(STALE["effects"].splitlines()[:-2])}
    _, story = only(incidents(history, logs_of=(10,)))
    assert story.unknown == ("1 executed job of run 2 has no log in the case: what it wrote is unknown.",)
    (live,) = story.live
    assert live.is_newest is None
    assert "Whether it still is, is unknown: 1 later run of 'Deploy' has no log." in live.text


CUT = {
    "runs": """
        run number sha     created   workflow  conclusion
        1   1      aaaaaaa 10:00:00  Infra     cancelled
        2   2      bbbbbbb 10:05:00  Infra     failure
    """,
    "jobs": """
        run job name  started  completed conclusion
        1   10  apply 10:00:10 10:05:10  cancelled
        2   20  apply 10:05:20 10:06:20  failure
    """,
    "steps": """
        job step started  completed conclusion
        10  3    10:03:00 10:05:08  cancelled
        20  3    10:05:30 10:06:10  failure
    """,
    "effects": """
        job step line tool      effect target         outcome  started  occurred
        10  3    7    terraform apply  terraform:prod unknown  10:04:00 10:05:05
        20  3    8    terraform apply  terraform:prod rejected 10:05:40 10:06:00
    """,
    "cancellations": """
        run cause              by level    group        cancelled confidence
        1   superseded-running 2  workflow infra-prod   10:05:05  known
    """,
    "concurrency_groups": """
        run attempt group      cancel queue  path      line
        1   1       infra-prod true   single infra.yml 12
        2   1       infra-prod true   single infra.yml 12
    """,
}


def test_a_group_that_cancels_a_write_is_the_first_cause_with_file_and_line() -> None:
    incident, story = only(incidents(CUT, logs_of=(10, 20)))
    assert incident.severity == incident.findings[0].severity
    assert incident.first_cause is not None
    assert (incident.first_cause.kind, incident.first_cause.precision) == ("setting", "certain")
    assert incident.first_cause.text == (
        "The group 'infra-prod' cancels what is in progress, also in the middle of a write (infra.yml:12)."
    )
    assert [(one.rule, one.path, one.line, one.cancel_in_progress) for one in incident.contributing] == [
        ("in-force", "infra.yml", 12, True)
    ]
    assert "Run 1 was cancelled in progress by its group 'infra-prod', on the arrival of run 2 (known)." in [
        event.text for event in story.events
    ]
    impact = story.impact
    assert (impact.cut_off, impact.refused, impact.runs_cancelled, impact.minutes_wasted) == (1, 1, 1, 6.0)
    assert impact.still_wrong == ("terraform:prod",)
    (live,) = story.live
    assert (live.sha, live.run, live.is_newest) == (None, None, None)
    assert live.text == "What is at 'terraform:prod' is unknown: no effect that was done there is in the case."
    # What is live says itself that it is unknown.
    assert not any("live" in sentence for sentence in story.unknown)
    assert "Run 1: apply on 'terraform:prod' with commit aaaaaaa: outcome unknown." in [
        one.text for one in story.events
    ]
    assert as_sentences(impact)[-1].startswith("'terraform:prod' may have been half-done for at least")


def test_who_approved_is_told_without_a_time_and_what_an_open_run_did_since_is_unknown() -> None:
    approvals = """
        run state    login
        2   approved mara
    """
    runs = """
        run number sha     created   workflow status
        1   1      aaaaaaa 10:00:00  Deploy   in_progress
        2   2      bbbbbbb 10:01:00  Deploy   completed
        3   3      ccccccc 12:00:00  Deploy   completed
    """
    _, story = only(incidents({**STALE, "approvals": approvals, "runs": runs}, logs_of=(10, 20, 30)))
    assert said(story.events)[-1] == "'mara' approved 'production' for run 2; GitHub does not tell when."
    assert "Run 1 had not ended when the case was taken, so what it did since is unknown." in story.unknown


def test_events_stand_in_the_order_of_time() -> None:
    _, story = only(incidents(CUT))
    times = [event.at for event in story.events if event.at is not None]
    assert all(one <= other for one, other in pairwise(times))


def test_a_group_of_which_only_a_part_is_known_is_said_to_be_unknown() -> None:
    groups = """
        run attempt pattern  confidence path       line
        1   1       deploy-? pattern    deploy.yml 4
    """
    _, story = only(incidents({**STALE, "concurrency_groups": groups}, logs_of=(10, 20, 30)))
    assert "The group of run 1 is only known as 'deploy-?'." in story.unknown


def test_nothing_found_is_no_incident() -> None:
    assert incidents({"runs": "run created\n1 10:00:00"}) == ()


ONE_GROUP = """
    run attempt group      job_name level cancel queue  path       line
    1   1       production deploy   job   false  single deploy.yml 14
    2   1       Production deploy   job   false  single deploy.yml 14
"""


def test_a_group_that_let_the_newer_commit_in_first_is_the_first_cause() -> None:
    incident, _ = only(incidents({**STALE, "concurrency_groups": ONE_GROUP}, logs_of=(10, 20, 30)))
    assert incident.first_cause is not None
    assert (incident.first_cause.kind, incident.first_cause.precision) == ("setting", "likely")
    assert incident.first_cause.text == (
        "The group 'production' lets runs in by their arrival, not by their commits: run 2 had its turn before run "
        "1, whose commit is older (deploy.yml:14)."
    )


def test_a_setting_in_force_names_each_of_its_runs_once() -> None:
    incident, _ = only(incidents({**STALE, "concurrency_groups": ONE_GROUP}, logs_of=(10, 20, 30)))
    assert [one.text for one in incident.contributing] == [
        "'Deploy': job 'deploy' of runs 1 and 2 was in the group 'production', which lets what is in progress end "
        "and keeps one waiting."
    ]


def test_what_is_applied_is_not_called_by_the_id_of_the_lock() -> None:
    effects = """
        job step line tool      effect target         identity outcome  started  occurred
        10  3    7    terraform apply  terraform:prod -        unknown  10:04:00 10:05:05
        20  3    8    terraform apply  terraform:prod 17ac4a92 rejected 10:05:40 10:06:00
    """
    _, story = only(incidents({**CUT, "effects": effects}, logs_of=(10, 20)))
    assert "Run 2: apply on 'terraform:prod' with commit bbbbbbb: rejected." in [one.text for one in story.events]


def test_groups_that_one_line_made_are_told_in_one_sentence() -> None:
    groups = """
        run attempt group expression     cancel queue  path       line
        1   1       ci-1  "ci-${{ run }}" false single deploy.yml 14
        2   1       ci-2  "ci-${{ run }}" false single deploy.yml 14
        3   1       ci-3  "ci-${{ run }}" true  single deploy.yml 14
    """
    incident, _ = only(incidents({**STALE, "concurrency_groups": groups}, logs_of=(10, 20, 30)))
    assert [one.rule for one in incident.contributing] == ["unique-group", "in-force", "in-force"]
    assert [one.text for one in in_force(incident)] == [
        "'Deploy': run 1 was in the group 'ci-1', which lets what is in progress end and keeps one waiting. "
        "The same line also made the group 'ci-2'."
    ]


@pytest.mark.parametrize(
    ("effect", "identity", "told"),
    [
        ("release", "v1.2.0", "Run 1: release 'v1.2.0' on 'x': done."),
        ("publish", "cart@1.2.0", "Run 1: publish of 'cart@1.2.0' on 'x': done."),
        ("push", "aaaaaa", "Run 1: push on 'x' with commit aaaaaaa: done."),
    ],
)
def test_an_effect_is_told_by_what_it_made_and_its_commit_once(effect: str, identity: str, told: str) -> None:
    effects = f"""
        job line effect   target identity   sha     started  occurred
        10  7    {effect} x      {identity} aaaaaaa 10:02:00 10:08:00
        20  8    {effect} x      {identity} bbbbbbb 10:02:30 10:04:00
    """
    _, story = only(incidents({**STALE, "effects": effects}, logs_of=(10, 20, 30)))
    assert told in [event.text for event in story.events]


EVICTED = {
    "runs": """
        run number sha     created   workflow conclusion branch
        1   1      aaaaaaa 10:00:00  Docs     success    main
        2   2      bbbbbbb 10:01:00  Docs     cancelled  v1
        3   3      ccccccc 10:02:00  Docs     success    main
    """,
    "jobs": """
        run job started  completed
        1   10  10:00:10 10:09:00
        3   30  10:09:10 10:19:00
    """,
    "attempts": """
        run attempt created  started  completed status    conclusion
        1   1       10:00:00 10:00:10 10:09:00  completed success
        2   1       10:01:00 10:01:00 10:02:01  completed cancelled
        3   1       10:02:00 10:09:10 10:19:00  completed success
    """,
    "cancellations": """
        run cause              by level    group    cancelled confidence
        2   superseded-waiting 3  workflow gh-pages 10:02:01  known
    """,
    "concurrency_groups": """
        run attempt group    cancel queue  path     line
        1   1       gh-pages false  single docs.yml 7
        2   1       gh-pages false  single docs.yml 7
        3   1       gh-pages false  single docs.yml 7
    """,
}


def test_a_run_that_was_evicted_never_began_and_who_evicted_it_came_before() -> None:
    _, story = only(incidents(EVICTED, logs_of=(10, 30)))
    told = said(story.events)
    assert not any("Run 2 began" in text for text in told)
    assert (
        "10:02:01 cancelled: Run 2 was evicted from its group's queue 'gh-pages', on the arrival of run 3 (known)."
        in told
    )
    # One second lies between the arrival and the eviction, but their order is sure.
    assert story.unknown == ()


def test_an_accused_group_is_told_with_the_place_of_the_one_in_force() -> None:
    incident, _ = only(incidents(EVICTED, logs_of=(10, 30)))
    (accused,) = [one for one in incident.contributing if one.rule == "wrong-lane"]
    assert (accused.path, accused.line) == ("docs.yml", 7)
    assert incident.first_cause is not None
    assert incident.first_cause.text.endswith("along the wrong line: 'gh-pages' (docs.yml:7).")


def test_a_group_that_cancels_is_what_threw_a_run_out_of_the_merge_queue() -> None:
    branch = "gh-readonly-queue/main/pr-1-aaaaaaa"
    history = {
        "runs": f"""
            run number sha     created   workflow event       conclusion branch
            1   1      aaaaaaa 10:00:00  CI       merge_group cancelled  {branch}
            2   2      aaaaaaa 10:00:05  CI       push        success    {branch}
        """,
        "jobs": """
            run job name started  completed conclusion
            1   10  test 10:00:02 10:00:09  cancelled
            2   20  test 10:00:13 10:10:00  success
        """,
        "cancellations": """
            run cause              by level    group cancelled confidence
            1   superseded-running 2  workflow CI-q  10:00:08  known
        """,
        "concurrency_groups": """
            run attempt group cancel queue  path   line
            1   1       CI-q  true   single ci.yml 4
            2   1       CI-q  true   single ci.yml 4
        """,
    }
    incident, _ = only(incidents(history, logs_of=(10, 20)))
    assert incident.first_cause is not None
    assert (
        incident.first_cause.text == "The group 'CI-q' cancels what is in progress when another run comes (ci.yml:4)."
    )
