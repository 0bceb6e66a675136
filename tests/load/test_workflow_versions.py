"""From the evidence of workflow files to the file that defined each run."""

import json
from pathlib import Path

import duckdb
import planted
import pytest
from test_load import ask, ingest, tables, write

from forensics.detect.detector import load_library
from forensics.ingest.evidence import EvidenceFolder
from forensics.ingest.github import files
from forensics.ingest.github.clone import blob_id
from forensics.store.migrate import migrations
from forensics.store.store import Store

PATH = ".github/workflows/release.yml"
OLD, NEW, CALLED = b"on: push\njobs: {a: 1}\n", b"on: [push]\njobs: {a: 1}\n", b"on: workflow_call\njobs: {}\n"
BROKEN = b"on: push\njobs: [\n"


def sha(letter: str) -> str:
    return letter * 40


def run(number: int, event: str, commit: str, at: int, **values):
    made = planted.run_object(
        31000000000 + number, event=event, head_sha=sha(commit), created_at=f"2026-05-01T10:{at:02d}:00Z",
        updated_at=f"2026-05-01T10:{at:02d}:30Z", path=PATH, **values,
    )  # fmt: skip
    made["repository"] = {"full_name": "acme/shop", "id": 5, "default_branch": "main"}
    return made


def reference(commit: str, path: str = "acme/shop/.github/workflows/called.yml", ref: str = "refs/heads/main"):
    return {"path": f"{path}@{sha(commit)}", "sha": sha(commit), "ref": ref}


PR = {"head_branch": "topic"}
RUNS = [
    run(1, "push", "a", 1),
    run(2, "push", "b", 2),
    run(
        3, "schedule", "b", 3, referenced_workflows=[reference("b"), reference("e", "Lib/ci/.github/workflows/x.yml")]
    ),
    run(4, "pull_request", "c", 4, **PR),
    run(5, "pull_request", "d", 5, **PR, referenced_workflows=[reference("f", ref="refs/pull/9/merge")]),
    run(6, "pull_request_target", "c", 1, **PR),
    run(7, "pull_request_target", "c", 0, **PR),
    run(8, "pull_request", "9", 6, **PR),
    run(9, "push", "8", 7),
    run(10, "dynamic", "a", 8),
]
RUNS[-1]["path"] = "dynamic/pages/pages-build-deployment"


def version(commit: str, data: bytes, source: str = "exact", path: str = PATH, repository: str = "acme/shop"):
    return files.Version(repository, path, sha(commit), blob_id(data), source)


CALLED_PATH = ".github/workflows/called.yml"
VERSIONS = (
    version("a", OLD), version("b", NEW, "between"), version("c", BROKEN), version("f", NEW),
    version("b", CALLED, path=CALLED_PATH), version("e", CALLED, path=".github/workflows/x.yml", repository="Lib/ci"),
)  # fmt: skip
BLOBS = {blob_id(data): data for data in (OLD, NEW, CALLED, BROKEN)}


@pytest.fixture(scope="module")
def evidence(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("fetched") / "evidence"
    with EvidenceFolder(root) as folder:
        folder.put(planted.runs_page(*RUNS), "repos/acme/shop/actions/runs.json", "test")
        folder.put(json.dumps(RUNS[0]["repository"]).encode(), "repos/acme/shop/repository.json", "test")
        files.write(folder, "acme/shop", files.Resolution(VERSIONS, BLOBS))
    return root


def defining(case: Path) -> list[tuple]:
    with Store.read(case / "case.duckdb") as store:
        load_library(store)
        return store.query(
            "SELECT run_id - 31000000000, called, repository, left(commit, 1), source, text FROM run_workflow_files "
            "ORDER BY 1, 2, 3"
        ).rows


def test_each_run_finds_the_file_that_defined_it(evidence, tmp_path):
    ingest(tmp_path / "case", evidence)
    old, new, called, broken = (data.decode() for data in (OLD, NEW, CALLED, BROKEN))
    assert defining(tmp_path / "case") == [
        (1, False, "acme/shop", "a", "exact", old),
        (2, False, "acme/shop", "b", "between", new),
        (3, False, "acme/shop", "b", "between", new),
        (3, True, "Lib/ci", "e", "exact", called),
        (3, True, "acme/shop", "b", "exact", called),
        (4, False, "acme/shop", "c", "approx", broken),
        # The workflow that it called tells the merge commit, which has the file that really ran.
        (5, False, "acme/shop", "f", "exact", new),
        (5, True, "acme/shop", "f", "unknown", None),
        # The default branch's file, at that time; for want of an older one the first known.
        (6, False, "acme/shop", "a", "approx", old),
        (7, False, "acme/shop", "a", "approx", old),
        # A head that nobody read: the default branch's is the nearest known.
        (8, False, "acme/shop", "b", "approx", new),
        (9, False, "acme/shop", "8", "unknown", None),
    ]


def test_a_file_that_is_no_sound_yaml_is_kept_for_its_run(evidence, tmp_path):
    ingest(tmp_path / "case", evidence)
    rows = ask(
        tmp_path / "case", f"SELECT path, name, parsed FROM workflow_files WHERE sha = 'blob:{blob_id(BROKEN)}'"
    )
    assert rows == [(PATH, None, None)]
    assert [row[0] for row in ask(tmp_path / "case", "SELECT kind FROM problems")] == ["not-a-workflow"]


def test_the_evidence_makes_the_same_tables_again_in_any_order(evidence, tmp_path):
    """The files in two parts, one after the other and the other way round."""
    pieces = sorted(file for file in evidence.rglob("*") if file.is_file() and file.name != "manifest.jsonl")
    for number, file in enumerate(pieces):
        name = f"{number % 2}/in/{file.relative_to(evidence).as_posix()}"
        write(tmp_path, {name: file.read_bytes()})
    for order in ("01", "10"):
        for part in order:
            ingest(tmp_path / order, tmp_path / part / "in")
    made = tables(tmp_path / "01")
    assert len(made["workflow_versions"]) == len(VERSIONS)
    assert made == tables(tmp_path / "10")
    ingest(tmp_path / "10", evidence)
    ingest(tmp_path / "again", tmp_path / "01" / "evidence")
    assert tables(tmp_path / "again") == made
    assert tables(tmp_path / "10")["workflow_versions"] == made["workflow_versions"]


def test_what_was_read_wins_over_what_only_followed(tmp_path):
    documents = {
        "one.json": [{"path": PATH, "commit": sha("a"), "blob": sha("1"), "source": "between"}],
        "two.json": [{"path": PATH, "commit": sha("a"), "blob": sha("0"), "source": "exact"}],
    }
    for order in (("one.json", "two.json"), ("two.json", "one.json")):
        case = tmp_path / order[0]
        for name in order:
            text = json.dumps({"repository": "acme/shop", "workflow_versions": documents[name]})
            ingest(case, write(tmp_path / f"{order[0]}-{name}", {name: text}))
        assert ask(case, "SELECT * FROM workflow_versions") == [("acme/shop", PATH, sha("a"), sha("0"), "exact")]


def test_a_version_that_makes_no_sense_is_named_and_left_out(tmp_path):
    bad = [
        {"path": PATH, "commit": "main", "blob": sha("1"), "source": "exact"},
        {"path": PATH, "commit": sha("a"), "blob": None, "source": "exact"},
        {"path": PATH, "commit": sha("a"), "blob": sha("1"), "source": "sworn"},
        {"path": ["x"], "commit": sha("a"), "blob": sha("1"), "source": "exact"},
        "nonsense",
    ]
    text = json.dumps({"repository": "acme/shop", "workflow_versions": bad})
    ingest(tmp_path / "case", write(tmp_path / "in", {"versions.json": text}))
    assert ask(tmp_path / "case", "SELECT count(*) FROM workflow_versions") == [(0,)]
    ((detail,),) = ask(tmp_path / "case", "SELECT detail FROM problems")
    assert "(5 of them)" in detail


def test_a_loose_file_and_a_fetched_one_have_the_same_id(evidence, tmp_path):
    ingest(tmp_path / "case", evidence, write(tmp_path / "in", {"release.yml": OLD}))
    rows = ask(
        tmp_path / "case", f"SELECT repository, path FROM workflow_files WHERE sha = 'blob:{blob_id(OLD)}' ORDER BY 1"
    )
    assert rows == [("", "in/release.yml"), ("acme/shop", PATH)]


def test_ids_of_an_older_case_become_gits():
    text = "on: push # é\njobs: {}\n"
    old, new = [
        [one.sql for one in migrations() if one.number in numbers] for numbers in ((1, 2), (3,))
    ]  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute("".join(old))
        connection.execute(
            "INSERT INTO workflow_files (repository, path, sha, text, evidence_path) "
            "VALUES ('', 'a', 'blob:' || sha256($text), $text, ''), ('', 'm', 'blob:' || sha256('x'), $text, '')",
            {"text": text},
        )
        connection.execute("".join(new))
        rows = connection.execute(
            "SELECT path, sha = $sha FROM workflow_files ORDER BY 1", {"sha": f"blob:{blob_id(text.encode())}"}
        ).fetchall()
    assert rows == [("a", True), ("m", False)]
