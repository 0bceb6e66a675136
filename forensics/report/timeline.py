"""The explorer's data: lanes, bars in sub-rows, overlaps, effects, in columns of integers.

``build`` returns plain numbers and strings that ``text.json_block`` writes and ``report.js`` paints. Times are whole
seconds from ``base`` (seconds since 1970, UTC); -1 is unknown. Strings stand once, in ``s``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush
from typing import Any

from forensics.model import Attempt, Effect, RunRef
from forensics.report.index import OVERLAPS, STATES, CaseIndex, ref_of, state_of
from forensics.report.limits import Limits
from forensics.report.links import checked_host, checked_repository, finding_anchor
from forensics.report.text import clean, clip, epoch, number

TARGET_LANES = 10
OTHER_LANES = 6
ROWS = 5
"""Sub-rows of a lane; what finds no free one goes on top of the last."""
GRAIN_SECONDS = 2
"""API times are whole seconds: what overlaps by no more than this may be a hand-over."""
MAX_OVERLAPS = 5_000
INCIDENT = 3 * 3_600
INCIDENT_GAP = 300
"""Seconds that the first view spans at most, and between findings that it shows together."""
SAFE_INTEGER = 2**53 - 1
NO_LANE = "Everything else"


@dataclass(frozen=True)
class Lane:
    """One lane of the explorer."""

    name: str
    note: str
    target: bool
    """True for something that runs write to, False for what they queue for."""
    refs: tuple[RunRef, ...]


@dataclass(frozen=True)
class Timeline:
    """What the page needs of the explorer."""

    data: dict[str, Any]
    lanes: tuple[Lane, ...]
    shown: tuple[Attempt, ...]
    """Attempts in the explorer and the runs table, newest first."""
    notes: tuple[str, ...]
    """What is not shown, for the method section."""
    overlaps: int


class Strings:
    """Numbers strings in the order they are first asked for."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self._asked: dict[tuple[str, int], int] = {}

    def __call__(self, value: str | None, limit: int = 120) -> int:
        """Return a string's number, -1 for None."""
        if value is None:
            return -1
        known = self._asked.get((value, limit))
        if known is None:
            known = self.numbers.setdefault(clip(value, limit), len(self.numbers))
            self._asked[value, limit] = known
        return known


def build(index: CaseIndex, limits: Limits) -> Timeline:
    """Return the explorer's data for an analysis, thinned to the limits."""
    newest_first = sorted(index.analysis.attempts, key=_recency, reverse=True)
    shown, thinned = _thin(index, newest_first, limits.intervals)
    lanes = _lanes(index, shown)
    base, span = _window(index)
    columns = _Columns(index, base, shown, limits)
    overlaps = columns.overlaps(lanes)
    data = {
        "base": base,
        "span": span,
        "view": _first_view(index, base, span),
        "host": checked_host(index.analysis.host) or "",
        "states": list(STATES),
        "runs": columns.runs(),
        "lanes": [[lane.name, lane.note, int(lane.target)] for lane in lanes],
        "bars": columns.bars(lanes),
        "overlaps": overlaps[:MAX_OVERLAPS],
        "effects": columns.effects(lanes),
        "findings": columns.findings(),
        "hours": _hours(index, thinned, base),
    }
    data["s"] = list(columns.strings.numbers)
    notes = [*_thinning_notes(thinned, limits), *columns.notes]
    if len(overlaps) > MAX_OVERLAPS:
        notes.append(f"The explorer marks the first {number(MAX_OVERLAPS)} of {number(len(overlaps))} overlaps.")
    return Timeline(data, lanes, tuple(shown), tuple(notes), len(overlaps))


def _recency(attempt: Attempt) -> tuple[datetime, int, int]:
    at = attempt.created_at or attempt.started_at or attempt.completed_at or datetime.min
    return (at, attempt.run_id, attempt.attempt)


def _thin(index: CaseIndex, newest_first: Sequence[Attempt], limit: int) -> tuple[list[Attempt], list[Attempt]]:
    """Split attempts into shown and merely counted: findings first, then what had effects, then the newest."""
    if len(newest_first) <= limit:
        return list(newest_first), []

    def rank(position: int) -> tuple[int, int]:
        ref = ref_of(newest_first[position])
        return (0 if ref in index.findings else 1 if ref in index.effects else 2, position)

    kept = set(sorted(range(len(newest_first)), key=rank)[:limit])
    shown = [a for i, a in enumerate(newest_first) if i in kept]
    return shown, [a for i, a in enumerate(newest_first) if i not in kept]


def _thinning_notes(thinned: Sequence[Attempt], limits: Limits) -> list[str]:
    notes = []
    if thinned:
        notes.append(
            f"The explorer and the runs table show {number(limits.intervals)} attempts, those of findings first, "
            f"then those with effects, then the newest; the other {number(len(thinned))} are counted by the hour."
        )
    if not limits.titles:
        notes.append("Titles of runs are left out of the explorer and the runs table to keep the file small.")
    return notes


def _window(index: CaseIndex) -> tuple[int, int]:
    coverage = index.analysis.coverage
    times = [coverage.first_at, coverage.last_at]
    times += [e.occurred_at for e in index.analysis.effects]
    for attempt in index.analysis.attempts:
        times += (attempt.created_at, attempt.started_at, attempt.completed_at)
    known = [epoch(at) for at in times if at is not None]
    if not known:
        return 0, 1
    base = int(min(known))
    return base, max(60, int(max(known)) - base + 1)


def _first_view(index: CaseIndex, base: int, span: int) -> list[int]:
    """Return from and to of the worst finding's runs and of those that led up to it, with some room.

    Findings whose runs touch are one incident; it grows, worst first, to at most three hours.
    """
    extents = [
        (epoch(e[0]) - base, epoch(e[1]) - base) for f in index.analysis.findings[:200] if (e := index.extent_of(f))
    ]
    if not extents:
        return [0, span]
    first, last = extents[0]
    for start, end in extents:
        together = max(last, end) - min(first, start)
        if start <= last + INCIDENT_GAP and end >= first - INCIDENT_GAP and together <= max(INCIDENT, last - first):
            first, last = min(first, start), max(last, end)
    room = max(60.0, (last - first) * 0.12)
    return [int(first - room), int(last + room)]


def _lanes(index: CaseIndex, shown: Sequence[Attempt]) -> tuple[Lane, ...]:
    """Return what runs write to, then, for the runs that write to none of these, what they queue for."""
    targets: dict[str, set[RunRef]] = defaultdict(set)
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    present = {ref_of(a) for a in shown}
    for effect in index.analysis.effects:
        if effect.outcome != "no-op" and ref_of(effect) in present:
            targets[effect.target].add(ref_of(effect))
            kinds[effect.target][f"{effect.tool} {effect.effect}"] += 1
    worst = _worst_position(index, {f.target: i for i, f in reversed(list(enumerate(index.analysis.findings)))})
    chosen = sorted(targets, key=lambda t: (worst(t, targets[t]), -len(targets[t]), t))
    named = {f.target for f in index.analysis.findings}
    contested = [t for t in chosen if len(targets[t]) > 1 or t in named]
    chosen = (contested or chosen)[:TARGET_LANES]
    lanes = [Lane(clip(t, 80), _kinds(kinds[t]), True, tuple(sorted(targets[t]))) for t in chosen]
    placed = {ref for lane in lanes for ref in lane.refs}
    groups: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in shown:
        if ref_of(attempt) not in placed:
            groups[attempt.lane].append(attempt)
    by_group = {g: {ref_of(a) for a in members} for g, members in groups.items()}
    ranked = sorted(groups, key=lambda g: (worst(g, by_group[g]), -len(groups[g]), g))
    lanes += [_group_lane(clip(g, 80), groups[g]) for g in ranked[:OTHER_LANES]]
    rest = [a for g in ranked[OTHER_LANES:] for a in groups[g]]
    if rest:
        lanes.append(_group_lane(NO_LANE, rest, f"{number(len(ranked) - OTHER_LANES)} lanes, "))
    return tuple(lanes)


def _worst_position(index: CaseIndex, named: dict[str | None, int]) -> Any:
    none = len(index.analysis.findings)

    def worst(name: str, refs: Iterable[RunRef]) -> int:
        return min(named.get(name, none), *(index.findings[r][0] for r in refs if r in index.findings), none)

    return worst


def _kinds(kinds: Counter[str]) -> str:
    common = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    return clip(", ".join(kind for kind, _ in common[:2]), 80)


def _group_lane(name: str, attempts: Sequence[Attempt], before: str = "") -> Lane:
    note = f"{before}{number(len(attempts))} {'run' if len(attempts) == 1 else 'runs'}"
    return Lane(name or "no lane", note, False, tuple(sorted(ref_of(a) for a in attempts)))


class _Columns:
    """Writes the columns; one string table for all of them."""

    def __init__(self, index: CaseIndex, base: int, shown: Sequence[Attempt], limits: Limits) -> None:
        self.index, self.base, self.shown, self.limits = index, base, shown, limits
        self.strings = Strings()
        self.number = {ref_of(attempt): i for i, attempt in enumerate(shown)}
        self.spans = [index.span_of(attempt) for attempt in shown]
        self.notes: list[str] = []
        untimed = self.spans.count(None)
        if untimed:
            self.notes.append(f"{number(untimed)} attempts have no time at all: they are in the runs table only.")

    def offset(self, at: datetime | None) -> int:
        return -1 if at is None else max(0, int(epoch(at)) - self.base)

    def runs(self) -> dict[str, list[Any]]:
        """One entry an attempt, in the order of the table; columns that repeat themselves are written shorter.

        ``id`` and ``asked`` are differences to the entry before, an id that a script's numbers cannot hold is text.
        ``sha`` is the text, or the position of the first run that has the same. ``attempt`` and ``repository`` are
        pairs of position and value for all but first attempts and the first repository. ``results`` has the string
        and state that ``result`` points to. Columns with few values come first, so that their numbers are short.
        """
        s, spans, shown = self.strings, self.spans, self.shown
        repositories = {name: i for i, name in enumerate(dict.fromkeys(a.repository for a in shown))}
        results: dict[tuple[int, int], int] = {}
        columns: dict[str, list[Any]] = {
            "repositories": [[clip(r, 120), int(checked_repository(r) is not None)] for r in repositories],
            "repository": [[i, n] for i, a in enumerate(shown) if (n := repositories[a.repository])],
            "attempt": [[i, a.attempt] for i, a in enumerate(shown) if a.attempt != 1],
            "result": [
                results.setdefault((s(a.conclusion or a.status), STATES.index(state_of(a))), len(results))
                for a in shown
            ],
            "event": [s(a.event) for a in shown],
            "workflow": [s(a.workflow) for a in shown],
            "actor": [s(a.actor) for a in shown],
            "lane": [s(a.lane) for a in shown],
            "branch": [s(a.branch) for a in shown],
            "title": [s(a.title, 60) for a in shown] if self.limits.titles else [],
            "number": [-1 if a.run_number is None else a.run_number for a in shown],
            "id": _differences([a.run_id for a in shown]),
            "sha": _references([clean(a.sha)[:10] for a in shown]),
            "asked": _differences([-1 if p is None else self.offset(p.asked) for p in spans]),
            "waited": [-1 if p is None else int((p.started - p.asked).total_seconds()) for p in spans],
            "ran": [-1 if p is None or not p.executed else int((p.ended - p.started).total_seconds()) for p in spans],
            "inferred": [i for i, a in enumerate(shown) if a.inferred],
        }
        return {**columns, "results": [list(result) for result in results]}

    def bars(self, lanes: Sequence[Lane]) -> dict[str, list[int]]:
        """One entry a bar, lane by lane: its sub-row and run; ``count`` says how many each lane has."""
        rows = [list(self._rows(lane)) for lane in lanes]
        return {
            "count": [len(bars) for bars in rows],
            "row": [row for bars in rows for row, _ in bars],
            "run": [run for bars in rows for _, run in bars],
        }

    def _rows(self, lane: Lane) -> Iterable[tuple[int, int]]:
        """Give each run of a lane the lowest sub-row that is free from its start on."""
        runs = [self.number[ref] for ref in lane.refs if ref in self.number]
        timed = sorted((p.asked, p.ended, run) for run in runs if (p := self.spans[run]) is not None)
        busy: list[tuple[datetime, int]] = []
        free = list(range(ROWS))
        for asked, ended, run in timed:
            while busy and busy[0][0] <= asked:
                heappush(free, heappop(busy)[1])
            row = heappop(free) if free else ROWS - 1
            if row < ROWS - 1 or not any(b[1] == row for b in busy):
                heappush(busy, (ended, row))
            yield row, run

    def overlaps(self, lanes: Sequence[Lane]) -> list[list[int]]:
        """Return lane, from, to of each time in which two runs that write one target executed at once.

        In the other lanes only what an overlap finding is about: two runs of a branch at once are no defect.
        """
        in_findings = [
            {self.number[r] for r in f.runs if r in self.number}
            for f in self.index.analysis.findings
            if f.detector in OVERLAPS and len(f.runs) > 1
        ]
        found = []
        for lane_number, lane in enumerate(lanes):
            members = {self.number[ref] for ref in lane.refs if ref in self.number}
            groups = [members] if lane.target else [shared for g in in_findings if len(shared := g & members) > 1]
            places = {place for group in groups for place in self._busy_twice(group)}
            found += [[lane_number, *place] for place in places]
        return sorted(found)

    def _busy_twice(self, runs: Iterable[int]) -> Iterable[tuple[int, int]]:
        """Sweep over starts and ends: +1, -1, and the stretches at two or more that outlast the grain."""
        events = []
        for run in runs:
            span = self.spans[run]
            if span is not None and span.executed:
                start, end = self.offset(span.started), self.offset(span.ended)
                events += [(start, 1), (end, -1)]
        active, since = 0, 0
        for at, change in sorted(events):
            active += change
            if change == 1 and active == 2:
                since = at
            elif change == -1 and active == 1 and at - since > GRAIN_SECONDS:
                yield since, at

    def effects(self, lanes: Sequence[Lane]) -> dict[str, list[int]]:
        """One entry an effect: run, second, what, target, identity, outcome, twice, lane of its target or -1."""
        timed = [
            e for e in self.index.analysis.effects if ref_of(e) in self.number and (e.occurred_at or e.started_at)
        ]
        keep = self._kept(timed)
        s = self.strings
        names = {lane.name: i for i, lane in enumerate(lanes) if lane.target}
        return {
            "run": [self.number[ref_of(e)] for e in keep],
            "at": [self.offset(e.occurred_at or e.started_at) for e in keep],
            "what": [s(f"{e.tool} {e.effect}") for e in keep],
            "target": [s(e.target) for e in keep],
            "identity": [s(e.identity) for e in keep],
            "outcome": [s(e.outcome) for e in keep],
            "twice": [int(id(e) in self.index.twice) for e in keep],
            "lane": [names.get(clip(e.target, 80), -1) for e in keep],
        }

    def _kept(self, effects: list[Effect]) -> list[Effect]:
        if len(effects) <= self.limits.effects:
            return effects
        proven = self.index.proven
        first = sorted(range(len(effects)), key=lambda i: (id(effects[i]) not in proven, i))
        self.notes.append(
            f"The explorer has {number(self.limits.effects)} of {number(len(effects))} effects; "
            "those that findings rest on come first."
        )
        return [effects[i] for i in sorted(first[: self.limits.effects])]

    def findings(self) -> list[list[Any]]:
        """Anchor, from, to and runs of each finding that has a card."""
        rows: list[list[Any]] = []
        for finding in self.index.analysis.findings[: self.limits.cards]:
            extent = self.index.extent_of(finding)
            first, last = (-1, -1) if extent is None else (self.offset(extent[0]), self.offset(extent[1]))
            runs = [self.number[r] for r in dict.fromkeys(finding.runs) if r in self.number][:200]
            rows.append([finding_anchor(finding.id), first, last, runs])
        return rows


def _differences(values: Sequence[int]) -> list[int | str]:
    """Return each number as its difference to the one before; one beyond a script's integers as text, uncounted."""
    before, written = 0, list[int | str]()
    for value in values:
        if abs(value) > SAFE_INTEGER:
            written.append(str(value))
        else:
            written.append(value - before)
            before = value
    return written


def _references(values: Sequence[str]) -> list[int | str]:
    """Return each text once, and for the same text again the position of the first."""
    first: dict[str, int] = {}
    return [value if (at := first.setdefault(value, i)) == i else at for i, value in enumerate(values)]


def _hours(index: CaseIndex, thinned: Sequence[Attempt], base: int) -> list[list[int]]:
    """Return hour (seconds from base) and how many of the thinned attempts were asked for in it."""
    spans = (index.span_of(attempt) for attempt in thinned)
    hours = Counter((int(epoch(s.asked)) - base) // 3_600 * 3_600 for s in spans if s)
    return [[hour, count] for hour, count in sorted(hours.items())]
