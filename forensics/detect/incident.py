"""Findings that tell one story, grouped into incidents.

Events (see ``role``) connect: by their attempts and targets, as ``episode`` says. Two of them, or one that is high
or critical, are an incident. Witnesses join the incident whose attempts they share; settings contribute to every
incident of which they name an attempt, and connect nothing. The same findings give the same incidents in any order,
and an unrelated finding changes none of them.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from forensics.detect.collecting import uncollected
from forensics.detect.episode import LONGEST, MOST_RUNS, NEAR, AttemptKey, Item, as_item, connect, pause
from forensics.detect.role import precedence, role_of
from forensics.model import SEVERITIES, Contribution, Finding, Incident, RunRef

FOUNDING = frozenset(SEVERITIES[:2])
"""One finding of these severities is an incident by itself."""


@dataclass(frozen=True)
class AttemptFacts:
    """What grouping has to know of an attempt besides its ids."""

    asked_at: datetime | None = None
    ended_at: datetime | None = None
    workflow: str | None = None
    path: str | None = None
    """Of its workflow's file."""


NOTHING = AttemptFacts()


@dataclass(frozen=True)
class _Founded:
    """An incident on its way."""

    named_for: Finding
    events: list[Item]
    witnesses: list[Item] = field(default_factory=list)


def group(findings: Iterable[Finding], attempts: Mapping[RunRef, AttemptFacts] | None = None) -> tuple[Incident, ...]:
    """The incidents of these findings, worst first, then by time; no finding is in two of them.

    ``attempts`` tells of those that findings name: without it, incidents begin and end with their findings. First
    causes come from ``cause``, stories from ``story``.
    """
    with uncollected():
        return _group(findings, attempts or {})


def _group(findings: Iterable[Finding], known: Mapping[RunRef, AttemptFacts]) -> tuple[Incident, ...]:
    roles: dict[str, list[Item]] = defaultdict(list)
    for finding in findings:
        roles[role_of(finding)].append(as_item(finding))
    events: list[Item] = []
    wide: list[Item] = []
    for item in roles["event"]:
        (wide if _is_wide(item.finding, known) else events).append(item)
    members = [[item for core in episode for item in core.items] for episode in connect(events)]
    members = [one for one in members if len(one) > 1 or one[0].finding.severity in FOUNDING]
    members += [[item] for item in wide if item.finding.severity in FOUNDING]
    founded = sorted((_Founded(anchor(one), one) for one in members), key=lambda one: one.named_for.id)
    by_run = _by_run(founded)
    for witness in sorted(roles["witness"], key=lambda item: item.finding.id):
        nearest = _nearest(witness, founded, by_run)
        if nearest is not None:
            nearest.witnesses.append(witness)
    made = [_incident(one, known) for one in founded]
    return tuple(sorted(_with_settings(made, roles["setting"], by_run, known), key=_rank))


def alone(finding: Finding, attempts: Mapping[RunRef, AttemptFacts]) -> Incident:
    """A finding that is in no incident, as one of its own under its own id; no setting is looked for."""
    return replace(_incident(_Founded(finding, [as_item(finding)]), attempts), id=finding.id)


def loose(findings: Sequence[Finding], incidents: Sequence[Incident]) -> tuple[Finding, ...]:
    """The findings that are in no incident and contribute to none, in the order given."""
    told = {finding.id for incident in incidents for finding in incident.findings}
    told |= {one.finding_id for incident in incidents for one in incident.contributing if one.finding_id}
    return tuple(finding for finding in findings if finding.id not in told)


def anchor(items: Iterable[Item]) -> Finding:
    """The event that names an incident: of the detector that goes first, the earliest."""
    findings = (item.finding for item in items)
    return min(findings, key=lambda one: (precedence(one), one.occurred_at or datetime.max, one.id))


def _is_wide(finding: Finding, known: Mapping[RunRef, AttemptFacts]) -> bool:
    """Does it stand for many things over a long time, as a count does that names some examples?"""
    if len(finding.runs) > MOST_RUNS:
        return True
    asked = [moment for run in finding.runs if (moment := known.get(run, NOTHING).asked_at)]
    return len(finding.runs) > 2 and bool(asked) and max(asked) - min(asked) > LONGEST


def _by_run(founded: Sequence[_Founded]) -> dict[tuple[str, AttemptKey], list[int]]:
    """Places of the incidents that an attempt is in."""
    named: dict[tuple[str, AttemptKey], list[int]] = defaultdict(list)
    for place, one in enumerate(founded):
        # Items of one incident are of one repository.
        for key in frozenset().union(*[item.keys for item in one.events]):
            named[one.named_for.repository, key].append(place)
    return named


def _nearest(
    witness: Item, founded: Sequence[_Founded], by_run: Mapping[tuple[str, AttemptKey], Sequence[int]]
) -> _Founded | None:
    """The incident with which a witness shares most attempts, at its target or within the hour."""
    repository = witness.finding.repository
    shared = Counter([place for key in witness.keys for place in by_run.get((repository, key), ())])
    fitting = []
    for place, count in shared.items():
        at_target, apart = _near(witness, founded[place].events)
        if at_target or apart <= NEAR:
            fitting.append((-count, not at_target, apart, place))
    return founded[min(fitting)[-1]] if fitting else None


def _near(witness: Item, items: Iterable[Item]) -> tuple[bool, timedelta]:
    """Whether a finding is about the same target, and how far the nearest one is."""
    target, span = witness.finding.target, witness.span
    at_target, apart = False, timedelta.max
    for item in items:
        at_target = at_target or (target is not None and item.finding.target == target)
        if span is not None and item.span is not None:
            apart = min(apart, pause(span, item.span))
    return at_target, apart


def _incident(founded: _Founded, known: Mapping[RunRef, AttemptFacts]) -> Incident:
    events = sorted([item.finding for item in founded.events], key=_finding_rank)
    witnesses = [item.finding for item in founded.witnesses]
    findings = sorted(events + witnesses, key=_finding_rank) if witnesses else events
    # Witnesses tell of attempts as well, but an incident is about those that its events name.
    runs = [RunRef(*key) for key in frozenset().union(*[item.keys for item in founded.events])]
    runs.sort(key=lambda run: (known.get(run, NOTHING).asked_at or datetime.max, run.run_id, run.attempt))
    targets = tuple(dict.fromkeys([finding.target for finding in events if finding.target is not None]))
    started, ended = _span(founded.events, runs, known)
    return Incident(
        id=f"incident-{hashlib.sha256(founded.named_for.id.encode()).hexdigest()[:10]}",
        severity=findings[0].severity,
        title=_title(events, targets),
        repository=founded.named_for.repository,
        findings=tuple(findings),
        runs=tuple(runs),
        targets=targets,
        started_at=started,
        ended_at=ended,
    )


def _finding_rank(finding: Finding) -> tuple[int, int, datetime, str]:
    severity = SEVERITIES.index(finding.severity)
    return severity, precedence(finding), finding.occurred_at or datetime.max, finding.id


def _span(
    events: Sequence[Item], runs: Sequence[RunRef], known: Mapping[RunRef, AttemptFacts]
) -> tuple[datetime | None, datetime | None]:
    """From the first run asked for to the last end, as far as anything is known."""
    times = [moment for item in events for moment in item.span or ()]
    for run in runs:
        facts = known.get(run, NOTHING)
        times += [moment for moment in (facts.asked_at, facts.ended_at) if moment is not None]
    return (min(times), max(times)) if times else (None, None)


def _title(events: Sequence[Finding], targets: Sequence[str]) -> str:
    """What the worst event says, where, and what the next kind of event says."""
    first = events[0]
    other = next((finding.title for finding in events if finding.detector != first.detector), "")
    where = f" at '{targets[0]}'" if targets else ""
    if len(targets) > 1:
        where += f" and {len(targets) - 1} more"
    also = f"; {other[:1].lower()}{other[1:].rstrip('.')}" if other else ""
    return f"{first.title.rstrip('.')}{where}{also}."


def _with_settings(
    incidents: Sequence[Incident],
    settings: Iterable[Item],
    by_run: Mapping[tuple[str, AttemptKey], Sequence[int]],
    known: Mapping[RunRef, AttemptFacts],
) -> list[Incident]:
    """Give every incident the settings that name one of its attempts, or the file of two of its racing runs."""
    files: dict[tuple[str, str], set[int]] = defaultdict(set)
    for place, incident in enumerate(incidents):
        if len(incident.runs) > 1:
            for run in incident.runs:
                if path := known.get(run, NOTHING).path:
                    files[incident.repository, path].add(place)
    found: dict[int, list[Contribution]] = defaultdict(list)
    for item in sorted(settings, key=lambda item: _finding_rank(item.finding)):
        finding = item.finding
        named = {place for key in item.keys for place in by_run.get((finding.repository, key), ())}
        meant = files.get((finding.repository, str(finding.values.get("path"))), set())
        for place in named | meant:
            found[place].append(contribution(finding, named=place in named))
    return [
        replace(one, contributing=tuple(found[place])) if place in found else one
        for place, one in enumerate(incidents)
    ]


def contribution(finding: Finding, *, named: bool) -> Contribution:
    """A finding of the audit family as what it says of a setting."""
    values = finding.values
    line = values.get("line")
    return Contribution(
        rule=finding.detector,
        title=finding.title,
        finding_id=finding.id,
        text=finding.message,
        # Of other runs than the ones it names, a setting is known one inference later.
        precision=finding.precision if named or finding.precision == "possible" else "likely",
        named=named,
        path=_text(values.get("path")),
        line=line if isinstance(line, int) else None,
        group_name=_text(values.get("group_name")),
        expression=_text(values.get("expression")),
    )


def _text(value: object) -> str | None:
    return str(value) if value is not None else None


def _rank(incident: Incident) -> tuple[int, datetime, str]:
    return SEVERITIES.index(incident.severity), incident.started_at or datetime.max, incident.id
