"""Logs as runners write them: stamps, steps, layouts."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from forensics.synth.incidents import Planted
from forensics.synth.logtext import clean_name, pack, render_job
from forensics.synth.write import Written

BOM = b"\xef\xbb\xbf"
SKEW = timedelta(seconds=0.5)
STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{7})Z ")


def read_archives(root: Path) -> Iterator[tuple[Path, dict[str, bytes]]]:
    for path in sorted(root.glob("actions/runs/*/attempts/*/logs.zip")):
        with zipfile.ZipFile(path) as archive:
            yield path, {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def archives(root: Path) -> list[tuple[Path, dict[str, bytes]]]:
    return list(read_archives(root))


def read_stamps(text: bytes) -> list[str]:
    lines = text.removeprefix(BOM).decode().splitlines()
    return ["".join(match.groups()) for line in lines if (match := STAMP.match(line))]


def test_stamps_never_go_backwards_in_a_job(archives: list[tuple[Path, dict[str, bytes]]]) -> None:
    for path, members in archives:
        for name, text in members.items():
            if "/" not in name:
                stamps = read_stamps(text)
                assert stamps == sorted(stamps), (path, name)


def test_only_the_second_line_of_a_message_has_no_stamp(archives: list[tuple[Path, dict[str, bytes]]]) -> None:
    bare = {
        line[:28]
        for _, members in archives
        for name, text in members.items()
        for line in text.removeprefix(BOM).decode().splitlines()
        if not STAMP.match(line) and not name.endswith("system.txt")
    }
    assert bare == {"ghcr.io/acme/storefront:sha-"}


def test_step_files_are_the_job_file_in_pieces(archives: list[tuple[Path, dict[str, bytes]]]) -> None:
    checked = 0
    for path, members in archives:
        for name, text in members.items():
            if "/" in name or name.startswith("0_"):
                continue
            folder = name.split("_", 1)[1].removesuffix(".txt") + "/"
            steps = [step for step in members if step.startswith(folder) and not step.endswith("system.txt")]
            if not steps:
                continue
            steps.sort(key=lambda step: int(step.removeprefix(folder).split("_")[0]))
            pieces = b"".join(members[step].removeprefix(BOM) for step in steps)
            assert pieces == text.removeprefix(BOM), (path, name)
            checked += 1
    assert checked > 100


def test_half_of_the_archives_are_of_the_older_generation(archives: list[tuple[Path, dict[str, bytes]]]) -> None:
    old = [members for _, members in archives if any(name.startswith("1_") for name in members if "/" not in name)]
    new = [members for _, members in archives if any(name.startswith("0_") for name in members)]
    older = [members for members in old if not any(name.endswith("/system.txt") for name in members)]
    assert len(new) + len(older) == len(archives)
    assert 0.4 < len(older) / len(archives) < 0.6
    for members in older:
        assert any(name.endswith("/1_Set up job.txt") for name in members)
    for members in new:
        assert all(name.endswith("/system.txt") for name in members if "/" in name)


def test_files_begin_with_a_byte_order_mark_but_system_txt_does_not(
    archives: list[tuple[Path, dict[str, bytes]]],
) -> None:
    for _, members in archives:
        for name, text in members.items():
            assert text.startswith(BOM) != name.endswith("system.txt"), name
            assert text.endswith(b"\n") != name.endswith("system.txt"), name


def test_lines_fall_into_their_step_by_the_api_give_or_take_the_clock(
    archives: list[tuple[Path, dict[str, bytes]]],
) -> None:
    checked = 0
    for path, members in archives:
        jobs = json.loads((path.parent / "jobs.json").read_bytes())["jobs"]
        for job in jobs:
            for step in job["steps"]:
                name = f"{clean_name(job['name'])}/{step['number']}_{clean_name(step['name'])}.txt"
                if name not in members:
                    continue
                first, last = read_stamps(members[name])[0], read_stamps(members[name])[-1]
                begins = datetime.fromisoformat(step["started_at"].rstrip("Z"))
                ends = datetime.fromisoformat(step["completed_at"].rstrip("Z")) + timedelta(seconds=1)
                assert begins - SKEW <= datetime.fromisoformat(first[:19]) + _fraction(first), (path, name)
                assert datetime.fromisoformat(last[:19]) + _fraction(last) <= ends + SKEW, (path, name)
                checked += 1
    assert checked > 1000


def _fraction(stamp: str) -> timedelta:
    return timedelta(microseconds=int(stamp[19:]) // 10)


def test_skipped_steps_leave_a_hole(planted: Planted) -> None:
    history = planted.history
    run, attempt, job = next(
        found for found in history.executions() if any(step.conclusion == "skipped" for step in found[2].steps)
    )
    told = {step.number for step, _ in render_job(history, run, attempt, job).steps}
    skipped = {step.number for step in job.steps if step.conclusion == "skipped"}
    assert skipped
    assert not told & skipped


def test_a_step_shows_its_script_before_its_output(planted: Planted) -> None:
    history = planted.history
    run, attempt, job = next(found for found in history.executions() if found[2].name == "version")
    lines = {step.name: text for step, text in render_job(history, run, attempt, job).steps}
    said = STAMP.sub("", lines["Compute next version"].decode())
    assert said == snapshot("""\
##[group]Run latest=$(git describe --tags --abbrev=0 --match 'v*')
\x1b[36;1mlatest=$(git describe --tags --abbrev=0 --match 'v*')\x1b[0m
\x1b[36;1mnext=$(./scripts/next-version.sh "$latest")\x1b[0m
\x1b[36;1mecho "version=$next" >> "$GITHUB_OUTPUT"\x1b[0m
shell: /usr/bin/bash -e {0}
##[endgroup]
Latest tag is v2.0.0
Next version is 2.1.0
""")


def test_system_txt_names_the_workflow_and_the_ref(archives: list[tuple[Path, dict[str, bytes]]]) -> None:
    texts = [
        text.decode() for _, members in archives for name, text in members.items() if name.endswith("system.txt")
    ]
    pattern = r"Job defined at: acme/storefront/\.github/workflows/\w+\.yml@refs/(heads/main|pull/\d+/merge)\n"
    assert len(texts) > 100
    for text in texts:
        assert re.search(pattern, text)
        assert re.search(r"\.\d{3}0000Z ", text)


def test_more_output_on_demand(planted: Planted) -> None:
    history = planted.history
    run, attempt, job = next(found for found in history.executions() if found[2].name == "test (20)")
    usual = render_job(history, run, attempt, job).text.count(b"\n")
    assert render_job(history, run, attempt, job, scale=20).text.count(b"\n") > 5 * usual
    assert 60 <= usual <= 300


def test_an_archive_knows_no_date() -> None:
    assert pack([("a.txt", b"x")]) == pack([("a.txt", b"x")])
    assert b"a.txt" in pack([("a.txt", b"x")])


def test_everything_written_is_counted(written: Written) -> None:
    files = [path for path in written.directory.rglob("*") if path.is_file()]
    assert len(files) == written.files
    assert sum(path.stat().st_size for path in files) == written.bytes
