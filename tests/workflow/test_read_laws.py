"""Any text gives a document or is unreadable; places lie in the text; the real files are read whole."""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.errors import EvidenceUnreadable
from forensics.workflow.document import Document, Place
from forensics.workflow.load import load_workflow
from forensics.workflow.read import read_workflow

REAL = Path(__file__).parents[3] / "shared" / "real" / "workflows"

# The line breaks of libyaml.
BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")

WORDS = (
    "on: ", "jobs: ", "push", "runs-on: ", "steps: ", "- ", "concurrency: ", "group: ", "queue: ", "max",
    "needs: ", "uses: ", "run: ", "if: ", "${{ ", " }}", "github.ref", "env.x", "'", '"', "\n", "\n  ",
    "\n    ", "\n      ", "[", "]", "{", "}", ", ", ": ", "&a ", "*a", "|\n", ">-\n", "!!int ", "! ", "1.5",
    "0x1F", "true", "~", "? ", "\t", "é", "\U0001f680", "#", "schedule: ", "cron: ", "0 0 * * 1", "matrix: ",
    "strategy: ", "parallel: ", "wait: ", "types: ", "<<: ", "\u0085", "\u2028", "\r\n", "---\n", "with: ",
    "environment: ", "permissions: ", "x", "secrets: ", "inputs: ",
)  # fmt: skip


def places(value: object) -> list[Place]:
    if isinstance(value, Place):
        return [value]
    if is_dataclass(value):
        return [place for field in fields(value) for place in places(getattr(value, field.name))]
    if isinstance(value, dict):
        return [place for item in value.values() for place in places(item)]
    return [place for item in value for place in places(item)] if isinstance(value, tuple | list) else []


def read(text: str) -> Document | None:
    try:
        return read_workflow(text)
    except EvidenceUnreadable:
        return None


def check_places(document: Document, text: str) -> None:
    lines = BREAK.split(text.removeprefix("\ufeff"))
    for place in places(document):
        assert 1 <= place.line <= len(lines)
        assert 1 <= place.column <= len(lines[place.line - 1]) + 1


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=40).map("".join))
def test_any_text_gives_a_document_with_places_in_it_or_is_unreadable(text: str) -> None:
    document = read(text)
    if document is not None:
        check_places(document, text)
        assert list(document.refusals) == sorted(document.refusals, key=lambda one: one.place)


LINES = (
    "on: push", "on:", "  push:", "    branches: [main]", "  schedule:", "    - cron: '0 0 * * *'", "jobs:",
    "  a:", "  b:", "    runs-on: x", "    needs: a", "    needs: [a, b]", "    steps:", "      - run: x",
    "      - uses: o/r@v1", "        id: s", "        if: success()", "      - wait: s", "    concurrency:",
    "      group: g-${{ github.ref }}", "      cancel-in-progress: true", "      queue: max", "    strategy:",
    "      matrix: {x: [1, 2]}", "    environment: production", "concurrency: ${{ fromJSON(vars.x) }}",
    "    uses: ./.github/workflows/x.yml", "    with: {a: 1}", "permissions: read-all", "env: {}",
    "    permissions:", "      contents: read", "      - run: |", "          ${{ steps.a.outputs.b }}",
    "          ${{ nowhere }}",
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=25).map("\n".join))
def test_lines_of_workflows_in_any_order(text: str) -> None:
    document = read(text)
    if document is not None:
        check_places(document, text)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=25).map("\n".join))
def test_what_is_loaded_is_also_read_with_the_same_events(text: str) -> None:
    try:
        loaded = load_workflow(text)
    except EvidenceUnreadable:
        return
    document = read_workflow(text)
    assert (document.name, document.events) == (loaded.name, loaded.triggers)


@pytest.mark.real
@pytest.mark.skipif(not REAL.exists(), reason="the real workflow files are not here")
def test_every_real_file_is_read_none_is_refused_and_places_are_right() -> None:
    jobs = concurrencies = steps = 0
    files = sorted(REAL.glob("*.y*ml"))
    for file in files:
        text = file.read_bytes().decode()
        document = read_workflow(text, file.name)
        assert [one for one in document.refusals if one.severity == "error"] == [], file.name
        check_places(document, text)
        lines = BREAK.split(text)
        for job in document.jobs:
            assert re.match(
                rf"['\"]?{re.escape(job.id)}['\"]?\s*:", lines[job.place.line - 1][job.place.column - 1 :]
            )
            for step in job.steps:
                assert re.match(r"&|[\w-]+\s*:", lines[step.place.line - 1][step.place.column - 1 :])
        found = [one.concurrency for one in (document, *document.jobs) if one.concurrency]
        for one in found:
            assert lines[one.place.line - 1][one.place.column - 1 :].startswith("concurrency:")
            if one.group is not None and "\n" not in str(one.group.value):
                written = lines[one.group.place.line - 1][one.group.place.column - 1 :].lstrip("'\"")
                assert written.startswith((str(one.group.value)[:20], ">", "|"))
        assert len(found) == len(re.findall(r"^ *concurrency: *(?:[^\s#]|$|#)", text, re.MULTILINE)), file.name
        jobs += len(document.jobs)
        steps += sum(len(job.steps) for job in document.jobs)
        concurrencies += len(found)
    print(f"{len(files)} files read, none refused: {jobs} jobs, {steps} steps, {concurrencies} concurrency settings")
    assert (len(files), jobs > 259, concurrencies > 200) == (259, True, True)
