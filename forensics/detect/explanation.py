"""Finds what an id, or the beginning of one, names, and has it told."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from forensics.detect.cause import with_causes
from forensics.detect.incident import alone
from forensics.detect.record import read_facts, read_groups
from forensics.detect.run import DetectionResult
from forensics.detect.story import find_incidents, tell
from forensics.errors import UsageProblem
from forensics.model import DetectorDoc, Finding, Incident
from forensics.store.store import Store

MOST_CANDIDATES = 5
"""Ids that an error suggests."""


def explain(
    store: Store, result: DetectionResult, name: str
) -> tuple[Incident, Finding | None, tuple[DetectorDoc, ...]]:
    """Tell the incident or finding of that id.

    A finding of an incident is told with the whole incident; one of none, as an incident of its own under its id.
    Besides it returns the finding, where one was named, and the documentation of the detectors involved.
    Raises UsageProblem where nothing, or more than one thing, is called so.
    """
    incidents = find_incidents(store, result.findings)
    by_id = {incident.id: incident for incident in incidents}
    findings = {finding.id: finding for finding in result.findings}
    found = resolve(name, [*by_id, *findings])
    finding = findings.get(found)
    incident = by_id[found] if finding is None else _around(store, finding, incidents)
    (told,) = tell(store, [incident])
    named = {one.detector for one in told.findings} | {one.rule for one in told.contributing}
    docs = tuple(doc for doc in result.docs if doc.id in named)
    return told, finding, docs


def resolve(name: str, ids: Sequence[str]) -> str:
    """The one id that is ``name`` or begins with it. Raises UsageProblem with those that come near."""
    wanted = name.strip()
    if wanted in ids:
        return wanted
    beginning = [one for one in ids if wanted and one.startswith(wanted)]
    if len(beginning) == 1:
        return beginning[0]
    if beginning:
        more = f" and {len(beginning) - MOST_CANDIDATES} more" if len(beginning) > MOST_CANDIDATES else ""
        raise UsageProblem(
            f"{len(beginning)} incidents and findings begin with '{wanted}'.",
            hint=f"Write more of one of these: {', '.join(beginning[:MOST_CANDIDATES])}{more}.",
        )
    near = get_close_matches(wanted, ids, n=3, cutoff=0.5)
    raise UsageProblem(
        f"There is no incident or finding '{wanted}' in this case.",
        hint=f"The nearest: {', '.join(near)}." if near else "List them with: forensics detect",
    )


def _around(store: Store, finding: Finding, incidents: Sequence[Incident]) -> Incident:
    """The incident that a finding is in, else the finding as one."""
    for incident in incidents:
        if any(one.id == finding.id for one in incident.findings):
            return incident
    known = read_facts(store, [finding])
    single = alone(finding, known)
    return with_causes([single], read_groups(store, [single]), known)[0]
