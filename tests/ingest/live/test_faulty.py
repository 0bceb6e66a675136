"""Whatever goes wrong for a while: ingested again until all is had, the case is as if nothing had gone wrong."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from forensics.errors import Incomplete, ServerFailing, Unreachable
from tests.ingest.live.drive import ingest, rows
from tests.ingest.live.test_resume import clean, still  # noqa: F401
from tests.ingest.live.test_resume import state as state_of
from tests.standin import faults

KINDS = (
    "repository", "runs", "jobs", "attempt", "annotations", "workflows", "deployments", "statuses", "groups",
    "attempt-logs",
)  # fmt: skip
API = (
    faults.unicorn(500), faults.unicorn(502), faults.unicorn(503), faults.html_instead(), faults.empty_body(),
    faults.cut_json(), faults.dropped(), faults.dropped(after_headers=True), faults.cut_off(30),
    faults.primary_limit(), faults.secondary_limit(), faults.secondary_limit(429, retry_after=7),
)  # fmt: skip
BLOB = (
    faults.address_expired(), faults.dropped(), faults.dropped(after_headers=True), faults.cut_off(200),
    faults.cut_off(200, framing="chunked"), faults.unicorn(503),
)  # fmt: skip
"""What three tries at most do not take for the archive's own state: damage that stays is kept as it came."""

struck_on_the_api = st.builds(
    lambda fault, kind, nth, times: fault.on(kind, nth=nth, times=times),
    st.sampled_from(API), st.sampled_from(KINDS), st.integers(1, 4), st.integers(1, 12),
)  # fmt: skip
struck_on_a_download = st.builds(
    lambda fault, nth, times: fault.on("download", nth=nth, times=times),
    st.sampled_from(BLOB), st.integers(1, 4), st.integers(1, 2),
)  # fmt: skip
scripts = st.lists(st.one_of(struck_on_the_api, struck_on_the_api, struck_on_a_download), min_size=1, max_size=4)

OPEN = "SELECT kind, key, state FROM work WHERE state IN ('waiting', 'failed', 'not-ready') ORDER BY ALL"


def without_groups(state):
    """Where a file could not be had the groups are asked for, which it would have made needless."""
    work = [row for row in state["work"] if row[1] != "groups"]
    groups = [row[2] for row in state["work"] if row[1] == "groups"]
    return {**state, "work": work, "groups": groups}


def ingest_until_done(stand_in, case):
    """How many ingests it took until nothing is open; at most ten."""
    for number in range(1, 11):
        try:
            ingest(stand_in, case, policy=still(stand_in.world))
        except (Incomplete, Unreachable):
            continue
        if not rows(case, OPEN):
            return number
    raise AssertionError(rows(case, OPEN))


@settings(
    max_examples=12, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(scripts)
def test_a_script_of_faults_that_ends_changes_nothing(clean, script):  # noqa: F811
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder) / "case"
        clean.stand_in.inject(*script)
        ingest_until_done(clean.stand_in, case)
        left = len(clean.stand_in.faults.left)
        found = without_groups(state_of(case))
        # Those of which there are fewer requests than the script says wait for ever.
        clean.stand_in.faults._waiting.clear()
    assert found == without_groups(clean.state), left


@pytest.mark.parametrize("kind", [*KINDS, "contents"])
def test_what_failed_is_asked_again_by_the_next_ingest(kind, tmp_path, clean):  # noqa: F811
    """A kind of request fails for the whole of one ingest; the server is well again at the next one."""
    case = tmp_path / "case"
    clean.stand_in.inject(faults.unicorn(502).on(kind, times=None))
    try:
        ingest(clean.stand_in, case, policy=still(clean.stand_in.world))
        assert {row[2] for row in rows(case, OPEN)} >= {"failed"}
    except ServerFailing:
        pass
    clean.stand_in.faults._waiting.clear()
    assert ingest_until_done(clean.stand_in, case) == 1
    assert without_groups(state_of(case)) == without_groups(clean.state)


def test_a_page_is_not_taken_for_a_workflow_file(tmp_path, clean):  # noqa: F811
    clean.stand_in.inject(faults.html_instead().on("contents", times=3))
    assert ingest_until_done(clean.stand_in, tmp_path / "case") == 1
    assert state_of(tmp_path / "case") == clean.state
