"""No text is much slower than any other: each nasty one against an ordinary log of the same size, in the same run."""

import time

import pytest

from forensics.logs.parse import parse

SIZE = 6_000_000
AT = b"2026-03-04T05:06:07.1234567Z "
GENEROUS = 25
"""Times the ordinary log's; what is quadratic in a line or a file takes thousands of times as long."""


def seconds(data: bytes) -> float:
    begun = time.process_time()
    parse(data)
    return time.process_time() - begun


@pytest.fixture(scope="module")
def ordinary() -> float:
    data = (
        AT + b"\x1b[32m   Compiling\x1b[0m some-crate v1.2.3 (/home/runner/work/repository/repository)\n"
    ) * 60_000
    return max(0.02, *(seconds(data[:SIZE]) for _ in range(2)))


@pytest.mark.parametrize(
    "data",
    [
        AT + b"x" * SIZE,
        AT + b"a\x1b[0mb" * (SIZE // 6),
        b"\x1b[" + b"1;" * (SIZE // 2),
        b"\x1b" * SIZE,
        b"a\xff" * (SIZE // 2),
        b"\t" * SIZE,
        b"job\tstep\t" + AT + b"\t" * SIZE,
        b"\n" * (SIZE // 6),
        (AT + b"##[group]Run x\n" + AT + b"with:\n") * (SIZE // 80),
        AT + b"##[group]Run x\n" + (AT + b"shell: x\n") * (SIZE // 40),
        (AT + b"https://github.com/o/r/actions/runs/1 \n") * (SIZE // 70),
    ],
    ids=["long", "colours", "code", "escapes", "broken", "tabs", "gh-tabs", "blank", "headers", "open", "hints"],
)
def test_a_nasty_text_costs_about_as_much_as_an_ordinary_one(data: bytes, ordinary: float) -> None:
    assert seconds(data) < GENEROUS * ordinary
