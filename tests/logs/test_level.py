"""Levels, above all: what is the printed source of a script and what is its output."""

from forensics.logs.parse import parse

AT = "2026-03-04T05:06:07.1234567Z "


def levels(*lines: str) -> list[str | None]:
    """Levels of lines; those that begin with ``|`` have no time stamp."""
    data = "\n".join(line[1:] if line.startswith("|") else AT + line for line in lines)
    return parse(data.encode(), "raw").lines["level"].to_list()


def test_markers() -> None:
    names = ["error", "warning", "notice", "debug", "group", "endgroup", "command", "section"]
    assert levels(*(f"##[{name}]x" for name in names)) == names
    assert levels("[command]/bin/x", "##[other]x", "x ##[error]y", "plain") == ["command", None, None, None]


def test_the_header_of_a_script_step_is_echo() -> None:
    assert levels(
        "##[group]Run npm publish",
        "\x1b[36;1mnpm publish\x1b[0m",
        "\x1b[36;1m##[error]printed, not thrown\x1b[0m",
        "shell: /usr/bin/bash -e {0}",
        "env:",
        "  NOTES: first",
        "|+ not-published@1.0.0",
        "##[endgroup]",
        "+ published@1.0.0",
    ) == ["group", *["echo"] * 6, "endgroup", None]


def test_the_header_of_an_action_is_echo() -> None:
    assert levels("##[group]Run o/a@v1", "with:", "  x: y", "##[endgroup]", "out") == [
        "group", "echo", "echo", "endgroup", None,
    ]  # fmt: skip


def test_a_header_without_colours_is_known_by_its_shell() -> None:
    assert levels("##[group]Run make", "make", "shell: bash", "##[endgroup]", "out") == [
        "group", "echo", "echo", "endgroup", None,
    ]  # fmt: skip


def test_a_group_of_the_script_itself_is_no_header() -> None:
    assert levels("##[group]Run tests", "+ real@1.0.0", "##[endgroup]") == ["group", None, "endgroup"]


def test_a_header_that_never_ends_takes_only_what_looks_like_one() -> None:
    open_header = ["##[group]Run o/a@v1", "with:", "  x: y", "env:", "  A: b", "+ real@1.0.0", "  indented output"]
    assert levels(*open_header) == ["group", *["echo"] * 4, None, None]
    assert levels(*open_header, "##[group]next", "##[endgroup]")[:7] == ["group", *["echo"] * 4, None, None]


def test_a_header_ends_with_its_job() -> None:
    lines = [("one", "##[group]Run o/a@v1"), ("one", "with:"), ("two", "  out of two"), ("two", "##[endgroup]")]
    log = parse("".join(f"{job}\tstep\t{AT}{line}\n" for job, line in lines).encode())
    assert log.lines["level"].to_list() == ["group", "echo", None, "endgroup"]


def test_cyan_is_echo_in_all_four_forms() -> None:
    for escape in ("\x1b", "^[", "␛", ""):
        assert levels(f"{escape}[36;1mgit push{escape}[0m") == ["echo"]
