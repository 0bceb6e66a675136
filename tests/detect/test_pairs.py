"""overlapping_pairs finds every pair that shares time exactly once, whatever the width of its buckets."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.detect.detector import load_library
from forensics.store.store import Store

BEGIN = datetime(2026, 3, 2)
spans = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 40), st.integers(0, 30)), max_size=14
)  # lane, start, length in seconds
STORE = Store.memory()
load_library(STORE)
STORE.execute("CREATE TABLE spans (run_id BIGINT, lane_key VARCHAR, started_at TIMESTAMP, ended_at TIMESTAMP)")


def by_force(rows):
    return sorted(
        (a, b, min(start + length, other_start + other_length) - other_start)
        for a, (lane, start, length) in enumerate(rows)
        for b, (other_lane, other_start, other_length) in enumerate(rows)
        if lane == other_lane
        and (start, a) < (other_start, b)
        and length
        and other_length
        and other_start < start + length
    )


@settings(max_examples=150, deadline=None)
@given(spans, st.sampled_from([1, 7, 60]))
def test_as_by_force(rows, bucket):
    STORE.execute("DELETE FROM spans")
    for run, (lane, start, length) in enumerate(rows):
        begun = BEGIN + timedelta(seconds=start)
        STORE.execute("INSERT INTO spans VALUES (?, ?, ?, ?)", [run, lane, begun, begun + timedelta(seconds=length)])
    found = STORE.query(
        "SELECT run_id, other_run_id, overlap_seconds FROM overlapping_pairs('spans', $bucket)", {"bucket": bucket}
    ).rows
    assert sorted(found) == by_force(rows)
