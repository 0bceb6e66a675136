"""One job's files into one log: each line once, each line accounted for."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.logs.job import MemberAccount, assemble
from forensics.logs.parse import count_lines, parse
from forensics.logs.repeat import drop_repeats


def text(*lines: str, second: int = 0, later: int = 0) -> bytes:
    """A log; each line a second after the last, from ``second`` on, stamped ``later`` units of 100 ns."""
    return "".join(
        f"2026-03-04T05:06:{second + at:02d}.{later:07d}Z {line}\n" for at, line in enumerate(lines)
    ).encode()


def rows(log: pl.DataFrame) -> list[tuple[int | None, str]]:
    return log.select("step_number", "text").rows()


def test_the_job_file_is_the_step_files_with_other_stamps() -> None:
    log = assemble(
        b"\xef\xbb\xbf" + text("Waiting", "hello", "a", "a", "", "bye", later=700),
        [
            (9, text("bye", second=5).replace(b"\n", b"\r\n")),
            (1, text("hello", second=1)),
            (2, text("a", "a", "", second=2)),
        ],
        None,
    )
    assert rows(log.lines) == [(None, "Waiting"), (1, "hello"), (2, "a"), (2, "a"), (2, ""), (9, "bye")]
    assert log.lines["logged_at"][1].microsecond == 70  # the job file's own stamp
    assert log.steps_by == "files"
    assert log.members == (
        MemberAccount("job", 6, 6, 0, 0),
        MemberAccount("step:1", 1, 0, 1, 0),
        MemberAccount("step:2", 3, 0, 3, 0),
        MemberAccount("step:9", 1, 0, 1, 0),
    )


def test_lines_that_only_one_of_both_has() -> None:
    log = assemble(
        text("one", "job only", "two", "three", "between", "four"),
        [
            (1, text("one", "two") + text("step only", second=2)),
            (2, text("three", second=3)),
            (5, text("four", second=5)),
        ],
        None,
    )
    assert rows(log.lines) == [
        (1, "one"), (1, "job only"), (1, "two"), (1, "step only"), (2, "three"), (None, "between"), (5, "four"),
    ]  # fmt: skip
    assert log.lines["line_no"].to_list() == list(range(1, 8))
    assert [(member.role, member.lines_stored) for member in log.members] == [
        ("job", 6), ("step:1", 1), ("step:2", 0), ("step:5", 0),
    ]  # fmt: skip


def test_a_step_of_which_the_job_file_knows_nothing() -> None:
    log = assemble(text("one", "four", second=0), [(3, text("lost", second=1))], None)
    assert rows(log.lines) == [(None, "one"), (None, "four"), (3, "lost")]


def test_the_same_text_long_after_is_another_line() -> None:
    log = assemble(text("x"), [(1, text("x", second=30))], None)
    assert rows(log.lines) == [(None, "x"), (1, "x")]


def test_system_txt_comes_first_without_step() -> None:
    system = text("Requested labels: a", "Waiting for a runner")[:-1]
    log = assemble(text("hello", second=5), [(1, text("hello", second=5))], system)
    assert rows(log.lines) == [(None, "Requested labels: a"), (None, "Waiting for a runner"), (1, "hello")]
    opened = assemble(text("Waiting for a runner", "hello"), [], system)
    assert rows(opened.lines) == [(None, "Requested labels: a"), (None, "Waiting for a runner"), (None, "hello")]
    assert opened.members[-1] == MemberAccount("system", 2, 1, 1, 0)
    assert opened.steps_by == "unknown"


def test_without_a_job_file_and_without_anything() -> None:
    log = assemble(None, [(2, text("b")), (1, text("a"))], None)
    assert rows(log.lines) == [(1, "a"), (2, "b")]
    nothing = assemble(None, [], None)
    assert (nothing.lines.height, nothing.members, nothing.steps_by) == (0, (), "unknown")
    assert nothing.lines.schema == log.lines.schema


def test_a_step_number_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        assemble(None, [(1, b""), (1, b"")], None)


def test_hints_and_notes_come_from_all_files() -> None:
    log = assemble(text("x\ufffd").replace("\ufffd".encode(), b"\xff"), [], text("Syncing repository: o/r"))
    assert log.hints.repository == "o/r"
    assert [note.kind for note in log.notes] == ["invalid-utf8"]


some_text = st.lists(st.sampled_from(["a", "b", "", "c"]), max_size=6)


@settings(deadline=None)
@given(some_text | st.none(), st.lists(some_text, max_size=4), some_text | st.none())
def test_accounts_add_up(job: list[str] | None, steps: list[list[str]], system: list[str] | None) -> None:
    data = None if job is None else text(*job)
    numbered = [(number, text(*lines)) for number, lines in enumerate(steps, 1)]
    head = None if system is None else text(*system)
    log = assemble(data, numbered, head)
    for member in log.members:
        assert member.lines_in == member.lines_stored + member.lines_duplicate + member.lines_problem
    assert sum(member.lines_stored for member in log.members) == log.lines.height
    given = [d for d in (data, *(d for _, d in numbered), head) if d is not None]
    assert [member.lines_in for member in log.members] == [count_lines(d) for d in given]
    # Every line's text is there at least as often as in the file that has it most.
    stored = log.lines["text"].to_list()
    for lines in (job or [], *steps, system or []):
        for line in set(lines):
            assert stored.count(line) >= lines.count(line)


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(["a", "b", ""]), min_size=1, max_size=5), min_size=1, max_size=5))
def test_whole_step_files_are_always_found(steps: list[list[str]]) -> None:
    files, at = [], 0
    for number, lines in enumerate(steps, 1):
        files.append((number, text(*lines, second=at)))
        at += len(lines)
    log = assemble(text(*(line for lines in steps for line in lines), later=9), files, None)
    assert rows(log.lines) == [(number, line) for number, lines in enumerate(steps, 1) for line in lines]


def lines_of(*stamped: tuple[int, str]) -> pl.DataFrame:
    return parse(b"".join(text(line, second=at) for at, line in stamped), "raw").lines


SECTION = [(at, f"line {at}") for at in range(8)]


def test_a_section_printed_twice_is_kept_once() -> None:
    kept, dropped = drop_repeats(lines_of(*SECTION, *SECTION, *SECTION, (9, "end")))
    assert dropped == 16
    assert kept["text"].to_list() == [*(line for _, line in SECTION), "end"]
    assert kept["line_no"].to_list() == [1, 2, 3, 4, 5, 6, 7, 8, 25]


def test_a_line_that_was_printed_twice_stays_twice() -> None:
    twice = [pair for pair in SECTION for _ in range(2)]
    assert drop_repeats(lines_of(*twice))[1] == 0
    kept, dropped = drop_repeats(lines_of(*twice, *twice))
    assert (kept.height, dropped) == (16, 16)


def test_the_same_words_at_another_time_stay() -> None:
    later = [(at + 20, line) for at, line in SECTION]
    assert drop_repeats(lines_of(*SECTION, *later))[1] == 0
    assert drop_repeats(lines_of(*SECTION, (0, "line 0"), (1, "line 1"), (2, "other")))[1] == 0


def test_lines_without_stamp_go_with_their_section() -> None:
    section = b"".join(text(line, second=at) + b"  more\n" for at, line in SECTION)
    kept, dropped = drop_repeats(parse(section * 2, "raw").lines)
    assert (kept.height, dropped) == (16, 16)
