"""Large archives for measuring how fast logs are read: believable lines, exact size, no effects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate, islice
from pathlib import Path
from random import Random

from forensics.synth.history import START
from forensics.synth.logtext import BOM, format_stamp, pack, render_job, to_ticks
from forensics.synth.quiet import live_quietly

_RUN_IDS_FROM = 41_900_000_000
_JOBS = ("lint", "test (20)", "test (22)", "build")
_STEPS = ("Set up job", "Run actions_checkout@v4", "Install dependencies", "Unit tests", "Complete job")
_FOLDERS = ("basket", "checkout", "prices", "search", "orders", "login", "refunds")
_MEGABYTE = 1_000_000
_STAMP = len("2026-11-02T07:00:00.0000000Z ")


@dataclass(frozen=True)
class BenchArchives:
    """What was written for a measurement."""

    directory: Path
    archives: int
    text_bytes: int
    """Text in all members together: what ``unzip -p`` prints."""
    lines: int
    """Lines in job files and ``system.txt``; step files of old archives repeat those of their job."""


def write_bench_archives(directory: Path, megabytes: int, archives: int, seed: int = 7) -> BenchArchives:
    """Write run-log archives with about ``megabytes`` (10^6 bytes) of text in all.

    Every other archive is of the older generation, whose step files hold the job's lines a second time; both
    count. The lines are those of made-up CI runs, in another order and with other times in each job. The same
    arguments give the same bytes.

    Args:
        directory: gets ``repos/acme/storefront/actions/runs/ID/attempts/1/logs.zip`` for each archive.
        megabytes: of text, without compression.
        archives: how many to divide it into.
        seed: of the dice.
    """
    rng = Random(f"forensics bench {seed}")  # noqa: S311 - made-up data must be repeatable, not secret
    pool = _collect_lines(seed)
    share = megabytes * _MEGABYTE // archives
    text_bytes = lines = 0
    for number in range(archives):
        old = number % 2 == 0
        jobs = [list(_write_lines(pool, share // len(_JOBS) // (2 if old else 1), number, rng)) for _ in _JOBS]
        members = _old_members(jobs) if old else _new_members(jobs)
        target = directory / f"repos/acme/storefront/actions/runs/{_RUN_IDS_FROM + number}/attempts/1/logs.zip"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(pack(members))
        text_bytes += sum(len(content) for _, content in members)
        lines += sum(len(job) for job in jobs)
    return BenchArchives(directory, archives, text_bytes, lines)


def _collect_lines(seed: int) -> list[str]:
    """Texts of the lines of some days' CI jobs, without time stamps."""
    history = live_quietly(seed=seed, days=3)
    pool: list[str] = []
    for run, attempt, job in history.executions():
        if run.workflow == "ci.yml":
            text = render_job(history, run, attempt, job).text.decode()
            pool += [line[_STAMP:] for line in text.splitlines()]
    rng = Random(f"forensics bench lengths {seed}")  # noqa: S311 - as above
    return [line + _draw_tail(rng) for line in pool]


def _draw_tail(rng: Random) -> str:
    """What makes lines as long as real ones: the made-up jobs alone print half as much a line.

    Measured on 1,145,746 lines of public logs: mean 82 characters, median 43, p90 109, p99 379, a few of thousands
    (bundler listings, JSON, stack traces on one line).
    """
    dice = rng.random()
    length = rng.randint(1500, 3000) if dice < 0.01 else rng.randint(80, 320) if dice < 0.06 else 0
    words: list[str] = []
    while length > 0:
        word = f" src/{rng.choice(_FOLDERS)}/{rng.choice(_FOLDERS)}-{rng.randrange(900)}.ts:{rng.randrange(400)}"
        words.append(word)
        length -= len(word)
    return "".join(words)


def _write_lines(pool: list[str], size: int, number: int, rng: Random) -> Iterator[bytes]:
    """Stamped lines of one job, ``size`` bytes or a little more; every job reads the pool from another place."""
    begin = to_ticks(START + timedelta(minutes=7 * number + 420))
    gaps = rng.choices(range(40, 90_000), k=4096)
    place = rng.randrange(len(pool))
    written = 0
    ticks = accumulate((gaps[n & 4095] for n in range(size)), initial=begin)
    while written < size:
        chunk = pool[place : place + 2000]
        place = (place + 2000) % len(pool)
        for tick, line in zip(islice(ticks, len(chunk)), chunk, strict=True):
            stamped = f"{format_stamp(tick)} {line}\n".encode()
            written += len(stamped)
            yield stamped
            if written >= size:
                return


def _old_members(jobs: list[list[bytes]]) -> list[tuple[str, bytes]]:
    members = [
        (f"{n}_{name}.txt", BOM + b"".join(lines))
        for n, (name, lines) in enumerate(zip(_JOBS, jobs, strict=True), start=1)
    ]
    for name, lines in zip(_JOBS, jobs, strict=True):
        each = len(lines) // len(_STEPS) + 1
        for n, step in enumerate(_STEPS):
            members.append((f"{name}/{n + 1}_{step}.txt", BOM + b"".join(lines[n * each : (n + 1) * each])))
    return members


def _new_members(jobs: list[list[bytes]]) -> list[tuple[str, bytes]]:
    members = [
        (f"{n}_{name}.txt", BOM + b"".join(lines)) for n, (name, lines) in enumerate(zip(_JOBS, jobs, strict=True))
    ]
    system = b"Waiting for a runner to pick up this job..."
    stamp = format_stamp(to_ticks(START)).encode()
    return members + [(f"{name}/system.txt", stamp + b" " + system) for name in _JOBS]
