"""`forensics explain`: what it tells, in which forms, and what it says to an id that it does not know."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from forensics import pipeline
from forensics.cli.detect import incident_rows
from forensics.cli.explain import lines
from forensics.cli.main import run
from forensics.detect.explanation import resolve
from forensics.errors import UsageProblem
from forensics.model import (
    Cause,
    Contribution,
    Coverage,
    DetectorDoc,
    Event,
    EvidenceLine,
    Finding,
    Impact,
    Incident,
    Live,
    RunRef,
    Story,
)  # fmt: skip
from forensics.outcome import Detection, Explanation

COVERAGE = Coverage(("acme/shop",), None, None, 2, 2, 2, 2, 2, 10, 2, 10, 10, 0, 0, ())
DOC = DetectorDoc(
    "duplicate-effect", "Twice", "high", "certain", "What?", "-", "Publish from one job.", {}, "SELECT 1"
)
AT = datetime(2026, 11, 2, 14, 3, 11)
FINDING = Finding(
    "duplicate-effect-0123456789", "duplicate-effect", "Twice", "high", "certain",
    "'shop@1.2.0' was published twice.", AT, "acme/shop", (RunRef(1, 1), RunRef(2, 3)), "npm:shop",
    (EvidenceLine(2, 3, 21, 4, 77, AT, "+ shop@1.2.0 \x1b[31m", True),),
)  # fmt: skip
INCIDENT = Incident(
    id="incident-00000000aa",
    severity="high",
    title="Twice at 'npm:shop'.",
    repository="acme/shop",
    findings=(FINDING,),
    runs=FINDING.runs,
    targets=("npm:shop",),
    started_at=AT,
    ended_at=datetime(2026, 11, 2, 14, 9),
    contributing=(
        Contribution(
            "missing-group", "No group", "missing-group-0000000001", "Nothing kept the runs apart.", "likely", True,
            "release.yml", 7,
        ),
    ),
    first_cause=Cause("setting", "No group (release.yml:7).", "likely"),
    story=Story(
        (
            Event(AT, "effect", "Run 2 (attempt 3): publish: done.", "acme/shop", RunRef(2, 3), 21, "npm", 4, 77),
            Event(None, "approved", "'mara' approved 'npm'.", "acme/shop", RunRef(1, 1)),
        ),
        3,
        Impact(done_twice=1, wrong_seconds={"npm:shop": 90.0}, never_shipped=("abcdef0123",)),
        (Live("npm:shop", None, None, None, None, None, "What is at 'npm:shop' is unknown."),),
        ("Run 1 has no log.",),
    ),
)  # fmt: skip


@pytest.fixture
def explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "explain", lambda config, name: Explanation(INCIDENT, None, (DOC,), COVERAGE))


@pytest.mark.usefixtures("explained")
def test_the_whole_story_on_one_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "incident-00"]) == 0
    told = capsys.readouterr()
    assert (
        told.out
        == r"""high  incident-00000000aa
Twice at 'npm:shop'.
acme/shop · 2026-11-02 14:03:11 to 14:09:00 UTC · runs 1, 2#3

First cause (likely)
  - No group (release.yml:7).

What happened (UTC)
  2026-11-02 14:03:11  Run 2 (attempt 3): publish: done.
                       job 'npm', step 4, line 77
  time unknown         'mara' approved 'npm'.
  … and 3 events more, left out of every format

Settings that contributed
  - Nothing kept the runs apart. [missing-group, likely; release.yml:7]

Impact
  - 1 thing was created more than once.
  - 1 commit was never shipped: abcdef01.
  - 'npm:shop' was wrong for 1 min 30 s, until the next right landing.

What is live now
  - What is at 'npm:shop' is unknown.

What is unknown
  - Run 1 has no log.

Findings
  high  duplicate-effect-0123456789  certain
    'shop@1.2.0' was published twice.
      run 2#3, job 21, step 4, line 77: + shop@1.2.0 \x1b[31m

What to do
  - Twice: Publish from one job.
"""
    )
    assert told.err == "  → forensics report --finding duplicate-effect-0123456789\n"


@pytest.mark.parametrize("columns", [30, 40, 80, 200])
def test_it_fits_the_terminal(columns: int) -> None:
    plain = [
        line.replace("\x1b[2m", "").replace("\x1b[0m", "").replace("\x1b[1m", "")
        for line in lines(Explanation(INCIDENT, FINDING, (DOC,), COVERAGE), columns)
    ]
    # An id is never broken: it has to be copied.
    assert [
        line for line in plain if len(line) > columns and "0123456789" not in line and "incident-" not in line
    ] == []


def test_hostile_text_is_visible_everywhere() -> None:
    hostile = "\x1b]0;owned\x07\u202e"
    story = INCIDENT.story
    assert story is not None
    evil = replace(
        INCIDENT,
        title=hostile,
        repository=hostile,
        first_cause=Cause("setting", hostile, "likely"),
        contributing=(replace(INCIDENT.contributing[0], text=hostile, path=hostile),),
        story=replace(
            story,
            events=(replace(story.events[0], text=hostile, job=hostile),),
            live=(replace(story.live[0], text=hostile),),
            unknown=(hostile,),
        ),
        findings=(replace(FINDING, message=hostile),),
    )
    shown = "\n".join(lines(Explanation(evil, FINDING, (replace(DOC, remedy=hostile),), COVERAGE), 100))
    shown += "\n".join(incident_rows([evil], 100))
    assert "\x1b]" not in shown
    assert "\x07" not in shown
    assert "\u202e" not in shown
    assert r"\x1b]0;owned\x07\u202e" in shown


@pytest.mark.usefixtures("explained")
def test_json_has_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "incident-00", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["incident"]["story"]["events"][0]["line"] == 77
    assert told["incident"]["first_cause"]["precision"] == "likely"
    assert told["incident"]["findings"] == [FINDING.id]
    assert told["findings"][0]["evidence"][0]["text"] == "+ shop@1.2.0 \x1b[31m"


@pytest.mark.usefixtures("explained")
def test_markdown_is_inert(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "incident-00", "--format", "markdown"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("## Twice at 'npm:shop'.\n")
    assert "| 2026-11-02 14:03:11 | Run 2 &#40;attempt 3&#41;: publish: done. |" in told
    assert "\x1b" not in told


def test_a_beginning_that_only_one_has_is_enough() -> None:
    ids = ["incident-aa11", "incident-aa22", "incident-bb33", "duplicate-effect-aa11"]
    assert resolve("incident-b", ids) == "incident-bb33"
    assert resolve("incident-aa11", ids) == "incident-aa11"
    with pytest.raises(UsageProblem) as several:
        resolve("incident-aa", ids)
    assert several.value.hint == "Write more of one of these: incident-aa11, incident-aa22."
    with pytest.raises(UsageProblem) as none:
        resolve("incident-ab33", ids)
    assert "incident-bb33" in none.value.hint
    with pytest.raises(UsageProblem, match="no incident or finding ''"):
        resolve("", ids)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic history with two runs that race, ingested."""
    folder = tmp_path_factory.mktemp("explain")
    assert run(["synth", "racing-deploys", "-o", str(folder / "history")]) == 0
    assert run(["ingest", "--case", str(folder / "case"), "--from", str(folder / "history")]) == 0
    return folder / "case"


def test_the_front_door(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["detect", "--case", str(case), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    incident = found["incidents"][0]
    assert incident["story"]["events"]
    assert run(["explain", "--case", str(case), incident["id"][:-2], "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["incident"] == incident
    # A finding is told with its incident.
    assert run(["explain", "--case", str(case), incident["findings"][-1]]) == 0
    output = capsys.readouterr()
    assert output.out.splitlines()[0].endswith(incident["id"])
    assert "You asked for" in output.out
    assert run(["detect", "--case", str(case)]) == 0
    output = capsys.readouterr()
    assert f"→ forensics explain {incident['id']} --case {case}" in output.err
    assert output.out.count("forensics explain") == len(found["incidents"])


def test_an_unknown_id_is_a_clear_error_with_the_nearest(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["detect", "--case", str(case), "--format", "json"]) == 0
    known = json.loads(capsys.readouterr().out)["incidents"][0]["id"]
    wrong = known[:-2] + ("zz" if not known.endswith("zz") else "yy")
    assert run(["explain", "--case", str(case), wrong]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert f"There is no incident or finding '{wrong}' in this case." in said.err
    assert known in said.err
    assert run(["explain", "--case", str(case), "\x1b[2J"]) == 2
    assert "\x1b[2J" not in capsys.readouterr().err
    assert run(["explain", "--case", str(case)]) == 2


def test_a_detection_without_incidents_says_nothing_of_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(config: Any, **more: Any) -> Detection:
        return Detection((FINDING,), (DOC,), (), COVERAGE, incidents=(INCIDENT,))

    monkeypatch.setattr(pipeline, "detect", answer)
    assert run(["detect"]) == 0
    assert "Findings in no incident" not in capsys.readouterr().out
    assert run(["detect", "--findings"]) == 0
    out = capsys.readouterr().out
    assert out.index("forensics explain incident-00000000aa") < out.index("All findings") < out.index(FINDING.id)
