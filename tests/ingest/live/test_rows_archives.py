"""Rows 7, 20 to 28, 41, 42 and 57 of the fault matrix, a whole ingest each: logs that are gone, broken or hostile."""

import zipfile

import pytest

from forensics.synth.logtext import clean_name, pack
from tests.ingest.live.account import (
    CI,
    DEPLOY,
    DOCS,
    LINT,
    beside,
    details,
    differing,
    hasty,
    problems,
    still_world,
    told,
    unlike,
    work,
)
from tests.ingest.live.drive import ingest, rows
from tests.standin import StandIn, archives, faults, tiny_world

OF_LOGS = {
    "work",
    "problems",
    "log_lines",
    "log_sources",
    "log_units",
    "effects",
    "steps",
    "neighbours",
    "jobs",
    "attempts",
}
"""Tables that a lost log may show in."""
STAMP = b"2026-11-02T08:05:00.0000000Z "


def lines_of(case, run_id):
    """How many lines of a run's logs there are, by job."""
    counted = "SELECT job_id, count(*) FROM log_lines WHERE run_id = $run GROUP BY 1 ORDER BY 1"
    return dict(rows(case, counted, run=run_id))


def members_of(case, run_id):
    """The members of the archive that an ingest in good health kept."""
    with zipfile.ZipFile(case / "evidence" / f"repos/acme/storefront/actions/runs/{run_id}/attempts/1/logs.zip") as z:
        return [(entry.filename, z.read(entry)) for entry in z.infolist()]


def nobody_was_told_who_asks(stand_in):
    """Row 28, whatever else went wrong."""
    downloads = [seen for seen in stand_in.requests if seen.origin == "blob"]
    assert not [seen for seen in downloads if seen.headers.keys() & {"authorization", "cookie"}]
    return bool(downloads)


# --- row 7: gone, or not there yet


def test_row_7_expired_logs_have_a_tombstone_and_are_not_asked_for_again(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "clean")
        world.expire_logs(DEPLOY)
        world.put_archive(DOCS, 1, None)
        summary = ingest(stand_in, tmp_path / "case")
        assert unlike(tmp_path / "case", tmp_path / "clean") == {
            ("logs", f"{DEPLOY}/1"): "expired",
            ("logs", f"{DOCS}/1"): "expired",
        }
        assert differing(tmp_path / "case", tmp_path / "clean") <= OF_LOGS
        assert sum(one.expired for one in summary.completeness) == 2
        assert problems(tmp_path / "case") == {"log-expired": 2}
        assert "Server Error" not in told(tmp_path / "case")
        stand_in.requests.clear()
        ingest(stand_in, tmp_path / "case")
        assert not stand_in.asked("attempt-logs")


def test_row_7_logs_of_a_run_that_has_just_ended_are_asked_for_once_more(tmp_path):
    world = tiny_world()
    with StandIn(world) as stand_in:
        new = world.add_run(workflow="docs.yml")
        world.put_archive(new, 1, None)
        ingest(stand_in, tmp_path / "case")
        assert work(tmp_path / "case")["logs", f"{new}/1"] == "not-ready"
        assert problems(tmp_path / "case") == {"log-not-ready": 1}
        world.state(new).archives.clear()
        ingest(stand_in, tmp_path / "case")
    assert work(tmp_path / "case")["logs", f"{new}/1"] == "done"
    assert problems(tmp_path / "case") == {}
    assert lines_of(tmp_path / "case", new)


# --- rows 20 to 22: damage


@pytest.mark.parametrize(
    "wrong",
    [
        faults.cut_off(500, by="reset"),
        faults.cut_off(500, by="end"),
        faults.cut_off(500, framing="chunked"),
        faults.cut_off(500, framing="close"),
        faults.dropped(after_headers=True),
        faults.bad_crc(),
        faults.garbage(),
        faults.truncated(),
        faults.address_expired(),
    ],
    ids=lambda fault: fault.name,
)
def test_rows_20_21_22_27_28_a_download_that_is_damaged_once_is_got_by_a_fresh_address(wrong, tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        case, clean, _ = beside(stand_in, tmp_path, wrong.on("download", times=2), policy=hasty(world, concurrency=1))
        assert stand_in.faults.left == []
        assert len(stand_in.asked("attempt-logs")) == 7
        assert len([seen for seen in stand_in.requests if seen.origin == "blob"]) == 7
        assert nobody_was_told_who_asks(stand_in)
    assert differing(case, clean) == set()
    assert list((case / ".downloading").rglob("*.part")) == []


@pytest.mark.parametrize("wrong", [faults.truncated(), faults.garbage()], ids=lambda fault: fault.name)
def test_rows_21_22_an_archive_that_is_damaged_each_time_is_kept_and_the_jobs_logs_are_taken_instead(wrong, tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        case, clean, _ = beside(stand_in, tmp_path, wrong.on("download", times=3), policy=hasty(world, concurrency=1))
        lost = {thing: state for thing, state in unlike(case, clean).items() if thing[0] == "logs"}
        assert list(lost.values()) == ["corrupt"]
        [(_, key)] = lost
        run_id = int(key.partition("/")[0])
        assert (case / f"evidence/repos/acme/storefront/actions/runs/{run_id}/attempts/1/logs.corrupt.zip").exists()
        assert problems(case)["log-corrupt"] == 1
        assert "log-corrupt" in told(case)
        # Nothing is missing: each job's own log was taken, line by line the same.
        assert lines_of(case, run_id) == lines_of(clean, run_id)
        stand_in.requests.clear()
        ingest(stand_in, case)
        assert not stand_in.asked("attempt-logs")


def test_row_22_of_an_archive_with_one_damaged_member_the_others_are_loaded(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "clean")
        members = members_of(tmp_path / "clean", CI)
        spoilt = next(name for name, _ in members if "lint" in name and "/" not in name)
        world.put_archive(CI, 1, archives.spoil_member(pack(members), spoilt))
        summary = ingest(stand_in, tmp_path / "case", policy=hasty(world))
    case, clean = tmp_path / "case", tmp_path / "clean"
    assert work(case)["logs", f"{CI}/1"] == "done"
    assert [warning for warning in summary.warnings if spoilt in warning]
    assert problems(case) == {"bad-crc": 1}
    here, there = lines_of(case, CI), lines_of(clean, CI)
    assert {job: count for job, count in here.items() if job != LINT} == {
        job: count for job, count in there.items() if job != LINT
    }


# --- row 23: hostile archives


@pytest.mark.parametrize(
    ("archive", "state"),
    [
        (archives.bomb(), "refused"),
        (archives.named("../../../../outside.txt", "/outside.txt", "0_build.txt", "C:\\outside.txt"), "done"),
        (archives.named("0_build.txt", "0_build.txt", "build/1_Set up job.txt", "build/1_Set up job.txt"), "done"),
        (archives.symlink(), "done"),
        (archives.named("a" * 3000 + ".txt", "x/" * 500 + "1_deep.txt"), "done"),
    ],
    ids=["bomb", "paths", "duplicates", "link", "long names"],
)
def test_row_23_a_hostile_archive_harms_nothing_and_the_rest_is_taken(archive, state, tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "clean")
        world.put_archive(DEPLOY, 1, archive)
        ingest(stand_in, tmp_path / "case", policy=hasty(world))
    case, clean = tmp_path / "case", tmp_path / "clean"
    lost = {thing: now for thing, now in unlike(case, clean).items() if thing[0] == "logs"}
    assert lost == ({("logs", f"{DEPLOY}/1"): "refused"} if state == "refused" else {})
    assert differing(case, clean) <= OF_LOGS
    if state == "refused":
        assert problems(case)["log-refused"] == 1
    for run_id in (CI, DOCS):
        assert lines_of(case, run_id) == lines_of(clean, run_id)
    assert [file.name for file in tmp_path.rglob("*outside*")] == []
    assert not [file for file in case.rglob("*") if file.is_symlink()]
    assert "root:" not in str(rows(case, "SELECT text FROM log_lines WHERE run_id = $run", run=DEPLOY))


# --- row 24: what an archive may lack


def test_row_24_a_job_that_the_archive_lacks_is_got_by_itself(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "clean")
        members = members_of(tmp_path / "clean", CI)
        # Of lint nothing but what the service wrote is left, as in cli/cli#10551 and #11169.
        kept = [(name, text) for name, text in members if "lint" not in name]
        world.put_archive(CI, 1, pack([*kept, ("lint/system.txt", STAMP + b"Waiting for a runner\n")]))
        stand_in.requests.clear()
        ingest(stand_in, tmp_path / "case")
        assert [seen.path.split("/")[-2] for seen in stand_in.asked("job-log")] == [str(LINT)]
    case, clean = tmp_path / "case", tmp_path / "clean"
    assert work(case)["job-log", str(LINT)] == "done"
    text = "SELECT text FROM log_lines WHERE job_id = $job AND source_id IN " \
        "(SELECT source_id FROM log_sources WHERE member NOT LIKE '%system.txt') ORDER BY line_no"  # fmt: skip
    assert rows(case, text, job=LINT) == rows(clean, text, job=LINT)
    assert problems(case) == {}


def test_row_24_without_step_files_the_job_s_file_tells_all_lines(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "clean")
        members = members_of(tmp_path / "clean", CI)
        world.put_archive(CI, 1, pack([(name, text) for name, text in members if "/" not in name]))
        stand_in.requests.clear()
        ingest(stand_in, tmp_path / "case")
        assert not stand_in.asked("job-log")
    assert lines_of(tmp_path / "case", CI) == lines_of(tmp_path / "clean", CI)
    # By what the steps were told apart is in the case.
    assert rows(tmp_path / "case", "SELECT DISTINCT steps_by FROM log_sources WHERE run_id = $run", run=CI) != [
        ("file",)
    ]


# --- rows 25 to 28: where a log lies


@pytest.mark.parametrize(
    ("location", "names"),
    [
        ("file:///etc/passwd", "file"),
        ("ftp://127.0.0.1/x", "ftp"),
    ],
)
def test_row_25_a_log_that_leads_where_none_may_lead_is_refused(location, names, tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        wrong = faults.redirect(location).on("attempt-logs")
        case, clean, _ = beside(stand_in, tmp_path, wrong, policy=hasty(world, concurrency=1))
        assert nobody_was_told_who_asks(stand_in)
    lost = unlike(case, clean)
    assert list(lost.values()) == ["refused"], problems(case)
    [said] = details(case, "log-refused")
    assert names in said


def test_row_25_a_loop_of_redirects_costs_one_log(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        wrong = faults.redirect_loop().on(target=f"/runs/{CI}/attempts/1/logs", times=None)
        case, clean, _ = beside(stand_in, tmp_path, wrong, policy=hasty(world))
        assert len([seen for seen in stand_in.requests if f"/runs/{CI}/attempts/1/logs" in seen.path]) <= 6
    assert unlike(case, clean) == {("logs", f"{CI}/1"): "failed"}


def test_row_26_a_redirect_to_nowhere_fails_and_the_next_ingest_asks_again(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        wrong = faults.redirect(None).on("attempt-logs")
        case, clean, _ = beside(stand_in, tmp_path, wrong, policy=hasty(world))
        assert list(unlike(case, clean).values()) == ["failed"]
        ingest(stand_in, case)
    assert differing(case, clean) == set()


def test_row_26_a_log_that_the_api_sends_itself_is_taken_and_its_size_recorded(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "clean")
        content = pack(members_of(tmp_path / "clean", CI))
        wrong = faults.straight_away(content).on(target=f"/runs/{CI}/attempts/1/logs")
        stand_in.inject(wrong)
        ingest(stand_in, tmp_path / "case")
    case, clean = tmp_path / "case", tmp_path / "clean"
    assert differing(case, clean) == set()
    asked = f"SELECT status, bytes FROM requests WHERE endpoint LIKE '%/runs/{CI}/attempts/1/logs'"
    assert rows(case, asked) == [(200, len(content))]


def test_row_27_addresses_that_are_never_accepted_fail_and_are_no_fault_of_the_token(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        wrong = faults.address_expired().on("download", times=5)
        case, clean, _ = beside(stand_in, tmp_path, wrong, policy=hasty(world, concurrency=1))
        assert list(unlike(case, clean).values()) == ["failed"]
        assert "sig=" not in str(details(case, "log-failed"))
        ingest(stand_in, case)
    assert differing(case, clean) == set()


def test_row_28_no_request_for_a_download_says_who_asks(tmp_path):
    world = still_world()
    world.rerun(CI)
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "case")
        assert nobody_was_told_who_asks(stand_in)
        assert {seen.authorization for seen in stand_in.requests if seen.origin == "api"} == {"Bearer tok"}
    # Azure would have answered 400.
    assert rows(tmp_path / "case", "SELECT DISTINCT status FROM requests WHERE kind = 'download'") == [(200,)]


# --- rows 41 and 42: large and odd texts


def test_row_41_thousands_of_members_are_read(tmp_path):
    world = still_world()
    with StandIn(world) as stand_in:
        ingest(stand_in, tmp_path / "clean")
        world.put_archive(DEPLOY, 1, archives.crowded(2_000))
        ingest(stand_in, tmp_path / "case")
    assert work(tmp_path / "case")["logs", f"{DEPLOY}/1"] == "done"
    assert lines_of(tmp_path / "case", CI) == lines_of(tmp_path / "clean", CI)


def test_row_41_a_line_of_20_million_characters_is_read(tmp_path):
    world = still_world()
    [job] = world.state(DEPLOY).run.latest.jobs
    text = STAMP + b"begin\n" + STAMP + b"x" * 20_000_000 + b"\n" + STAMP + b"end\n"
    with StandIn(world) as stand_in:
        world.put_archive(DEPLOY, 1, pack([(f"0_{job.name}.txt", text)]))
        ingest(stand_in, tmp_path / "case")
    lines = rows(tmp_path / "case", "SELECT length(text) FROM log_lines WHERE job_id = $job ORDER BY line_no",
                 job=job.job_id)  # fmt: skip
    assert lines[0] == (5,) and lines[-1] == (3,)
    assert (
        sum(size for (size,) in lines) + sum(row[0] for row in rows(tmp_path / "case", "SELECT lines FROM problems"))
        >= 8
    )


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b"\xef\xbb\xbf" + STAMP + b"caf\xe9 \xff\n", ["caf\ufffd \ufffd"]),
        (STAMP + b"one\r\n" + STAMP + b"two\r\n", ["one", "two"]),
        (STAMP + b"a\x00b\n", ["a\x00b", "a\ufffdb", "ab", "a\u2400b"]),
        ((STAMP.decode() + "wide\n").encode("utf-16"), ["wide"]),
    ],
    ids=["not utf-8", "crlf", "nul", "utf-16"],
)
def test_row_42_texts_that_are_no_plain_utf_8_are_read(text, lines, tmp_path):
    world = still_world()
    [job] = world.state(DEPLOY).run.latest.jobs
    with StandIn(world) as stand_in:
        world.put_archive(DEPLOY, 1, pack([(f"0_{job.name}.txt", text)]))
        ingest(stand_in, tmp_path / "case")
    read = [row[0] for row in rows(
        tmp_path / "case", "SELECT text FROM log_lines WHERE job_id = $job ORDER BY line_no", job=job.job_id
    )]  # fmt: skip
    assert read == lines or (len(read) == 1 and read[0] in lines)
    # What came is kept to the byte.
    [kept] = [body for _, body in members_of(tmp_path / "case", DEPLOY)]
    assert kept == text


# --- row 57: names


ODD = ("build (linux/amd64, a:b)", "build (linux/arm64, a:b)", "🦊" * 120 + " one", "lint | \u202etxt.exe", "deploy")


def test_row_57_logs_land_at_the_right_job_whatever_its_name(tmp_path):
    world = still_world()
    attempt = world.state(CI).run.latest
    ids = [job.job_id for job in attempt.jobs]
    for job_id, name in zip(ids, ODD, strict=True):
        world.alter_job(job_id, name=name)
    ran = [
        (number, job, name) for number, (job, name) in enumerate(zip(attempt.jobs, ODD, strict=True)) if job.executed
    ]
    members = [(f"{number}_{clean_name(name)}.txt", _says(job)) for number, job, name in ran]
    members += [(f"{clean_name(name)}/1_Set up job.txt", _says(job)) for _, job, name in ran]
    with StandIn(world) as stand_in:
        world.put_archive(CI, 1, pack(members))
        ingest(stand_in, tmp_path / "case")
        assert not stand_in.asked("job-log")
    assert texts_of(tmp_path / "case", CI) == sorted((job.job_id, f"I am {job.job_id}") for _, job, _ in ran)


def test_row_57_a_log_that_may_be_of_several_jobs_of_one_name_is_given_to_no_wrong_one(tmp_path):
    world = still_world()
    attempt = world.state(CI).run.latest
    ran = [job for job in attempt.jobs if job.executed]
    for job in attempt.jobs:
        world.alter_job(job.job_id, name="test")
    with StandIn(world) as stand_in:
        world.put_archive(CI, 1, pack([(f"{number}_test.txt", _says(job)) for number, job in enumerate(ran)]))
        ingest(stand_in, tmp_path / "case")
    said = texts_of(tmp_path / "case", CI)
    assert sorted(text for _, text in said) == sorted(f"I am {job.job_id}" for job in ran)
    # A job of its own, marked as made up, is better than a wrong one.
    inferred = "SELECT job_id FROM jobs WHERE run_id = $run AND inferred"
    made_up = {row[0] for row in rows(tmp_path / "case", inferred, run=CI)}
    assert [(job_id, text) for job_id, text in said if job_id not in made_up and text != f"I am {job_id}"] == []


def texts_of(case, run_id):
    """(job, text) of the lines of a run."""
    return rows(case, "SELECT DISTINCT job_id, text FROM log_lines WHERE run_id = $run ORDER BY ALL", run=run_id)


def _says(job):
    at = job.started_at.strftime("%Y-%m-%dT%H:%M:%S.5000000Z")
    return f"{at} I am {job.job_id}\n".encode()
