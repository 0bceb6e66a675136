"""What a team decides: suppressions, parameters of a workflow, lanes."""

from datetime import date

import pytest

from forensics.detect.decided import detect_decided
from forensics.detect.detector import load_detectors
from forensics.errors import UsageProblem
from forensics.settings import Settings, Suppression
from forensics.store.store import Store
from tests.detect.history_tables import complete, plant, read_rows

DETECTORS = load_detectors()
KNOWN = frozenset(detector.id for detector in DETECTORS)
TODAY = date(2026, 3, 10)

# Two workflows publish one version; another one rolls out by two names of one thing.
HISTORY = {
    "runs": """
        run workflow path
        1   Release  .github/workflows/release.yml
        2   Nightly  .github/workflows/nightly.yml
        3   Nightly  .github/workflows/nightly.yml
        4   Deploy   .github/workflows/deploy.yml
        5   Chart    .github/workflows/chart.yml
    """,
    "jobs": """
        run job started  completed
        1   11  10:00:00 10:05:00
        2   21  10:10:00 10:15:00
        3   31  11:00:00 11:05:00
        4   41  12:00:00 12:05:00
        5   51  12:01:00 12:06:00
    """,
    "effects": """
        job started  occurred tool    effect  target                identity
        11  10:03:00 10:04:00 npm     publish npm:cart              cart@1.0.0
        21  10:13:00 10:14:00 npm     publish npm:cart              cart@1.0.0
        21  10:14:10 10:14:30 npm     publish npm:till              till@1.0.0
        31  11:03:00 11:04:00 npm     publish npm:till              till@1.0.0
        41  12:02:00 12:04:00 kubectl deploy  k8s:deployment/cart   -
        51  12:03:00 12:05:00 helm    deploy  helm:cart             -
    """,
}


def found(settings, *ids, history=HISTORY):
    """What the named detectors (all, without a name) find under the settings."""
    with Store.memory() as store:
        plant(store, complete({table: read_rows(table, text.strip("\n")) for table, text in history.items()}))
        detectors = [detector for detector in DETECTORS if detector.id in ids]
        return detect_decided(store, detectors, settings, TODAY, known=KNOWN)


def suppression(detector="duplicate-effect", until=date(2026, 3, 31), **scope):
    return Suppression(detector, until, "Known.", **scope)


def told(result):
    return sorted((finding.target or "", *(run.run_id for run in finding.runs)) for finding in result.findings)


def test_without_settings_all_is_shown():
    result = found(Settings(), "duplicate-effect")
    assert told(result) == [("npm:cart", 1, 2), ("npm:till", 2, 3)]
    assert (result.suppressed, result.remarks) == ((), ())


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        ({}, []),
        ({"target": "npm:c*"}, [("npm:till", 2, 3)]),
        ({"workflow": "nightly.yml"}, [("npm:cart", 1, 2)]),
        ({"workflow": ".github/workflows/nightly.yml"}, [("npm:cart", 1, 2)]),
        ({"workflow": "Nightly"}, [("npm:cart", 1, 2)]),
        ({"repository": "other/*"}, [("npm:cart", 1, 2), ("npm:till", 2, 3)]),
        ({"until": date(2026, 3, 10)}, []),
        ({"until": date(2026, 3, 9)}, [("npm:cart", 1, 2), ("npm:till", 2, 3)]),
        ({"detector": "duplicate-*"}, []),
    ],
)
def test_a_suppression_hides_what_it_names_until_its_day_is_over(scope, left):
    result = found(Settings(suppressions=(suppression(**scope),)), "duplicate-effect")
    assert told(result) == left
    assert len(left) + len(result.suppressed) == 2


def test_one_finding_alone():
    one = next(finding for finding in found(Settings(), "duplicate-effect").findings if finding.target == "npm:till")
    result = found(Settings(suppressions=(suppression(finding=one.id),)), "duplicate-effect")
    assert [hidden.finding for hidden in result.suppressed] == [one]


def test_what_is_hidden_what_has_ended_and_what_meets_nothing_is_said():
    settings = Settings(
        suppressions=(
            suppression(target="npm:cart"),
            suppression(until=date(2026, 3, 1), target="npm:till"),
            suppression(target="npm:gone"),
        )
    )
    assert found(settings, "duplicate-effect").remarks == (
        "1 finding of duplicate-effect suppressed until 2026-03-31: Known.",
        "The suppression of duplicate-effect ended on 2026-03-01, so its findings count again (Known.).",
        "The suppression of duplicate-effect meets nothing any more (Known.): remove it.",
    )


def test_parameters_of_a_workflow_hold_for_findings_of_its_runs_alone():
    times = {"10:10:00 10:15:00": "10:03:00 10:15:00", "11:00:00 11:05:00": "10:14:00 10:20:00"}
    jobs = HISTORY["jobs"]
    for usual, closer in times.items():
        jobs = jobs.replace(usual, closer)
    same_branch = HISTORY | {"jobs": jobs}

    def sureness(settings):
        result = found(settings, "overlapping-runs", history=same_branch)
        return {tuple(sorted(run.run_id for run in one.runs)): one.precision for one in result.findings}

    usual = sureness(Settings())
    assert usual[2, 3] == "certain"
    coarse = {"overlapping-runs": {"grain_seconds": 3600}}
    assert sureness(Settings(workflow_parameters={"nightly.yml": coarse})) == usual | {(2, 3): "possible"}
    assert sureness(Settings(workflow_parameters={"release.yml": coarse})) == usual


def test_a_lane_makes_two_targets_one():
    assert told(found(Settings(), "overlapping-effects")) == []
    lanes = {"production": ("k8s:deployment/c*", "helm:cart")}
    (finding,) = found(Settings(lanes=lanes), "overlapping-effects").findings
    assert sorted(run.run_id for run in finding.runs) == [4, 5]
    assert (finding.values["lane"], finding.values["lane_inferred"]) == ("production", False)
    assert finding.values["lane_targets"] == ["helm:cart", "k8s:deployment/cart"]


def test_dockers_own_registry_has_several_names_and_nothing_inferred_is_certain():
    effects = HISTORY["effects"].replace("k8s:deployment/cart  ", "docker:octo/cart:edge").replace(
        "helm:cart            ", "docker:docker.io/octo/cart:edge"
    )  # fmt: skip
    result = found(Settings(), "overlapping-effects", history=HISTORY | {"effects": effects})
    (finding,) = result.findings
    assert (finding.values["lane"], finding.values["lane_inferred"]) == ("docker:octo/cart:edge", True)
    assert finding.precision == "likely"
    assert result.remarks == (
        "Taken as one target by their names (inferred): docker:docker.io/octo/cart:edge, docker:octo/cart:edge",
    )


@pytest.mark.parametrize(
    "settings",
    [
        Settings(suppressions=(suppression("no-such-thing"),)),
        Settings(parameters={"no-such-thing": {"x": 1}}),
        Settings(workflow_parameters={"a.yml": {"no-such-thing": {"x": 1}}}),
    ],
)
def test_a_detector_that_does_not_exist_is_a_mistake(settings):
    with pytest.raises(UsageProblem, match="no detector 'no-such-thing'"):
        found(settings, "duplicate-effect")
