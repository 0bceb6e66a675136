"""A log parsed stretch by stretch has the lines that it has as a whole, or is refused."""

import itertools

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.logs import boundary, hints
from forensics.logs.parse import parse, parse_together
from forensics.logs.stretch import Entangled, Stretches

TEXTS = [
    "plain output", "##[group]Run npm publish", "##[endgroup]", "\x1b[36;1mnpm publish\x1b[0m", "shell: bash",
    "env:", "  GITHUB_RUN_ID: 31000000001", "with:", "##[error]It broke", "Post job cleanup.", "",
    "[command]/usr/bin/git log -1 --format=%H", "a" * 40, "Job defined at: acme/shop/.github/workflows/a.yml@main",
    "see https://github.com/acme/shop/actions/runs/31000000002/attempts/2", "Prepare all required actions",
    "Getting action download info", "##[start-action display=x]", "##[end-action id=x]",
    "Evaluate and set job outputs", "Cleaning up orphan processes", "\ufeffmarked", "caf\u00e9 \u7a4d",
]  # fmt: skip
line = st.tuples(st.sampled_from(TEXTS), st.sampled_from(["runner"] * 8 + ["none", "other", "broken"]))


def written(rows, ends="\r\n") -> bytes:
    lines = []
    for n, (text, kind) in enumerate(rows):
        at = f"2026-03-04T05:{n // 60 % 60:02}:{n % 60:02}"
        head = {"runner": f"{at}.1234567Z ", "none": "", "other": f"{at}Z ", "broken": f"{at}.1234567Z "}[kind]
        lines.append(head.encode() + text.encode() + (b"\xff\xfe\xc3" if kind == "broken" else b""))
    return ends.encode().join(lines)


def in_pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(line, min_size=1, max_size=60), st.integers(1, 400), st.integers(1, 900), st.sampled_from(["\n", "\r\n"])
)
def test_lines_notes_and_hints_are_those_of_the_whole(rows, piece, size, ends) -> None:
    data = written(rows, ends)
    (whole,), notes = parse_together([data])
    stretches = Stretches(in_pieces(data, piece), size)
    gathered = hints.GatheredHints()
    try:
        frames = list(stretches)
    except Entangled:
        stamped = whole["stamped"].sum()
        assert sum(kind == "other" for _, kind in rows) > len(rows) // 4 or stamped < len(rows)
        return
    for frame in frames:
        gathered.take(frame)
    if not frames:
        assert whole.is_empty()
        return
    both = pl.concat(frames)
    assert both.equals(whole.select(both.columns))
    assert stretches.lines == whole.height
    assert stretches.notes == notes
    assert gathered.hints() == hints.read(whole)


def test_a_header_that_goes_on_is_not_torn() -> None:
    """The script of a step lies on the border of many stretches; all its lines are its source."""
    rows = [("plain output", "runner")] * 5 + [("##[group]Run npm publish", "runner")]
    rows += [("\x1b[36;1mnpm publish\x1b[0m", "runner")] * 40 + [
        ("shell: bash", "runner"),
        ("##[endgroup]", "runner"),
    ]
    data = written(rows, "\n")
    frames = list(Stretches(in_pieces(data, 50), 100))
    assert len(frames) > 1
    levels = [one for frame in frames for one in frame["level"]]
    assert levels == [None] * 5 + ["group"] + ["echo"] * 41 + ["endgroup"]


@pytest.mark.parametrize(
    "data",
    [
        "\ufeff2026-03-04T05:06:07.1234567Z x\n".encode("utf-16"),
        b"2026-03-04T05:06:07Z x\n" * 30,
        b"2026-03-04T05:06:07.1234567Z [36;1mecho\n",
    ],
)
def test_what_only_the_whole_tells_is_refused(data) -> None:
    with pytest.raises(Entangled):
        list(Stretches([data], 10))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=80), st.integers(4, 60), st.integers(0, 12))
def test_steps_are_found_by_the_lines_that_are_needed(texts, height, opening) -> None:
    rows = [("Current runner version", "runner")] * opening + [(text, "runner") for text in texts]
    lines = parse(written(rows), "raw").lines
    # What precedes is longer than what is kept of the beginning anyway.
    before = pl.concat([lines.head(1)] * (boundary.OPENING + 50))
    log = pl.concat([before, lines]).with_columns(line_no=pl.int_range(1, pl.len() + 1, dtype=pl.Int32))
    parts = [log.slice(at, height) for at in range(0, log.height, height)]
    kept = pl.concat([p.filter(boundary.needed(p) | (p["line_no"] <= boundary.OPENING)) for p in parts])
    found = [(kept["line_no"][b.row] - 1, b.second, b.kind, b.heading, b.single) for b in boundary.find(kept)]
    assert found == [(b.row, b.second, b.kind, b.heading, b.single) for b in boundary.find(log)]


def test_pieces_may_be_empty() -> None:
    data = written([("plain output", "runner")] * 3)
    frames = list(Stretches(itertools.chain([b""], in_pieces(data, 7), [b""]), 20))
    assert sum(frame.height for frame in frames) == 3
