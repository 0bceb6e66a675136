"""The detectors under what a team has decided: its parameters, its lanes, and what it suppresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from forensics.detect.detector import Detector, load_library
from forensics.detect.lanes import Lane, mark_lanes, merge_targets
from forensics.detect.run import DetectionResult, detect, rank
from forensics.detect.suppress import Divided, Workflow, divide
from forensics.errors import UsageProblem
from forensics.model import Finding
from forensics.settings import Settings, Suppression
from forensics.store.store import Store


def detect_decided(
    store: Store, detectors: Sequence[Detector], settings: Settings, today: date, *, known: frozenset[str]
) -> DetectionResult:
    """Run the detectors as ``settings`` want it; give findings, what is suppressed, and what is to be said of it.

    ``known`` are the ids of all detectors there are: settings of one that does not run now are no mistake. Raises
    UsageProblem for a detector or parameter that does not exist.
    """
    _require_known(settings, known)
    load_library(store)
    lanes = merge_targets(store, settings.lanes)
    running = {detector.id for detector in detectors}
    result = detect(store, detectors, {name: own for name, own in settings.parameters.items() if name in running})
    workflows = _workflows(store)
    findings = list(result.findings)
    for pattern, parameters in settings.workflow_parameters.items():
        findings = _of_workflow(store, detectors, pattern, parameters, workflows, findings)
    # Neither a lane nor a suppression changes the order.
    if settings.workflow_parameters:
        findings.sort(key=rank)
    findings = mark_lanes(findings, lanes)
    divided = divide(findings, settings.suppressions, workflows, today)
    return replace(
        result,
        findings=divided.findings,
        suppressed=divided.suppressed,
        remarks=(*_lane_remarks(lanes), *_suppression_remarks(divided, running)),
    )


def _require_known(settings: Settings, known: frozenset[str]) -> None:
    named = [*settings.parameters, *(name for own in settings.workflow_parameters.values() for name in own)]
    named += [one.detector for one in settings.suppressions if not set("*?[") & set(one.detector)]
    if strangers := [name for name in named if name not in known]:
        raise UsageProblem(
            f"{settings.path}: there is no detector '{strangers[0]}'.", hint="List them with: forensics detectors"
        )


def _of_workflow(
    store: Store,
    detectors: Sequence[Detector],
    pattern: str,
    parameters: Mapping[str, Mapping[str, Any]],
    workflows: Mapping[int, Workflow],
    findings: Sequence[Finding],
) -> list[Finding]:
    """The findings with those about one workflow's runs alone taken from a pass with its own parameters."""
    meant = Suppression("*", date.max, "", workflow=pattern)

    def is_own(finding: Finding) -> bool:
        return finding.detector in parameters and all(
            meant.matches_workflow(*workflows.get(run.run_id, (None, None))) for run in finding.runs
        )

    again = [detector for detector in detectors if detector.id in parameters]
    if not again:
        return list(findings)
    own = detect(store, again, {detector.id: parameters[detector.id] for detector in again})
    return [one for one in findings if not is_own(one)] + [one for one in own.findings if is_own(one)]


def _workflows(store: Store) -> dict[int, Workflow]:
    return {
        int(run_id): (path, name)
        for run_id, path, name in store.query("SELECT run_id, workflow_path, workflow_name FROM runs").rows
    }


def _lane_remarks(lanes: Sequence[Lane]) -> list[str]:
    return [
        f"Taken as one target{' by their names (inferred)' if lane.inferred else f', lane {lane.name}'}: "
        + ", ".join(lane.targets[:6])
        + (f" and {len(lane.targets) - 6} more" if len(lane.targets) > 6 else "")
        for lane in lanes
    ]


def _suppression_remarks(divided: Divided, running: set[str]) -> list[str]:
    reasons: dict[Suppression, int] = {}
    for one in divided.suppressed:
        reasons[one.by] = reasons.get(one.by, 0) + 1
    said = [
        f"{count} {'finding' if count == 1 else 'findings'} of {by.detector} suppressed until {by.until}: {by.why}"
        for by, count in reasons.items()
    ]
    said += [
        f"The suppression of {one.detector} ended on {one.until}, so its findings count again ({one.why})."
        for one in divided.expired
    ]
    said += [
        f"The suppression of {one.detector} meets nothing any more ({one.why}): remove it."
        for one in divided.idle
        if one.detector in running
    ]
    return said
