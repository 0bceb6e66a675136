"""Every real log that is at hand: no error, no line lost, and steps as the step files have them."""

import gzip
import tarfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from forensics.logs.archive import group
from forensics.logs.job import assemble, drop_repeats
from forensics.logs.parse import count_lines, parse, sniff
from forensics.logs.steps import StepWindow, assign

LOGS = Path(__file__).parents[3] / "shared" / "real" / "logs"
pytestmark = [pytest.mark.real, pytest.mark.skipif(not LOGS.is_dir(), reason="no real logs here")]


def texts() -> Iterator[tuple[str, bytes]]:
    for path in sorted(LOGS.rglob("*")):
        if path.is_file() and path.suffix in (".log", ".txt", ".md", ".gz"):
            data = path.read_bytes()
            yield path.relative_to(LOGS).as_posix(), gzip.decompress(data) if path.suffix == ".gz" else data


def tars() -> Iterator[dict[str, bytes]]:
    for path in sorted(LOGS.glob("tinuous-inception/*.tar.xz")):
        with tarfile.open(path) as tar:
            files = ((member.name, tar.extractfile(member)) for member in tar if member.isfile())
            yield {name: file.read() for name, file in files if file is not None}


def windows(lines: pl.DataFrame, names: dict[int, str]) -> list[StepWindow]:
    """Windows as the jobs API would have them: whole seconds, a step ends when the next begins."""
    found = lines.filter(pl.col("step_number").is_not_null()).group_by("step_number").agg(
        start=pl.col("logged_at").min().dt.truncate("1s"), end=pl.col("logged_at").max().dt.truncate("1s")
    ).sort("step_number").with_columns(end=pl.max_horizontal("end", pl.col("start").shift(-1)))  # fmt: skip
    return [StepWindow(number, names[number], start, end, "success") for number, start, end in found.iter_rows()]


def test_every_text_keeps_every_line() -> None:
    recognised = 0
    for name, data in texts():
        log = parse(data)
        assert log.lines.height == count_lines(data), name
        assert log.lines["text"].null_count() == 0, name
        if sniff(data[: 1 << 20]) is None:
            continue
        recognised += 1
        assert log.lines["stamped"].any(), name
        if log.form == "gh":
            assert log.lines["job"].null_count() == 0, name
        kept, dropped = drop_repeats(log.lines)
        assert kept.height + dropped == log.lines.height, name
    assert recognised > 250


def test_archives_give_each_line_once_and_headings_find_the_steps_of_the_step_files() -> None:
    compared = 0
    for files in tars():
        grouping = group(list(files))
        assert grouping.rest == ()
        for job in (job for run in grouping.runs for job in run.jobs):
            main = files[job.job_member] if job.job_member else None
            system = files[job.system_member] if job.system_member else None
            log = assemble(main, [(step.number, files[step.member]) for step in job.steps], system)
            assert sum(member.lines_stored for member in log.members) == log.lines.height, job
            if main is None or not job.steps:
                continue
            # All step lines are in the job file, so none is stored for a step file.
            assert {m.lines_stored for m in log.members if m.role.startswith("step")} == {0}, job
            steps = windows(log.lines, {step.number: step.name for step in job.steps})
            numbers, how = assign(log.lines.drop("step_number"), steps)
            assert how == "boundaries", job
            assert numbers.equals(log.lines["step_number"]), job
            compared += 1
    assert compared > 250


def test_headings_find_the_steps_that_gh_names() -> None:
    lines_compared = 0
    for name, data in texts():
        log = parse(data)
        if log.form != "gh":
            continue
        for (job,), part in log.lines.group_by(["job"], maintain_order=True):
            if part["step"].null_count() or part["step"][0] != "Set up job":
                continue
            truth = part["step"].rle_id().cast(pl.Int32).alias("step_number")
            part = part.with_columns(truth)
            names = dict(part.select("step_number", "step").iter_rows())
            steps = windows(part, names)
            for lines, expected in ((part, "gh"), (part.drop("step"), "boundaries")):
                numbers, how = assign(lines.drop("step_number"), steps)
                assert how == expected, (name, job)
                wrong = numbers.is_not_null() & (numbers != truth)
                assert not wrong.any(), (name, job)
            lines_compared += part.height
    assert lines_compared > 200_000
