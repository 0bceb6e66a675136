"""Which file at which commit defined a run, and how that is kept."""

import json
from pathlib import Path

import pytest
from planted_files import FOLDER, PATHS, REPOSITORY, START, run, sha, text

from forensics.ingest.evidence import EvidenceFolder
from forensics.ingest.github.clone import blob_id
from forensics.ingest.github.files import Resolution, Version, define, wanted_files, write

# Which file, which commit


CALLED = {"path": f"{REPOSITORY}/{PATHS[3]}@{sha(7)}", "sha": sha(7), "ref": "refs/pull/5/merge"}


@pytest.mark.parametrize(
    ("event", "values", "expected"),
    [
        ("push", {}, (2, "main", True)),
        ("schedule", {}, (2, "main", True)),
        ("workflow_dispatch", {"branch": "topic"}, (2, "topic", True)),
        ("workflow_run", {}, (2, "main", True)),
        ("merge_group", {"branch": "gh-readonly-queue/main/pr-5-x"}, (2, "gh-readonly-queue/main/pr-5-x", True)),
        ("issue_comment", {}, (2, "main", True)),
        ("repository_dispatch", {}, (2, "main", True)),
        ("release", {"branch": "v1.2"}, (2, "v1.2", True)),
        # The merge commit that really ran is not told: the head is the nearest …
        ("pull_request", {"branch": "topic"}, (2, "topic", False)),
        ("pull_request_review", {"branch": "topic"}, (2, "topic", False)),
        # … unless a workflow of the repository that it called names it.
        ("pull_request", {"branch": "topic", "referenced_workflows": [CALLED]}, (7, "topic", True)),
        # The default branch's file, as it was when the run began.
        ("pull_request_target", {"branch": "topic"}, (1, "main", False)),
    ],
)
def test_the_event_says_whose_file_a_run_used(event, values, expected):
    runs = [run(0, 1), run(5, 2, event=event, **values), run(9, 3)]
    (own,) = (one for one in define(REPOSITORY, "main", runs) if one.run_id == 31000000005 and not one.called)
    commit, branch, exact = expected
    assert (own.commit, own.branch, own.exact) == (sha(commit), f"{REPOSITORY}:{branch}", exact)


@pytest.mark.parametrize(
    "odd",
    [
        {"path": "dynamic/pages/pages-build-deployment", "event": "dynamic"},
        {"path": None},
        {"path": f"acme/rules/{PATHS[0]}@refs/heads/main"},
        {"head_sha": None},
        {"head_sha": "main"},
        {"id": None},
        {"head_repository": None, "head_branch": None, "created_at": "nonsense", "head_sha": "x" * 40},
    ],
)
def test_a_run_without_a_file_of_its_own_wants_none(odd):
    assert wanted_files(REPOSITORY, "main", [run(0, 1) | odd]) == ()


def test_a_path_comes_without_its_ref_and_a_commit_is_wanted_once():
    runs = [
        run(0, 1, f"{PATHS[0]}@main"),
        run(1, 1),
        run(2, 1, event="pull_request", branch="topic"),
        run(3, 1, PATHS[1]),
    ]
    wanted = wanted_files(REPOSITORY, "main", runs)
    assert [(one.path, one.commit, one.runs, one.exact, one.is_default, one.at) for one in wanted] == [
        (PATHS[0], sha(1), 3, True, True, START),
        (PATHS[1], sha(1), 1, True, True, START),
    ]


def test_branches_of_forks_are_not_ours():
    fork = {"head_repository": {"full_name": "ada/shop"}}
    (wanted,) = wanted_files(REPOSITORY, "main", [run(0, 1, event="pull_request", **fork)])
    assert (wanted.repository, wanted.branch, wanted.is_default) == (REPOSITORY, "ada/shop:main", False)


def test_called_workflows_are_wanted_at_their_recorded_commit():
    called = [
        {"path": f"Acme/Shop/{PATHS[3]}@{sha(1)}", "sha": sha(1), "ref": "refs/heads/main"},
        {"path": f"{REPOSITORY}/{PATHS[2]}@v1", "sha": sha(5), "ref": "refs/tags/v1"},
        {"path": "lib/ci/.github/workflows/x.yml@main", "sha": sha(8)},
        {"path": "lib/ci/elsewhere.yml@main", "sha": sha(8)},
        {"path": "lib/ci/.github/workflows/x.yml@main", "sha": "main"},
        "nonsense",
    ]
    wanted = wanted_files(REPOSITORY, "main", [run(0, 1, referenced_workflows=called)])
    assert [(one.repository, one.path, int(one.commit, 16), one.is_default) for one in wanted] == [
        (REPOSITORY, PATHS[0], 1, True),
        (REPOSITORY, PATHS[2], 5, False),
        (REPOSITORY, PATHS[3], 1, True),
        ("lib/ci", f"{FOLDER}/x.yml", 8, False),
    ]


# How it is kept


def test_each_content_is_kept_once_and_again_changes_nothing(tmp_path: Path):
    other = text("x", 1)
    data = text(PATHS[0], 0)
    versions = (
        Version("acme/shop", PATHS[0], sha(1), blob_id(data), "exact"),
        Version("acme/shop", PATHS[0], sha(2), blob_id(data), "between"),
        Version("lib/ci", f"{FOLDER}/x.yml", sha(3), blob_id(other), "exact"),
        Version("acme/shop", PATHS[1], sha(3), "e" * 40, "exact"),
    )
    resolution = Resolution(versions, {blob_id(data): data, blob_id(other): other})
    for _ in range(2):
        with EvidenceFolder(tmp_path / "evidence") as folder:
            write(folder, "acme/shop", resolution)
            paths = sorted(folder.entries)
    documents = [path for path in paths if path.endswith(".json")]
    assert [path for path in paths if not path.endswith(".json")] == [
        f"repos/acme/shop/git/blobs/{blob_id(data)}/{PATHS[0]}",
        f"repos/lib/ci/git/blobs/{blob_id(other)}/{FOLDER}/x.yml",
    ]
    assert [path.rpartition("-")[0] for path in documents] == [
        "repos/acme/shop/workflow-versions",
        "repos/lib/ci/workflow-versions",
    ]
    assert json.loads((tmp_path / "evidence" / documents[1]).read_bytes()) == {
        "repository": "lib/ci",
        "workflow_versions": [
            {"path": f"{FOLDER}/x.yml", "commit": sha(3), "blob": blob_id(other), "source": "exact"}
        ],
    }
    assert (tmp_path / "evidence" / paths[0]).read_bytes() == data
