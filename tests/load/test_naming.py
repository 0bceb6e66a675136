import pytest

from forensics.load.naming import read_name


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "repos/acme/shop/actions/runs/31000000001/attempts/2/logs.zip",
            {"repository": "acme/shop", "run_id": 31000000001, "attempt": 2},
        ),
        ("ci-logs/run-31000000001.log", {"run_id": 31000000001, "attempt": None}),
        ("logs/ci_31000000001-lint-job-95000000001.log.gz", {"job_id": 95000000001, "numbers": (31000000001,)}),
        ("broken-link-31000000001-attempt-2.log", {"attempt": 2, "numbers": (31000000001,)}),
        ("repos/a/b/check-runs/95000000001/annotations.json", {"repository": "a/b", "check_run_id": 95000000001}),
        (
            "repos/a/b/git/blobs/" + "c" * 40 + "/.github/workflows/run-31000000001.yml",
            {"repository": "a/b", "blob": "c" * 40},
        ),
        ("git/blobs/" + "c" * 39 + "/x.yml", {"blob": None}),
        ("trunk-12345678.txt", {"run_id": None, "numbers": (12345678,)}),
        ("issue-812/pulls_813/e2e.log", {"run_id": None, "job_id": None, "numbers": ()}),
        (
            "logs/2026/01/05/github/push/main/" + "a" * 40 + "/Test/555/0_test (3.9).txt",
            {"event": "push", "branch": "main", "sha": "a" * 40, "workflow": "Test", "run_number": 555},
        ),
        (
            "logs/2026/01/05/github/pr/225/" + "b" * 40 + "/Test/556/0_test.txt",
            {"event": "pull_request", "branch": None, "run_number": 556},
        ),
    ],
)
def test_a_path_tells_what_github_and_people_put_into_it(path, expected):
    named = read_name(path)
    assert {key: getattr(named, key) for key in expected} == expected


def test_a_number_beyond_63_bits_is_no_id():
    assert read_name("run-9999999999999999999.log").run_id is None
