"""Any JSON at all becomes rows that the store takes, or a problem: the reader of pages raises nothing."""

import json

import planted
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.load import fields
from forensics.load.merge import merge_pages
from forensics.load.naming import read_name
from forensics.load.pages import read_page
from forensics.store.store import Store

GH_RUN = {"databaseId": 1, "headSha": "a", "headBranch": "b", "attempt": 1, "url": "https://github.example/a/b",
          "jobs": [{"databaseId": 2, "name": "deploy", "startedAt": "", "steps": []}]}  # fmt: skip
ANNOTATION = {"annotation_level": "warning", "message": "x", "start_line": 1, "title": None}
DEPLOYMENT = {"id": 3, "statuses_url": "x", "environment": "production", "creator": {"login": "ada"}}
STATUS = {"id": 4, "deployment_url": "https://api.github.example/repos/a/b/deployments/3", "state": "success"}
ODD = st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(), st.text(st.characters(), max_size=5), st.just({}),
    st.sampled_from([2**31, 2**63, 10**25, -1, "9" * 30, "\ud83d", "a\0b", [], [1], [[]], {"name": {}}, {"login": 1},
                     "9999-12-31T23:59:59-12:00", "0000", "2026-05-01T10:00:00+02:00", {"full_name": ["x"]}]),
)  # fmt: skip


@st.composite
def damaged_objects(draw):
    value = json.loads(json.dumps(draw(st.sampled_from(
        [planted.run_object(), planted.job_object(), GH_RUN, ANNOTATION, DEPLOYMENT, STATUS]))))  # fmt: skip
    for key in draw(st.lists(st.sampled_from(sorted(value)), max_size=3)):
        value[key] = draw(ODD)
    for step in fields.objects(value.get("steps")):
        step[draw(st.sampled_from(["number", "name", "started_at"]))] = draw(ODD)
    return value


@settings(max_examples=40, deadline=None)
@given(st.lists(damaged_objects(), min_size=1, max_size=6))
def test_objects_with_odd_values_are_read_and_stored(values):
    page = read_page(json.dumps(values).encode(), read_name("check-runs/95000000001/annotations.json"))
    with Store.memory() as store:
        merge_pages(store, page.tables())
        # The raw column holds JSON that DuckDB can look into.
        store.query("SELECT raw->>'id' FROM runs UNION ALL SELECT raw->>'id' FROM jobs")


def test_nesting_and_numbers_beyond_measure_are_told():
    for data in (b"[" * 990 + b"]" * 990, b"[" * 200_000, b'{"payload":' * 5_000, b"1" * 5_000):
        page = read_page(data, read_name("x.json"))
        assert page.broken or page.unread


def test_half_a_surrogate_pair_becomes_the_replacement_character():
    assert fields.text("\ud83d x") == "\ufffd x"
    assert fields.text("\U0001f680") == "\U0001f680"
    assert fields.raw({"a": "\ud83d", "b": 10**30}) == '{"a": "\ufffd", "b": ' + str(10**30) + "}"
