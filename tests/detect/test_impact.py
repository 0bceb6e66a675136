"""An incident in numbers: from its findings' columns alone."""

from __future__ import annotations

from typing import Any

import pytest
from incident_findings import finding

from forensics.detect.impact import weigh
from forensics.detect.incident import group
from forensics.detect.record import Record

NOTHING_KNOWN = Record({}, {}, {}, {}, {}, {}, {})


@pytest.mark.parametrize(
    ("detector", "values", "times"),
    [
        ("duplicate-effect", {"accepted": 2}, 1),
        ("duplicate-effect", {"accepted": 1}, 0),
        ("duplicate-create", {"made": 3}, 1),
        ("duplicate-create", {"made": None}, 0),
    ],
)
def test_what_was_made_more_than_once_counts_once(detector: str, values: dict[str, Any], times: int) -> None:
    (incident,) = group([finding(detector, "high", (1, 2), "issues:shop", 0, **values)])
    assert weigh(incident, NOTHING_KNOWN, None).done_twice == times
