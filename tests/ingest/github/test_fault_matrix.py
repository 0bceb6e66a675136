"""Every row of the fault matrix has a test, and the page about it names one that exists."""

import pytest

from tests.ingest.github.fault_matrix import BY_ANOTHER_NAME, NOT_MADE_HERE, ROWS, every_test, rows_of

NAMED = {name: file for file, name in every_test()}


def test_the_matrix_is_whole():
    assert [row.number for row in ROWS] == list(range(1, 59))
    assert {number for name in NAMED for number in rows_of(name)} <= {row.number for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row {row.number}")
def test_each_row_has_its_test(row):
    if row.number in NOT_MADE_HERE:
        assert NOT_MADE_HERE[row.number]
        return
    assert row.test in NAMED, f"{row.test} is no test"
    if row.number not in BY_ANOTHER_NAME:
        assert row.number in rows_of(row.test), "the name of the test does not carry the number of the row"


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("test_row_7_with_the_client", {7}),
        ("test_rows_27_and_56_links", {27, 56}),
        ("test_row_06_07_10_26_what_is_gone_and_why", {6, 7, 10, 26}),
        ("test_a_row_7", set()),
    ],
)
def test_what_a_name_carries(name, rows):
    assert rows_of(name) == rows
