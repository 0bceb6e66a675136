import json

import planted
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.load.naming import read_name
from forensics.load.pages import read_page

RUN = {
    "id": 31000000001,
    "name": "Deploy",
    "head_branch": "main",
    "head_sha": "a" * 40,
    "path": ".github/workflows/deploy.yml@main",
    "display_title": "Ship it",
    "run_number": 7,
    "run_attempt": 2,
    "event": "push",
    "status": "completed",
    "conclusion": "success",
    "workflow_id": 5,
    "jobs_url": "https://api.github.example/repos/acme/shop/actions/runs/31000000001/jobs",
    "url": "https://api.github.example/repos/acme/shop/actions/runs/31000000001",
    "created_at": "2026-05-01T10:00:00Z",
    "run_started_at": "2026-05-01T12:00:00+02:00",
    "updated_at": "2026-05-01T10:05:00Z",
    "actor": {"login": "ada"},
    "repository": {"full_name": "acme/shop"},
}
JOB = {
    "id": 95000000001,
    "run_id": 31000000001,
    "run_attempt": 2,
    "name": "deploy",
    "status": "completed",
    "conclusion": "success",
    "started_at": "2026-05-01T10:00:05Z",
    "completed_at": "2026-05-01T10:04:00Z",
    "runner_id": 3,
    "runner_name": "r",
    "labels": ["ubuntu-latest"],
    "url": "https://api.github.example/repos/acme/shop/actions/jobs/95000000001",
    "steps": [{"name": "Set up job", "number": 1, "status": "completed", "conclusion": "success"}],
}
GH = {
    "databaseId": 31000000002,
    "headSha": "b" * 40,
    "conclusion": "",
    "status": "in_progress",
    "createdAt": "2026-05-01T10:00:00Z",
    "updatedAt": "0001-01-01T00:00:00Z",
    "workflowName": "CI",
    "url": "https://github.example/acme/shop/actions/runs/31000000002",
    "jobs": [{"databaseId": 95000000009, "name": "build", "steps": [], "startedAt": "2026-05-01T10:00:03Z"}],
}


def read(value, path="pages/x.json"):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return read_page(data, read_name(path))


@pytest.mark.parametrize(
    "value",
    [RUN, [RUN], {"total_count": 1, "workflow_runs": [RUN]}, [{"workflow_runs": [RUN]}], [[RUN]],
     {"action": "completed", "workflow_run": RUN}, {"id": "x", "payload": {"workflow_run": RUN}}],
    ids=["single", "list", "page", "slurped pages", "slurped lists", "webhook", "recorded webhook"],
)  # fmt: skip
def test_a_run_is_read_from_every_wrapping(value):
    (run,) = read(value).runs
    assert (run["repository"], run["run_id"], run["attempt"]) == ("acme/shop", 31000000001, 2)
    assert run["workflow_path"] == ".github/workflows/deploy.yml"
    assert str(run["run_started_at"]) == "2026-05-01 10:00:00"


def test_gh_writes_empty_strings_and_zero_times_for_unknown():
    page = read(GH)
    assert (page.runs[0]["conclusion"], page.runs[0]["updated_at"]) == (None, None)
    assert (page.jobs[0]["job_id"], page.jobs[0]["run_id"], page.jobs[0]["attempt"]) == (
        95000000009,
        31000000002,
        None,
    )
    assert page.runs[0]["repository"] == "acme/shop"


def test_jobs_bring_their_steps_and_whether_they_ran():
    page = read({"total_count": 2, "jobs": [JOB, {**JOB, "id": 2, "runner_id": None, "steps": []}]})
    assert [job["executed"] for job in page.jobs] == [True, False]
    assert page.steps[0]["name"] == "Set up job"
    assert page.objects == 2


@pytest.mark.parametrize(
    "data",
    [
        json.dumps([RUN]).encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps([RUN]).encode(),
        b"\x1b[1;37m" + json.dumps([RUN]).replace(":", "\x1b[m:\x1b[32m").encode() + b"\x1b[m",
        json.dumps([RUN]).replace("{", "\r\n{").encode(),
        json.dumps({"workflow_runs": [RUN]}).encode() + json.dumps({"workflow_runs": []}).encode(),
    ],
    ids=["UTF-16", "byte order mark", "gh colours", "CRLF", "pages in a row"],
)
def test_encodings_of_real_tools(data):
    assert [run["run_id"] for run in read(data).runs] == [31000000001]


def test_json_cut_in_half_keeps_whole_documents_and_says_where_it_broke():
    page = read(json.dumps([RUN]).encode() + b'\n{"workflow_runs": [{"id": 1, ')
    assert len(page.runs) == 1
    assert page.broken and page.broken.startswith("line 2")


def test_what_is_of_no_use_is_named():
    page = read([{"billable": {}}, 5, {"total_count": 1, "check_runs": [{"id": 1}]}])
    assert sum(page.unread.values()) == 3
    assert "an object with billable" in page.unread


def test_annotations_need_a_check_run_in_the_path():
    note = {"annotation_level": "failure", "message": "Canceling since a higher priority waiting request"}
    assert read([note], "repos/a/b/check-runs/95000000001/annotations.json").annotations[0]["job_id"] == 95000000001
    assert read([note], "loose.json").unread


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted({*RUN, *JOB, *GH, "workflow_runs"})), inner, max_size=6)
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_json_makes_it_fail(value):
    read(value)


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail(data):
    page = read(data)
    assert page.objects or page.unread or page.broken or data.strip() in (b"[]", b"")


def test_what_jq_left_of_a_run_is_still_a_run():
    whole = planted.run_object()
    for keys in (
        ("id", "status", "conclusion", "head_sha", "head_branch", "event"),
        tuple(key for key in whole if key != "jobs_url"),
        tuple(key for key in whole if key != "run_number"),
    ):
        page = read_page(json.dumps([{key: whole[key] for key in keys}]).encode(), read_name("runs.json"))
        assert [(row["run_id"], row["conclusion"]) for row in page.runs] == [(planted.RUN_ID, "success")], keys
        assert not page.unread
    short = {"id": 7, "html_url": "https://github.example/acme/shop/actions/runs/7", "repository": "acme/shop"}
    (row,) = read_page(json.dumps(short).encode(), read_name("run.json")).runs
    assert (row["run_id"], row["repository"], row["attempt"]) == (7, "acme/shop", None)


def test_what_jq_left_of_a_job_is_still_a_job():
    whole = planted.job_object()
    short = {key: whole[key] for key in ("id", "run_id", "name", "conclusion", "started_at")}
    (row,) = read_page(json.dumps([short]).encode(), read_name("jobs.json")).jobs
    assert (row["job_id"], row["run_id"], row["name"]) == (planted.JOB_ID, planted.RUN_ID, "deploy")


def test_gh_jobs_alone_say_their_run_by_their_address():
    job = {"databaseId": 5, "name": "deploy", "startedAt": "2026-05-01T10:00:01Z", "steps": []}
    address = {"url": "https://github.example/acme/shop/actions/runs/31000000001/job/5"}
    for document in ({"jobs": [job | address]}, [job | address]):
        page = read_page(json.dumps(document).encode(), read_name("jobs.json"))
        assert [(row["job_id"], row["run_id"], row["repository"]) for row in page.jobs] == [
            (5, 31000000001, "acme/shop")
        ]
        # The jobs say nothing of the run's state, so they are no observation of it.
        assert not page.runs and not page.unread
    page = read_page(json.dumps({"jobs": [job]}).encode(), read_name("jobs.json"))
    assert list(page.unread) == ["gh jobs that do not say of which run (ask gh for url, too)"]


def test_an_error_answer_is_named_as_one():
    data = b'{"message": "Not Found", "documentation_url": "https://docs.example", "status": "404"}'
    assert list(read_page(data, read_name("jobs.json")).unread) == ["an error answer of GitHub: Not Found"]


def test_an_approval_names_each_environment_and_who_let_it_pass():
    decided = [
        {
            "state": "approved",
            "comment": "after lunch",
            "environments": [{"id": 1, "name": "staging"}, {"id": 2, "name": "production"}],
            "user": {"login": "ada"},
        }
    ]
    named = read_name("repos/acme/shop/actions/runs/31000000001/approvals.json")
    rows = read_page(json.dumps(decided).encode(), named).approvals
    assert [(row["run_id"], row["environment"], row["state"], row["login"]) for row in rows] == [
        (31000000001, "staging", "approved", "ada"),
        (31000000001, "production", "approved", "ada"),
    ]
    unnamed = read_page(json.dumps(decided).encode(), read_name("decided.json"))
    assert not unnamed.approvals
    assert "names no run" in next(iter(unnamed.unread))
