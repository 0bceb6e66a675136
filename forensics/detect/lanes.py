"""Targets that are one and the same: named in ``forensics.toml``, or plain from their names.

They are written into the temporary table ``target_lanes`` (queries/lib/lanes.sql), from where every detector that
asks about a target sees one lane instead of several targets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from forensics.model import Finding
from forensics.store.store import Store


@dataclass(frozen=True)
class Lane:
    """Targets that count as one."""

    name: str
    inferred: bool
    """False where ``forensics.toml`` names it."""
    targets: tuple[str, ...]


_GIVEN = """
INSERT INTO target_lanes
WITH targets AS (
    SELECT DISTINCT repository, target FROM effects
),

patterns AS (
    SELECT unnest($lanes) AS lane, unnest($patterns) AS pattern, unnest(range(len($lanes))) AS place
)

SELECT t.repository, t.target, concat('lane', chr(10), arg_min(p.lane, p.place)), arg_min(p.lane, p.place), FALSE
FROM targets AS t
INNER JOIN patterns AS p ON t.target GLOB p.pattern
GROUP BY t.repository, t.target
"""

# Docker's own registry has three names, and none at all means it too; 'library/' is where its official images lie
# (distribution/reference, "familiar name").
_INFERRED = r"""
INSERT INTO target_lanes
WITH targets AS (
    SELECT DISTINCT repository, target FROM effects
    ANTI JOIN target_lanes USING (repository, target)
),

named AS (
    SELECT
        repository,
        target,
        CASE
            WHEN starts_with(target, 'docker:')
                THEN regexp_replace(target, '^docker:((index\.|registry-1\.)?docker\.io/)?(library/)?', 'docker:')
            ELSE target
        END AS same
    FROM targets
),

-- One name alone needs no lane.
several AS (
    SELECT same
    FROM named
    GROUP BY same
    HAVING count(DISTINCT target) > 1
)

SELECT n.repository, n.target, concat('lane', chr(10), n.same), n.same, TRUE
FROM named AS n
SEMI JOIN several USING (same)
"""

_TOLD = """
SELECT lane, inferred, list(DISTINCT target ORDER BY target)
FROM target_lanes
GROUP BY lane, inferred
HAVING count(DISTINCT target) > 1
ORDER BY inferred, lane
"""


def merge_targets(store: Store, lanes: Mapping[str, Sequence[str]]) -> tuple[Lane, ...]:
    """Fill ``target_lanes``; give the lanes that hold more than one target of this case.

    ``lanes`` are patterns of targets (``*``, ``?``) by name; a target belongs to the first that fits.
    """
    store.execute("DELETE FROM target_lanes")
    pairs = [(lane, pattern) for lane, patterns in lanes.items() for pattern in patterns]
    if pairs:
        store.execute(_GIVEN, {"lanes": [lane for lane, _ in pairs], "patterns": [pattern for _, pattern in pairs]})
    store.execute(_INFERRED)
    return tuple(Lane(name, inferred, tuple(targets)) for name, inferred, targets in store.query(_TOLD).rows)


def mark_lanes(findings: Sequence[Finding], lanes: Sequence[Lane]) -> list[Finding]:
    """Findings on a lane's target say so in ``values``; on an inferred one nothing is certain."""
    lane_of = {target: lane for lane in lanes for target in lane.targets}
    return [_marked(finding, lane_of.get(finding.target or "")) for finding in findings]


def _marked(finding: Finding, lane: Lane | None) -> Finding:
    if lane is None:
        return finding
    told = {"lane": lane.name, "lane_targets": list(lane.targets), "lane_inferred": lane.inferred}
    precision = "likely" if lane.inferred and finding.precision == "certain" else finding.precision
    return replace(finding, precision=precision, values={**finding.values, **told})
