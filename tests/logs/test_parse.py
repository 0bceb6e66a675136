"""Bytes into lines: every line in is a row out, and each row says what the line was."""

from datetime import datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.logs.lines import PIECE, split
from forensics.logs.parse import count_lines, parse, parse_together, sniff

AT = "2026-03-04T05:06:07.1234567Z "
TIME = datetime(2026, 3, 4, 5, 6, 7, 123456)


def texts(data: bytes) -> list[str]:
    return parse(data).lines["text"].to_list()


def test_a_job_log() -> None:
    log = parse(
        f"\ufeff{AT}Current runner version: '2.300.0'\r\n"
        f"{AT}##[error]It broke\r\n"
        "  at line 7\r\n"
        f"{AT}\r\n"
        f"{AT}[command]/usr/bin/git status".encode()
    )
    assert log.form == "raw"
    assert log.notes == ()
    assert log.lines.schema == {
        "line_no": pl.Int32, "logged_at": pl.Datetime("us"), "stamped": pl.Boolean, "level": pl.String,
        "text": pl.String,
    }  # fmt: skip
    assert log.lines.rows() == [
        (1, TIME, True, None, "Current runner version: '2.300.0'"),
        (2, TIME, True, "error", "##[error]It broke"),
        (3, TIME, False, None, "  at line 7"),
        (4, TIME, True, None, ""),
        (5, TIME, True, "command", "[command]/usr/bin/git status"),
    ]


def test_a_gh_text() -> None:
    log = parse(
        f"build (a, b) / x\tUNKNOWN STEP\t\ufeff{AT}one\n"
        "build (a, b) / x\tUNKNOWN STEP\tno stamp\there\n"
        "\tneither job nor\tstep\n"
        f"deploy\tPush it\t\ufeff2026-03-04T05:06:09.0000000Z \ttabbed\n".encode()
    )
    assert log.form == "gh"
    assert log.lines.select("job", "step", "logged_at", "stamped", "text").rows() == [
        ("build (a, b) / x", None, TIME, True, "one"),
        ("build (a, b) / x", None, TIME, False, "no stamp\there"),
        ("build (a, b) / x", None, TIME, False, "\tneither job nor\tstep"),
        ("deploy", "Push it", datetime(2026, 3, 4, 5, 6, 9), True, "\ttabbed"),
    ]
    assert list(log.hints_by_job) == ["build (a, b) / x", "deploy"]


def test_prose_around_a_gh_excerpt() -> None:
    data = f"# Failures\n\n```text\nbuild\tTest\t{AT}boom\n```\nWhy?\n".encode()
    assert sniff(data, lenient=True) == "gh"
    lines = parse(data).lines
    assert lines["text"].to_list() == ["# Failures", "", "```text", "boom", "```", "Why?"]
    assert lines["job"].to_list() == ["build"] * 6
    assert lines["step"].to_list() == [None, None, None, "Test", "Test", "Test"]
    assert lines["stamped"].to_list() == [False, False, False, True, False, False]
    assert lines["logged_at"].to_list() == [None] * 3 + [TIME] * 3


@pytest.mark.parametrize(
    ("coloured", "plain"),
    [
        ("\x1b[32mok\x1b[0m done\x1b[K", "ok done"),
        ("^[[32mok^[[0m done^[[K", "ok done"),
        ("␛[32mok␛[0m done", "ok done"),
        ("\x1b[?25lhidden cursor", "hidden cursor"),
        ("grep '^[[:space:]]' and ^[[A-Z]", "grep '^[[:space:]]' and ^[[A-Z]"),
        ("list[0m] = [36]", "list[0m] = [36]"),
        ("a\tb\x07\x00c", "a\tb\x07\x00c"),
        ("progress 1%\rprogress 2%", "progress 1%\rprogress 2%"),
    ],
)
def test_colour_codes_go_and_nothing_else_does(coloured: str, plain: str) -> None:
    assert texts(f"{AT}{coloured}\n".encode()) == [plain]


def test_colours_whose_escape_was_lost_go_only_in_a_file_that_lost_them() -> None:
    lost = f"{AT}[36;1mnpm test[0m\n{AT}[0;32mok[0m\n"
    assert texts(lost.encode()) == ["npm test", "ok"]
    assert texts(f"{lost}{AT}\x1b[1mbold\x1b[0m\n".encode()) == ["npm test", "[0;32mok[0m", "bold"]


@pytest.mark.parametrize("digits", ["", ".5", ".123", ".123456", ".123456789"])
def test_other_precisions_count_where_they_are_the_rule(digits: str) -> None:
    stamp = f"2026-03-04T05:06:07{digits}Z"
    expected = datetime(2026, 3, 4, 5, 6, 7, int((digits[1:] + "000000")[:6]))
    assert parse(f"{stamp} a\n{stamp} b\n".encode()).lines.select("logged_at", "text").rows() == [
        (expected, "a"),
        (expected, "b"),
    ]
    inside = parse(f"{AT}a program says\n{stamp} by itself\n{AT}end\n".encode()).lines
    assert inside["text"].to_list() == ["a program says", f"{stamp} by itself", "end"]


def test_a_date_that_is_none_is_text() -> None:
    assert texts(b"2026-13-45T05:06:07.1234567Z x\n") == ["2026-13-45T05:06:07.1234567Z x"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16(encoding: str) -> None:
    data = f"\ufeff{AT}grüße\r\n{AT}ende\r\n".encode(encoding)
    log = parse(data)
    assert log.lines["text"].to_list() == ["grüße", "ende"]
    assert [(note.kind, note.lines) for note in log.notes] == [("utf-16", 2)]
    assert count_lines(data) == 2
    assert sniff(data) == "raw"


def test_broken_bytes_are_replaced_and_counted() -> None:
    log = parse(AT.encode() + b"a\xffb\xfe\n" + AT.encode() + "ok \ufffd\n".encode() + b"\xed\xa0\x80")
    assert log.lines["text"].to_list() == ["a\ufffdb\ufffd", "ok \ufffd", "\ufffd\ufffd\ufffd"]
    assert [(note.kind, note.lines) for note in log.notes] == [("invalid-utf8", 2)]


def test_broken_bytes_are_mended_piece_by_piece() -> None:
    data = b"\xff" + "ä".encode() * (PIECE // 2) + b"\n" + b"x\xff\n" * 3
    lines, notes = split(data)
    assert len(lines) == 4
    assert lines[0] == "\ufffd" + "ä" * (PIECE // 2)
    assert notes[0].kind == "invalid-utf8"


@pytest.mark.parametrize("start", [b"\x1f\x8b\x08\x00", b"x^", b"x\x01", b"x\x9c", b"(\xb5/\xfd", b"BZh", b"PK"])
def test_text_that_begins_like_a_compressed_stream(start: bytes) -> None:
    assert parse(start + b"abc\nd\n").lines["text"].to_list()[1] == "d"


# Pieces out of which the nasty cases are made.
PIECES = [
    "\n", "\r\n", "\r", "\ufeff", AT, "2026-03-04T05:06:07Z ", "##[group]Run x", "##[endgroup]", "with:", "shell: sh",
    "\t", "job\tstep\t", "job\tUNKNOWN STEP\t", "\x1b[36;1m", "[36;1m", "^[[0m", "␛[1m", "\x00", "x", "  a: b", "ü",
    "/actions/runs/1", "Complete job name: x", "log -1 --format=%H",
]  # fmt: skip
a_text = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30).map("".join)
some_bytes = st.binary(max_size=60) | st.lists(
    st.sampled_from([p.encode() for p in PIECES] + [b"\xff", b"\xfe", b"\x1f\x8b"]), max_size=30
).map(b"".join)


@settings(deadline=None)
@given(some_bytes, st.sampled_from([None, "raw", "gh"]))
def test_law_every_line_in_is_a_row_out(data: bytes, form: str | None) -> None:
    lines = parse(data, form).lines  # type: ignore[arg-type]
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        pieces = data.split(b"\n")
        assert lines.height == len(pieces) - (pieces[-1] == b"")
    assert lines.height == count_lines(data)
    assert lines["line_no"].to_list() == list(range(1, lines.height + 1))
    assert lines["text"].null_count() == lines["stamped"].null_count() == 0


@settings(deadline=None)
@given(a_text.filter(lambda text: "\r" not in text))
def test_line_ends_make_no_difference(text: str) -> None:
    assert parse(text.replace("\n", "\r\n").encode(), "raw").lines.equals(parse(text.encode(), "raw").lines)


@settings(deadline=None)
@given(a_text)
def test_byte_order_marks_make_no_difference(text: str) -> None:
    bare = text.replace("\ufeff", "").encode()
    marked = ("\ufeff" + text.replace("\n", "\n\ufeff")).encode()
    expected = parse(bare, "raw").lines
    assert parse(marked, "raw").lines.head(expected.height).equals(expected)


@settings(deadline=None)
@given(st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n\ufeff"), max_size=20)))
def test_the_rest_of_a_line_is_kept_as_it_is(rest: list[str]) -> None:
    kept = [text for text in rest if not any(sign in text for sign in ("\x1b", "␛", "^[", "[36"))]
    data = "".join(f"{AT}{text}\n" for text in kept).encode()
    lines = parse(data, "raw").lines
    assert lines["text"].to_list() == kept
    assert lines["stamped"].all()


@settings(deadline=None)
@given(st.lists(some_bytes.filter(lambda data: not data.startswith((b"\xff\xfe", b"\xfe\xff"))), max_size=4))
def test_texts_read_together_are_as_read_alone(many: list[bytes]) -> None:
    frames, _ = parse_together(many)
    assert [frame.height for frame in frames] == [count_lines(data) for data in many]
    stamped = [AT.encode() + data.replace(b"Z ", b"") for data in many]
    together, _ = parse_together(stamped)
    for frame, data in zip(together, stamped, strict=True):
        alone = parse(data, "raw").lines
        # Half a character at the end of one text must not eat the start of the next.
        assert frame.drop("text").equals(alone.drop("text"))


@pytest.mark.parametrize(
    ("head", "form"),
    [
        (f"{AT}a\n{AT}b\n", "raw"),
        (f"\ufeff{AT}a\n", "raw"),
        (f"Some words first\n\n{AT}a\n{AT}b", "raw"),
        (f"job\tstep\t{AT}a\n", "gh"),
        (f"job\tstep\t\ufeff{AT}a\n", "gh"),
        ("2026-03-04T05:06:07Z a\n2026-03-04T05:06:08Z b\n", "raw"),
        ("", None),
        ("# Title\n\nText of 2026-03-04T05:06:07.1234567Z in prose.\n", None),
        ('{"started_at": "2026-03-04T05:06:07Z"}\n', None),
        ("name: x\non: push\n", None),
        # grep -n over a gh text: an excerpt, whose numbers would make a job of each line
        (f"12:job\tstep\t{AT}a\n15:job\tstep\t{AT}b\n19:job\tstep\t{AT}c\n", None),
        ("\n".join(["words"] * 30) + f"\n{AT}a\n", None),
    ],
)
def test_sniff(head: str, form: str | None) -> None:
    assert sniff(head.encode()) == form


def test_sniff_leniently_finds_one_line_in_prose() -> None:
    assert sniff(("words\n" * 30 + f"{AT}a\n").encode(), lenient=True) == "raw"
    assert sniff(b"words\n" * 30, lenient=True) is None


def test_sniff_sees_past_a_first_line_longer_than_its_first_look() -> None:
    assert sniff(b"x" * 200_000 + b"\n" + f"{AT}a\n".encode() * 9) == "raw"
