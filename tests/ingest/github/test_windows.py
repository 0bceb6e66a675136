"""Windows cover the span, second for second, and stay the same as long as that is worth it."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.ingest.github.windows import CAP, KEPT_BEFORE, MOST_WINDOWS, Listing, Window, plan

SECOND = timedelta(seconds=1)
MONDAY = datetime(2026, 11, 2)


def listing(start: datetime, end: datetime, total: int = 10, *, complete: bool = True, day: int = 1) -> Listing:
    return Listing("acme/shop", "", start, end, total, total, complete, "", datetime(2026, 12, day))


def days(first: float, last: float, total: int = 10, **more: object) -> Listing:
    start, end = MONDAY + timedelta(days=first), MONDAY + timedelta(days=last) - SECOND
    return listing(start, end, total, **more)  # type: ignore[arg-type]


moments = st.integers(0, 40 * 86_400).map(lambda seconds: MONDAY + timedelta(seconds=seconds))
windows = st.tuples(moments, moments).map(lambda pair: Window(min(pair), max(pair)))
known_windows = st.builds(
    lambda window, total, complete, day: listing(window.start, window.end, total, complete=complete, day=day),
    windows,
    st.integers(0, 2 * CAP),
    st.sampled_from([True, True, True, False]),
    st.integers(1, 28),
)


@st.composite
def rows_of_windows(draw: st.DrawFn) -> list[Listing]:
    """Listings one after the other, as ingest after ingest leaves them."""
    bounds = sorted(draw(st.sets(moments, min_size=2, max_size=12)))
    return [
        listing(start, end - SECOND, draw(st.integers(0, CAP)))
        for start, end in pairwise(bounds)
        if draw(st.booleans()) or start == bounds[0]
    ]


def test_a_window_is_written_as_the_search_wants_it() -> None:
    window = Window(datetime(2026, 11, 2, 3, 4, 5), datetime(2026, 11, 3))
    assert window.created == "2026-11-02T03:04:05Z..2026-11-03T00:00:00Z"


@pytest.mark.parametrize(
    ("start", "end"),
    [(MONDAY, MONDAY - SECOND), (MONDAY.replace(microsecond=1), MONDAY + SECOND), (MONDAY.replace(tzinfo=UTC),) * 2],
)
def test_what_is_no_window_of_whole_utc_seconds_is_refused(start: datetime, end: datetime) -> None:
    with pytest.raises(ValueError, match="a window"):
        Window(start, end)


@given(windows)
def test_halves_are_the_window_with_no_second_lost_or_twice(window: Window) -> None:
    if not window.divisible:
        with pytest.raises(ValueError, match="cannot be halved"):
            window.halves()
        return
    first, second = window.halves()
    assert (first.start, second.end) == (window.start, window.end)
    assert first.end + SECOND == second.start
    assert abs((first.end - first.start) - (second.end - second.start)) <= SECOND


@given(st.dictionaries(moments, st.integers(1, CAP), min_size=1, max_size=30))
def test_halving_down_shows_every_run_of_any_crowd(runs_at: dict[datetime, int]) -> None:
    def count(window: Window) -> int:
        return sum(runs for moment, runs in runs_at.items() if window.start <= moment <= window.end)

    seen, todo = 0, [Window(MONDAY, MONDAY + timedelta(days=40))]
    while todo:
        window = todo.pop()
        total = count(window)
        if total > CAP:
            assert window.divisible
            todo += window.halves()
        else:
            seen += total
    assert seen == sum(runs_at.values())


@given(moments, moments, st.one_of(st.lists(known_windows, max_size=12), rows_of_windows()))
def test_a_plan_covers_the_span_once(since: datetime, until: datetime, known: list[Listing]) -> None:
    planned = plan(since, until, known)
    if since > until:
        assert planned == []
        return
    assert since - KEPT_BEFORE <= planned[0].start <= since
    assert planned[-1].end == until
    assert all(one.end + SECOND == other.start for one, other in pairwise(planned))
    assert planned == plan(since, until, list(reversed(known)))


@given(moments, moments, st.one_of(st.lists(known_windows, max_size=12), rows_of_windows()))
def test_a_plan_is_short(since: datetime, until: datetime, known: list[Listing]) -> None:
    planned = plan(since, until, known)
    bounds: dict[tuple[datetime, datetime], int] = {}
    for one in known:
        if one.complete:
            bounds[one.starts_at, one.ends_at] = max(one.total_count, bounds.get((one.starts_at, one.ends_at), 0))
    runs = sum(total for (start, end), total in bounds.items() if end >= since and start <= until)
    assert len(planned) <= 1 + (MOST_WINDOWS - 1) * max(1, -(-runs // CAP))


@given(moments, moments, rows_of_windows(), st.integers(0, 3600))
def test_listing_what_was_planned_makes_the_next_plan_the_same_and_one_window(
    since: datetime, until: datetime, known: list[Listing], later: int
) -> None:
    first = plan(since, until, known)
    if len(first) >= MOST_WINDOWS:
        return
    listed = [listing(window.start, window.end, 10) for window in first]
    assert plan(since, until, listed) == first
    assert plan(since, until + timedelta(seconds=later), listed)[: len(first)] == first


def test_known_windows_are_asked_for_again_and_the_gaps_between_them() -> None:
    since, until = MONDAY, MONDAY + timedelta(days=10)
    known = [days(-0.5, 3), days(4, 6), days(6, 7, complete=False)]
    assert plan(since, until, known) == [
        Window(MONDAY - timedelta(hours=12), MONDAY + timedelta(days=3) - SECOND),
        Window(MONDAY + timedelta(days=3), MONDAY + timedelta(days=4) - SECOND),
        Window(MONDAY + timedelta(days=4), MONDAY + timedelta(days=6) - SECOND),
        Window(MONDAY + timedelta(days=6), until),
    ]


@pytest.mark.parametrize(
    "useless",
    [days(-1.1, 3), days(-0.5, -0.2), days(8, 11), days(1, 2, complete=False)],
    ids=["begins too early", "over before", "ends after", "not complete"],
)
def test_a_known_window_that_does_not_fit_is_replaced(useless: Listing) -> None:
    since, until = MONDAY, MONDAY + timedelta(days=10)
    assert plan(since, until, [useless]) == [Window(since, until)]


def test_of_two_that_overlap_the_one_listed_last_is_kept() -> None:
    since, until = MONDAY, MONDAY + timedelta(days=10)
    early, late = days(0, 5, day=1), days(2, 10, day=2)
    assert Window(late.starts_at, late.ends_at) in plan(since, until, [late, early])
    assert plan(since, until, [late, early]) == plan(since, until, [early, late])


def test_many_small_windows_become_one_and_a_full_one_keeps_its_etags() -> None:
    since, until = MONDAY, MONDAY + timedelta(days=10)
    small = [days(day, day + 1, total=3) for day in range(4, 9)]
    assert plan(since, until, [days(-0.5, 4, total=3), *small]) == [Window(since, until)]
    full = days(0, 4, total=600)
    assert plan(since, until, [full, *small]) == [
        Window(full.starts_at, full.ends_at),
        Window(MONDAY + timedelta(days=4), until),
    ]


def test_five_windows_are_enough_where_one_search_could_show_all() -> None:
    since, until = MONDAY, MONDAY + timedelta(days=7)
    assert len(plan(since, until, [days(day, day + 1, total=130) for day in range(7)])) <= MOST_WINDOWS


def test_a_busy_repository_keeps_its_full_windows() -> None:
    since, until = MONDAY, MONDAY + timedelta(days=20)
    known = [days(day, day + 1, total=800) for day in range(16)]
    assert [(window.start, window.end) for window in plan(since, until, known)[:16]] == [
        (one.starts_at, one.ends_at) for one in known
    ]
