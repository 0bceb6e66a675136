"""Waits that are asserted, not waited for: the clock is planted, and sleeping moves it on."""

import asyncio
from datetime import datetime

import pytest
from scripted import NOON, NOON_DATE, Clock, Seen

from forensics.errors import LimitReached
from forensics.ingest.github.limits import Limits
from forensics.ingest.github.verdict import Wait

SECONDARY = Wait(61, "A secondary limit.", lower_concurrency=True, named=False)


def door(clock, seen=None, reserve=50, **settings):
    return Limits(clock.policy(**settings), seen or Seen(), reserve=reserve)


def told(left, *, limit=5000, resets_in=600, resource="core", **more):
    return {
        "x-ratelimit-remaining": str(left),
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-reset": str(int(NOON) + resets_in),
        "x-ratelimit-resource": resource,
        **more,
    }


async def pass_through(limits, headers=None):
    async with limits.turn() as turn:
        if headers:
            limits.learn(headers, 200)
        return turn


def test_row_33_the_offset_to_the_server_s_clock_is_learnt():
    clock = Clock(NOON - 5000)  # our machine is 83 minutes slow
    limits = door(clock)
    limits.learn({"date": NOON_DATE}, 200)
    clock.now += 10
    assert limits.now() == NOON + 10


def test_row_33_a_proxy_s_own_error_does_not_set_the_clock():
    limits = door(Clock(NOON))
    limits.learn({"date": "Fri, 02 Jan 2026 09:00:00 GMT"}, 502)
    assert limits.now() == NOON


def test_row_15_the_reserve_is_left_to_others_until_the_reset():
    clock, seen = Clock(), Seen()
    limits = door(clock, seen)

    async def story():
        await pass_through(limits, told(51))
        await pass_through(limits, told(50))
        assert clock.slept == []
        await pass_through(limits, told(4999, resets_in=4200))

    asyncio.run(story())
    assert clock.slept == [601]
    assert seen.waits == [(601, "50 requests are left until 12:10:00 UTC; they are left to others.")]
    assert limits.quota == (4999, 5000, datetime(2026, 1, 2, 13, 10))


def test_row_15_requests_under_way_count_against_the_reserve():
    limits = door(Clock())
    together = []

    async def one():
        async with limits.turn():
            together.append(limits._under_way)
            await asyncio.sleep(0.005)

    async def story():
        limits.learn(told(52), 200)
        await asyncio.wait_for(asyncio.gather(*(one() for _ in range(4))), 5)

    asyncio.run(story())
    assert max(together) == 2  # 52 - 2 is the reserve


def test_row_15_without_wish_to_wait_the_reserve_stops_the_ingest():
    limits = door(Clock(), wait=False)
    limits.learn(told(50), 200)
    with pytest.raises(LimitReached) as caught:
        asyncio.run(pass_through(limits))
    assert "50 requests are left until 12:10:00 UTC" in caught.value.message
    assert "after 2026-01-02 12:10:01 UTC" in caught.value.hint


def test_row_15_a_small_limit_keeps_no_more_back_than_its_half():
    clock = Clock()
    limits = door(clock)
    limits.learn(told(31, limit=60), 200)
    asyncio.run(pass_through(limits))
    assert clock.slept == []


@pytest.mark.parametrize(
    "headers",
    [{}, told(0, resource="search"), {"x-ratelimit-remaining": "0"}, told("none"), told(0, resets_in=-5)],
    ids=["none", "another resource", "no reset", "no number", "already reset"],
)
def test_row_16_no_limit_is_invented(headers):
    clock = Clock()
    limits = door(clock)
    limits.learn(headers, 200)
    asyncio.run(pass_through(limits))
    assert clock.slept == []


def test_answers_that_overtake_each_other_do_not_raise_what_is_left():
    limits = door(Clock())
    for left, resets_in in [(100, 600), (102, 600), (101, 601), (4000, -3000)]:
        limits.learn(told(left, resets_in=resets_in), 200)
    assert limits.quota[0] == 100
    limits.learn(told(4999, resets_in=4200), 200)
    assert limits.quota[0] == 4999


def test_row_14_the_back_off_doubles_and_ends():
    clock, seen = Clock(), Seen()
    limits = door(clock, seen)

    async def story():
        for strike in range(7):
            assert limits.strikes == strike
            async with limits.turn() as turn:
                limits.hold(Wait(60 * 2**strike + 1, "Limited.", lower_concurrency=True, named=False), turn)

    with pytest.raises(LimitReached, match="7 times in a row"):
        asyncio.run(story())
    assert clock.slept == [61, 121, 241, 481, 961, 1921]
    assert [seconds for seconds, _ in seen.waits] == clock.slept


def test_row_14_a_success_after_the_wait_forgives_and_one_from_before_does_not():
    limits = door(Clock())

    async def story():
        async with limits.turn() as early:
            async with limits.turn() as turn:
                limits.hold(SECONDARY, turn)
            limits.succeeded(early)
            assert limits.strikes == 1
        limits.succeeded(await pass_through(limits))
        assert limits.strikes == 0

    asyncio.run(story())


def test_row_14_all_wait_once_and_then_go_one_by_one():
    """Six requests are refused at once: one wait, told once, one strike; afterwards one request at a time."""
    clock, seen = Clock(), Seen()
    limits = door(clock, seen)
    refused = asyncio.Event()
    together = []

    async def one():
        async with limits.turn() as turn:
            if limits._under_way == 6:
                refused.set()
            await refused.wait()
            limits.hold(SECONDARY, turn)
        async with limits.turn():
            together.append(limits._under_way)
            await asyncio.sleep(0)

    async def story():
        await asyncio.wait_for(asyncio.gather(*(one() for _ in range(6))), 5)

    asyncio.run(story())
    assert (clock.slept, seen.waits, limits.strikes) == ([61], [(61, "A secondary limit.")], 1)
    assert together == [1] * 6


def test_a_longer_time_that_the_server_names_prolongs_the_wait():
    clock = Clock()
    limits = door(clock)

    async def story():
        async with limits.turn() as first, limits.turn() as second:
            limits.hold(Wait(31, "Half a minute.", lower_concurrency=True), first)
            limits.hold(Wait(301, "Five minutes.", lower_concurrency=True), second)
        await pass_through(limits)

    asyncio.run(story())
    assert sum(clock.slept) == 301 and limits.strikes == 1


def test_a_wait_of_days_is_not_waited_for():
    limits = door(Clock())
    with pytest.raises(LimitReached, match=r"A year\."):
        limits.hold(Wait(10**15, "A year.", lower_concurrency=False), 0)


def test_one_who_gives_up_waiting_leaves_the_rest_of_it_to_the_next():
    clock = Clock()
    stuck = asyncio.Event()
    slept = []

    async def sleep(seconds):
        slept.append(seconds)
        clock.now += 20
        if len(slept) == 1:
            await stuck.wait()
        clock.now += seconds - 20

    limits = door(clock, sleep=sleep)

    async def story():
        async with limits.turn() as turn:
            limits.hold(SECONDARY, turn)
        first = asyncio.create_task(pass_through(limits))
        while not slept:
            await asyncio.sleep(0)
        second = asyncio.create_task(pass_through(limits))
        first.cancel()
        await asyncio.wait_for(second, 5)
        await asyncio.gather(first, return_exceptions=True)

    asyncio.run(story())
    assert slept == [61, 41]


def test_the_budget_is_never_overdrawn():
    limits = door(Clock(), budget=10)

    async def story():
        return await asyncio.gather(*(pass_through(limits) for _ in range(25)), return_exceptions=True)

    ends = asyncio.run(story())
    assert [isinstance(end, LimitReached) for end in ends].count(True) == 15
    assert limits.requests_made == 10


def test_no_more_than_the_pace_within_any_minute():
    clock, seen = Clock(), Seen()
    limits = door(clock, seen, per_minute=3)
    begun = []

    async def story():
        for _ in range(8):
            await pass_through(limits)
            begun.append(clock.now - NOON)
            clock.now += 5

    asyncio.run(story())
    assert begun == [0, 5, 10, 60, 65, 70, 120, 125]
    assert seen.waits[0] == (45, "3 requests were made within a minute.")


@pytest.mark.parametrize(("concurrency", "most"), [(0, 1), (1, 1), (6, 6)])
def test_no_more_at_once_than_agreed(concurrency, most):
    limits = door(Clock(), concurrency=concurrency)
    together = []

    async def one():
        async with limits.turn():
            together.append(limits._under_way)
            await asyncio.sleep(0.001)

    async def story():
        await asyncio.wait_for(asyncio.gather(*(one() for _ in range(40))), 5)

    asyncio.run(story())
    assert max(together) == most and len(together) == 40


def test_cancelled_ones_free_their_place():
    limits = door(Clock(), concurrency=2)

    async def forever():
        async with limits.turn():
            await asyncio.Event().wait()

    async def story():
        tasks = [asyncio.create_task(forever()) for _ in range(5)]
        await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.wait_for(pass_through(limits), 5)

    asyncio.run(story())
