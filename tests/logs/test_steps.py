"""Lines of a job log to steps, by headings and windows; nothing is guessed."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.logs.parse import parse
from forensics.logs.steps import StepWindow, assign

ZERO = datetime(2026, 3, 4, 5, 6, 0)
HEADER = "##[group]Run "


def log(*stamped: tuple[float, str]) -> bytes:
    return "".join(
        f"{(ZERO + timedelta(seconds=at)).isoformat(timespec='microseconds')}0Z {line}\n" for at, line in stamped
    ).encode()


def script(at: float, name: str, *output: str) -> list[tuple[float, str]]:
    """A step that runs a script."""
    head = [f"{HEADER}{name}", f"\x1b[36;1m{name}\x1b[0m", "shell: bash", "##[endgroup]"]
    return [(at, line) for line in (*head, *output)]


def action(at: float, name: str, *output: str) -> list[tuple[float, str]]:
    """A step that uses an action."""
    return [(at, line) for line in (f"{HEADER}{name}", "with:", "  a: b", "##[endgroup]", *output)]


def step(number: int, name: str, start: float, end: float, conclusion: str | None = "success") -> StepWindow:
    return StepWindow(number, name, ZERO + timedelta(seconds=start), ZERO + timedelta(seconds=end), conclusion)


def assigned(data: bytes, steps: list[StepWindow]) -> tuple[dict[str, int | None], str]:
    """Step of each line that is neither header nor marker."""
    lines = parse(data, "raw").lines
    numbers, how = assign(lines, steps)
    assert len(numbers) == lines.height
    pairs = zip(lines.select("text", "level").rows(), numbers, strict=True)
    return {text: number for (text, level), number in pairs if level is None}, how


def test_a_whole_job() -> None:
    data = log(
        (0.1, "Waiting for a runner"), (1.0, "Current runner version: '2'"), (1.5, "Complete job name: b"),
        *action(2.2, "actions/checkout@v4", "fetched"), *script(4.0, "make", "made"),
        *script(4.9, "make test", "tested"), (7.3, "Post job cleanup."), (7.3, "cleaned"),
        (7.6, "Evaluate and set job outputs"), (7.7, "Cleaning up orphan processes"),
    )  # fmt: skip
    steps = [
        step(1, "Set up job", 1, 2), step(2, "Run actions/checkout@v4", 2, 4), step(3, "Build it", 4, 4),
        step(4, "Notify", 4, 4, "skipped"), step(5, "Test it", 4, 7), step(9, "Post Run actions/checkout@v4", 7, 7),
        step(10, "Complete job", 7, 7),
    ]  # fmt: skip
    assert assigned(data, steps) == (
        {
            "Waiting for a runner": None, "Current runner version: '2'": 1, "Complete job name: b": 1, "fetched": 2,
            "made": 3, "tested": 5, "Post job cleanup.": 9, "cleaned": 9, "Evaluate and set job outputs": 10,
            "Cleaning up orphan processes": 10,
        },
        "boundaries",
    )  # fmt: skip


def test_inner_steps_of_a_composite_action_belong_to_it() -> None:
    inner = script(2.5, "echo inner", "inner output")
    data = log((1.0, "Current runner version: '2'"), *action(2.1, "o/composite@v1"), *inner, *script(5.0, "x", "out"))
    steps = [step(1, "Set up job", 1, 2), step(2, "Composite", 2, 5), step(3, "Own", 5, 6)]
    assert assigned(data, steps)[0] == {"Current runner version: '2'": 1, "inner output": 2, "out": 3}


def test_marked_inner_steps_do_not_confuse_a_crowded_second() -> None:
    inner = [(2.3, "##[start-action display=x;id=y]"), *script(2.3, "i", "inner"), (2.3, "##[end-action id=y]")]
    data = log((1.0, "Current runner version: '2'"), *action(2.1, "o/c@v1"), *inner, *script(2.6, "x", "out"))
    steps = [step(1, "Set up job", 1, 2), step(2, "Composite", 2, 2), step(3, "Own", 2, 3)]
    found, _ = assigned(data, steps)
    assert (found["inner"], found["out"]) == (2, 3)


def test_what_cannot_be_told_stays_without_step() -> None:
    # Within one second: is the second heading an inner step of the first, or the next step, and the third inner?
    data = log(
        (1.0, "Current runner version: '2'"), *action(2.1, "o/a@v1", "one"), *action(2.2, "o/b@v1", "two"),
        *action(2.3, "o/c@v1", "three"), *script(5.0, "x", "out"),
    )  # fmt: skip
    steps = [step(1, "Set up job", 1, 2), step(2, "First", 2, 2), step(3, "Second", 2, 5), step(4, "Last", 5, 6)]
    found, how = assigned(data, steps)
    assert (found["one"], found["two"], found["three"], found["out"]) == (2, None, None, 4)
    assert how == "boundaries"
    named = [*steps[:2], step(3, "Run o/c@v1", 2, 5), steps[3]]
    assert assigned(data, named)[0]["two"] == 2
    assert assigned(data, named)[0]["three"] == 3


def test_a_step_without_heading_ends_the_one_before() -> None:
    data = log(
        (1.0, "Current runner version: '2'"), *script(2.0, "x", "out"), (9.0, "whose?"), *script(12.0, "y", "end")
    )
    steps = [step(1, "Set up job", 1, 2), step(2, "X", 2, 8), step(3, "Silent", 8, 11), step(4, "Y", 12, 13)]
    found, _ = assigned(data, steps)
    assert (found["out"], found["whose?"], found["end"]) == (2, None, 4)


def test_a_step_without_duration_may_have_been_skipped() -> None:
    data = log((1.0, "Current runner version: '2'"), *action(2.1, "o/a@v1", "one"), *script(2.2, "x", "two"))
    steps = [step(1, "Set up job", 1, 2, None), step(2, "Maybe", 2, 2, None), step(3, "Sure", 2, 3, None)]
    assert assigned(data, steps)[0]["one"] is None
    sure = [step(number, *rest) for number, *rest in ((1, "Set up job", 1, 2), (2, "Maybe", 2, 2), (3, "Sure", 2, 3))]
    assert assigned(data, sure)[0] == {"Current runner version: '2'": 1, "one": 2, "two": 3}


def test_by_times_when_there_are_no_headings() -> None:
    data = log((0.5, "before"), (2.5, "a"), (5.0, "shared second"), (6.5, "b"), (20.0, "after"))
    steps = [step(1, "A", 2, 5), step(2, "B", 5, 8)]
    found = {"before": None, "a": 1, "shared second": None, "b": 2, "after": None}
    assert assigned(data, steps) == (found, "times")


def test_without_steps_or_times_nothing_is_known() -> None:
    data = log((1.0, "x"))
    assert assigned(data, []) == ({"x": None}, "unknown")
    assert assigned(data, [StepWindow(1, "x", None, None)]) == ({"x": None}, "unknown")
    assert assigned(data, [step(1, "x", 1, 1, "skipped")]) == ({"x": None}, "unknown")
    assert assigned(b"", [step(1, "x", 1, 1)]) == ({}, "unknown")


def test_gh_names_map_to_numbers() -> None:
    at = "2026-03-04T05:06:07.1234567Z"
    names = ["Set up job", "Twice", "Other", "Twice", "Unheard of"]
    lines = parse("".join(f"job\t{name}\t{at} x\n" for name in names).encode()).lines
    steps = [step(1, "Set up job", 0, 1), step(2, "Twice", 1, 2), step(3, "Other", 2, 3), step(5, "Twice", 3, 4)]
    numbers, how = assign(lines, steps)
    assert (numbers.to_list(), how) == ([1, 2, 3, 5, None], "gh")
    assert assign(lines.filter(lines["step"] == "Unheard of"), steps)[0].to_list() == [None]


names = st.sampled_from(["Set up job", "Complete job", "Post x", "Run make", "x", "Initialize containers"])
windows = st.lists(
    st.tuples(names, st.integers(0, 6) | st.none(), st.integers(0, 3), st.sampled_from([None, "success", "skipped"])),
    max_size=8,
)
events = st.lists(
    st.tuples(
        st.integers(0, 8),
        st.sampled_from([f"{HEADER}make", "shell: x", "##[endgroup]", "Post job cleanup.", "out", "with:",
                         "Cleaning up orphan processes", "##[start-action ", "##[end-action ", "Checking"]),
    ),
    max_size=30,
)  # fmt: skip


@settings(deadline=None)
@given(events, windows)
def test_only_given_steps_in_order_whatever_comes(
    stamped: list[tuple[int, str]], given: list[tuple[str, int | None, int, str | None]]
) -> None:
    steps = [
        StepWindow(
            number, name, None if start is None else ZERO + timedelta(seconds=start),
            None if start is None else ZERO + timedelta(seconds=start + length), conclusion,
        )
        for number, (name, start, length, conclusion) in enumerate(given, 1)
    ]  # fmt: skip
    lines = parse(log(*sorted(stamped, key=lambda pair: pair[0])), "raw").lines
    numbers, how = assign(lines, steps)
    placed = numbers.drop_nulls().to_list()
    assert len(numbers) == lines.height
    assert set(placed) <= {step.number for step in steps if step.conclusion != "skipped"}
    assert how in ("boundaries", "times", "unknown")
    if how == "boundaries":
        assert placed == sorted(placed)
