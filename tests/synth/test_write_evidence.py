"""The JSON is what GitHub's API would answer."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from forensics.synth.synthesise import DEMO, synthesise
from forensics.synth.write import Written

SLICE = Path(__file__).parents[3] / "shared/api/openapi-actions-slice.json"


def read(path: Path) -> Any:
    return json.loads(path.read_bytes())


def read_runs(root: Path) -> list[dict[str, Any]]:
    pages = sorted(root.glob("actions/runs/page-*.json"))
    return [run for page in pages for run in read(page)["workflow_runs"]]


def test_the_same_seed_gives_the_same_bytes(written: Written, tmp_path: Path) -> None:
    again = synthesise(DEMO, tmp_path)
    first = {path.relative_to(written.directory): path for path in written.directory.rglob("*") if path.is_file()}
    second = {path.relative_to(tmp_path): path for path in tmp_path.rglob("*") if path.is_file()}
    assert first.keys() == second.keys()
    assert [name for name in first if first[name].read_bytes() != second[name].read_bytes()] == []
    assert again.expected == written.expected


def test_another_seed_gives_another_history(tmp_path: Path, written: Written) -> None:
    other = synthesise(DEMO, tmp_path, seed=8, days=5, runs_per_day=10)
    assert other.expected != written.expected
    assert other.runs < written.runs


def test_lists_show_each_run_once_newest_first_by_its_latest_attempt(root: Path, written: Written) -> None:
    runs = read_runs(root)
    assert [run["id"] for run in runs] == sorted({run["id"] for run in runs}, reverse=True)
    assert len(runs) == written.runs == read(root / "actions/runs/page-1.json")["total_count"]
    assert len(read(root / "actions/runs/page-1.json")["workflow_runs"]) == 100
    latest = {run["id"]: run["run_attempt"] for run in runs}
    earlier = [read(path) for path in root.glob("actions/runs/*/attempts/*.json")]
    assert earlier
    for attempt in earlier:
        assert attempt["run_attempt"] < latest[attempt["id"]]
    assert sum(latest.values()) == written.attempts


def test_attempts_are_chained(root: Path) -> None:
    for run in read_runs(root):
        number = run["run_attempt"]
        if number == 1:
            assert run["previous_attempt_url"] is None
            assert run["run_started_at"] == run["created_at"]
        else:
            assert run["previous_attempt_url"].endswith(f"/actions/runs/{run['id']}/attempts/{number - 1}")
            assert run["run_started_at"] > run["created_at"]


def test_run_numbers_count_up_within_a_workflow(root: Path) -> None:
    seen: dict[int, int] = {}
    for run in reversed(read_runs(root)):
        if run["workflow_id"] in seen:
            assert run["run_number"] == seen[run["workflow_id"]] + 1
        seen[run["workflow_id"]] = run["run_number"]
    assert len(seen) == 5


def test_jobs_that_never_ran_have_no_runner_no_steps_and_no_length(root: Path) -> None:
    found: Counter[str] = Counter()
    for path in root.glob("actions/runs/*/attempts/*/jobs.json"):
        for job in read(path)["jobs"]:
            found[job["conclusion"]] += 1
            if job["runner_id"] is None:
                assert job["steps"] == []
            if job["conclusion"] == "skipped":
                assert job["runner_id"] is None
                assert job["started_at"] == job["completed_at"]
    assert set(found) == {"success", "failure", "cancelled", "skipped"}


def test_updated_at_is_not_the_end(root: Path) -> None:
    late = 0
    for run in read_runs(root):
        jobs = read(root / f"actions/runs/{run['id']}/attempts/{run['run_attempt']}/jobs.json")["jobs"]
        ended = max(job["completed_at"] for job in jobs)
        assert run["updated_at"] >= ended
        late += run["updated_at"][:13] != ended[:13]
    assert late > 5


def test_deployments_lead_to_their_jobs_and_only_the_last_is_active(root: Path) -> None:
    deployments = read(root / "deployments.json")
    jobs = {
        job["html_url"] for path in root.glob("actions/runs/*/attempts/*/jobs.json") for job in read(path)["jobs"]
    }
    active: Counter[str] = Counter()
    for deployment in deployments:
        statuses = read(root / f"deployments/{deployment['id']}/statuses.json")
        assert {status["log_url"] for status in statuses} <= jobs
        times = [status["created_at"] for status in statuses]
        assert times == sorted(times, reverse=True)
        active[deployment["environment"]] += statuses[0]["state"] == "success"
    assert active == {"production": 1, "github-pages": 1}


def test_annotations_tell_cancellations_failures_and_deprecations(root: Path) -> None:
    notes = [note for path in root.glob("check-runs/*/annotations.json") for note in read(path)]
    starts = Counter(note["message"].split(" for ")[0].split(". ")[0] for note in notes)
    assert starts.keys() == {
        "Canceling since a higher priority waiting request",
        "The operation was canceled.",
        "Process completed with exit code 1.",
        "Node.js 20 is deprecated",
    }


def test_workflow_files_are_sound_and_listed(root: Path) -> None:
    listed = {workflow["path"]: workflow["name"] for workflow in read(root / "actions/workflows.json")["workflows"]}
    for path, name in listed.items():
        parsed = YAML(typ="safe").load((root / "contents" / path).read_text(encoding="utf-8"))
        assert parsed["name"] == name
        assert {"on", "permissions", "concurrency", "jobs"} <= parsed.keys()
    assert {run["path"] for run in read_runs(root)} == listed.keys()


def test_no_request_could_go_to_a_registry(root: Path) -> None:
    # In two parts, because they may not be named in this file either.
    parts = (
        (b"registry.npm", b"js"),
        (b"pypi", b".org"),
        (b"crates", b".io"),
        (b"docker", b".io"),
        (b"deb.deb", b"ian"),
    )
    hosts = tuple(b"".join(halves) for halves in parts)
    for path in root.rglob("*.yml"):
        assert not any(host in path.read_bytes() for host in hosts)


def check(value: Any, schema: dict[str, Any], components: dict[str, Any], where: str) -> list[str]:
    """What is wrong with a value by the parts of JSON Schema that the API's description uses."""
    while "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    if value is None:
        nullable = schema.get("nullable") or "null" in str(schema.get("type"))
        return [] if nullable or "type" not in schema else [f"{where}: null"]
    types = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    kind = schema.get("type")
    if kind in types and not isinstance(value, types[kind]):
        return [f"{where}: {type(value).__name__}, not {kind}"]
    wrong = []
    if "enum" in schema and value not in schema["enum"]:
        wrong.append(f"{where}: {value!r} is not in the enumeration")
    if isinstance(value, dict):
        wrong += [f"{where}.{name}: missing" for name in schema.get("required", []) if name not in value]
        for name, part in schema.get("properties", {}).items():
            if name in value:
                wrong += check(value[name], part, components, f"{where}.{name}")
    if isinstance(value, list):
        for number, item in enumerate(value):
            wrong += check(item, schema.get("items", {}), components, f"{where}[{number}]")
    return wrong


@pytest.mark.real
@pytest.mark.skipif(not SLICE.exists(), reason="the API's description is not at hand")
@pytest.mark.parametrize(
    ("pattern", "key", "schema"),
    [
        ("actions/runs/page-*.json", "workflow_runs", "workflow-run"),
        ("actions/runs/*/attempts/*.json", None, "workflow-run"),
        ("actions/runs/*/attempts/*/jobs.json", "jobs", "job"),
        ("actions/workflows.json", "workflows", "workflow"),
        ("check-runs/*/annotations.json", None, "check-annotation"),
        ("deployments.json", None, "deployment"),
        ("deployments/*/statuses.json", None, "deployment-status"),
    ],
)
def test_json_fits_the_published_schemas(root: Path, pattern: str, key: str | None, schema: str) -> None:
    components = read(SLICE)["components"]["schemas"]
    paths = list(root.glob(pattern))
    assert paths
    wrong: list[str] = []
    for path in paths:
        content = read(path)
        items = content[key] if key else content if isinstance(content, list) else [content]
        if key:
            assert content.keys() == {"total_count", key}
        for item in items:
            wrong += check(item, components[schema], components, schema)
    assert Counter(wrong) == {}


@pytest.mark.real
@pytest.mark.skipif(not SLICE.exists(), reason="the API's description is not at hand")
def test_the_schema_check_can_fail(root: Path) -> None:
    components = read(SLICE)["components"]["schemas"]
    job = read(next(root.glob("actions/runs/*/attempts/*/jobs.json")))["jobs"][0]
    del job["run_url"]
    job["labels"] = "ubuntu-latest"
    job["status"] = "done"
    assert sorted(check(job, components["job"], components, "job")) == [
        "job.labels: str, not array",
        "job.run_url: missing",
        "job.status: 'done' is not in the enumeration",
    ]
