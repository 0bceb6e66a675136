"""A unit too large for memory read in batches and stretches gives the rows that it gives when read at once."""

import io
import json
import tarfile
import zipfile

import planted
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_load import ask, ingest, tables, write

from forensics.load import container, scan, spool
from forensics.logs import stretch

RUN_ID = planted.RUN_ID
AS_MADE = (spool.BIG_UNIT, spool.BATCH, spool.HUGE_TEXT, stretch.STRETCH, container.PIECE)


def limit(big, batch, huge, size, piece):
    spool.BIG_UNIT, spool.BATCH, spool.HUGE_TEXT = big, batch, huge
    stretch.STRETCH = size
    container.PIECE = scan.PIECE = piece


@pytest.fixture
def tiny():
    """Every unit of some hundred bytes is big, every job of some hundred more is huge."""
    yield lambda: limit(200, 600, 500, 300, 64)
    limit(*AS_MADE)


def both(tmp_path, tiny, files):
    """All tables of the same files read at once and read in pieces."""
    limit(*AS_MADE)
    source = write(tmp_path / "in", files)
    ingest(tmp_path / "whole", source)
    tiny()
    ingest(tmp_path / "pieces", source)
    limit(*AS_MADE)
    return tables(tmp_path / "whole"), tables(tmp_path / "pieces")


def job_name(number):
    return ("deploy", "build (1, 2)", "lint / check", "test")[number]


TEXTS = [
    "plain output", "plain output of some length, again and again", "##[group]Run npm publish", "##[endgroup]",
    "\x1b[36;1mnpm publish\x1b[0m", "env:", "  GITHUB_RUN_ID: 31000000001", "##[error]It broke",
    "npm notice Publishing to https://registry.example/ with tag latest and public access", "+ left-pad@1.2.3",
    "Post job cleanup.", "Cleaning up orphan processes",
    "Job defined at: acme/shop/.github/workflows/r.yml@refs/heads/main",
    "To https://github.com/acme/shop", "   1111111..2222222  main -> main", "\ufeffmarked",
    "[command]/usr/bin/git log -1 --format=%H", "b" * 40,
]  # fmt: skip
logs = st.lists(st.tuples(st.sampled_from(TEXTS), st.integers(0, 30)), min_size=1, max_size=60)


def text(lines, *, number=0, crlf=True):
    head = [(f"Current runner version: '2.335.{number}'", 0), (f"Complete job name: {job_name(number)}", 0)]
    second, written = 0, []
    for said, moves in [*head, *lines]:
        second = min(second + (moves == 0) + (moves == 1) * 7, 59)
        # Some lines are continuations, without a stamp.
        written.append(said if moves == 30 else planted.stamp(second, said))
    return ("\r\n" if crlf else "\n").join(written).encode() + b"\n"


def archive(members, kind="zip"):
    sink = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as target:
            for name, data in members.items():
                target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    else:
        with tarfile.open(fileobj=sink, mode="w") as target:
            for name, data in members.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                target.addfile(entry, io.BytesIO(data))
    return sink.getvalue()


def described():
    """The run and its jobs with steps, as the API gives them."""
    steps = planted.job_object()["steps"]
    jobs = [planted.job_object(planted.JOB_ID + n, name=job_name(n), steps=steps) for n in range(4)]
    return {"run.json": json.dumps(planted.run_object()), "attempts/1/jobs.json": planted.jobs_page(*jobs)}


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(logs, min_size=1, max_size=4), st.sampled_from(["zip", "tar"]), st.booleans(), st.booleans(),
    st.booleans(),
)  # fmt: skip
def test_all_tables_are_those_of_reading_at_once(tmp_path_factory, tiny, jobs, kind, known, steps, crlf):
    members = {f"{n}_{job_name(n).replace('/', '')}.txt": text(lines, number=n, crlf=crlf)
               for n, lines in enumerate(jobs)}  # fmt: skip
    members["deploy/system.txt"] = planted.stamp(0, "Requested labels: ubuntu-latest").encode()
    if steps:
        members["deploy/1_Set up job.txt"] = b"".join(members["0_deploy.txt"].splitlines(keepends=True)[:2])
    files = {f"run-{RUN_ID}-attempt-1.{kind}": archive(members, kind), **(described() if known else {})}
    whole, pieces = both(tmp_path_factory.mktemp("big"), tiny, files)
    assert pieces == whole
    assert whole["log_lines"]


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(logs, st.booleans(), st.booleans())
def test_a_huge_text_by_itself_gives_the_same_rows(tmp_path_factory, tiny, lines, known, twice):
    data = text(lines, crlf=False) * (1 + twice)
    files = {f"job-{planted.JOB_ID}.log": data, **(described() if known else {})}
    whole, pieces = both(tmp_path_factory.mktemp("big"), tiny, files)
    assert pieces == whole


@pytest.fixture
def streamed(monkeypatch):
    """Which jobs were read in stretches."""
    from forensics.load import partition

    names = []
    real = partition.read_slowly

    def noted(root, unit, job, *rest):
        read = real(root, unit, job, *rest)
        names.append(job.name)
        return read

    monkeypatch.setattr(partition, "read_slowly", noted)
    return names


def test_a_huge_job_is_read_in_stretches_with_its_steps_and_effects(tmp_path, tiny, streamed):
    """The planted publish, blown up in the middle of its step."""
    before, after = planted.job_text().split(planted.stamp(7, "+ left-pad@1.2.3"))
    noise = "".join(planted.stamp(6, f"npm http fetch GET 200 number {n}") + "\r\n" for n in range(200))
    data = before + noise + planted.stamp(7, "+ left-pad@1.2.3") + after
    members = {"0_deploy.txt": data.encode(), "deploy/system.txt": planted.stamp(0, "Waiting for a runner").encode()}
    files = {f"run-{RUN_ID}-attempt-1.zip": archive(members), **described()}
    whole, pieces = both(tmp_path, tiny, files)
    assert pieces == whole
    assert streamed == ["deploy"]
    case = tmp_path / "pieces"
    assert ask(case, "SELECT tool, identity, outcome, step_number FROM effects") == [
        ("npm", "left-pad@1.2.3", "done", 2)
    ]
    assert ask(case, "SELECT steps_by FROM log_sources WHERE form = 'job'") == [("boundaries",)]
    assert ask(case, "SELECT count(*), count(DISTINCT line_no), max(line_no) FROM log_lines")[0] == (209, 209, 209)


@pytest.mark.parametrize("harm", ["crc", "cut", "utf-16", "no-esc"])
def test_what_cannot_be_read_in_stretches_is_told_as_ever(tmp_path, tiny, streamed, harm):
    lines = [("plain output of some length, again and again", 2)] * 40
    data = text(lines)
    if harm == "utf-16":
        data = data.decode().encode("utf-16")
    if harm == "no-esc":
        data = data.replace(b"plain", b"[36;1mplain")
    packed = bytearray(archive({"0_deploy.txt": data, "1_test.txt": text(lines, number=3)}))
    if harm == "crc":
        at = packed.find(b"PK\x01\x02") + 16
        packed[at] ^= 0xFF
    if harm == "cut":
        packed[60] ^= 0xFF
    whole, pieces = both(tmp_path, tiny, {f"run-{RUN_ID}.zip": bytes(packed), **described()})
    assert pieces == whole
    assert "deploy" not in streamed
    assert "test" in streamed
    if harm in ("crc", "cut"):
        assert len(whole["problems"]) == 1


def test_nothing_parked_stays_on_disk(tmp_path, tiny):
    data = text([("plain output of some length, again and again", 2)] * 40)
    both(tmp_path, tiny, {f"run-{RUN_ID}.zip": archive({"0_deploy.txt": data})})
    assert not list(tmp_path.rglob("parked-*"))
