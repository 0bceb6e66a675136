"""Archives for measuring: of the size asked for, in both layouts, the same each time."""

from __future__ import annotations

import zipfile
from pathlib import Path

from forensics.synth.bench import write_bench_archives


def test_archives_hold_the_text_asked_for_and_are_the_same_each_time(tmp_path: Path) -> None:
    made = write_bench_archives(tmp_path / "one", 2, 4)
    paths = sorted((tmp_path / "one").rglob("logs.zip"))
    assert len(paths) == made.archives == 4
    assert all(path.parts[-5:-3] == ("runs", path.parts[-4]) for path in paths)
    text = stored = 0
    lines = 0
    for path in paths:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            old = "1_lint.txt" in names
            assert old == ("lint/1_Set up job.txt" in names) == ("lint/system.txt" not in names)
            for name in names:
                content = archive.read(name)
                text += len(content)
                stored += len(content.rstrip(b"\n"))
                lines += content.count(b"\n") if "/" not in name else 0
    assert text == made.text_bytes
    assert abs(text - 2_000_000) < 40_000
    assert lines == made.lines > 10_000
    again = write_bench_archives(tmp_path / "two", 2, 4)
    assert again.text_bytes == made.text_bytes
    for path in paths:
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


def test_stamps_grow_within_a_job(tmp_path: Path) -> None:
    write_bench_archives(tmp_path, 1, 2)
    for path in tmp_path.rglob("logs.zip"):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if "/" not in name:
                    stamps = [line[:28] for line in archive.read(name).decode("utf-8-sig").splitlines()]
                    assert stamps == sorted(stamps)
                    assert all(stamp.endswith("Z") for stamp in stamps)
