"""Which findings belong together: connected by attempts and targets, cut where that would glue a month together.

Works on *cores*: findings about exactly the same attempts of one repository, which nothing separates. All laws
are symmetric and look only at what two cores share, so neither the order of findings nor any finding elsewhere
changes an episode.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from forensics.model import Finding

NEAR = timedelta(hours=1)
"""Things at one target, or of one attempt, that are further apart than this are two stories."""

LONGEST = timedelta(hours=48)
"""No episode of several cores is longer: a weekend's parked approval fits, a month does not."""

MOST_RUNS = 40
"""No episode of several cores has more attempts."""

MOST_CORES_OF_AN_ATTEMPT = 24
"""An attempt that more cores name (a holder that met a whole day) connects nothing."""

MOST_NEIGHBOURS = 8
"""More cores than this in unbroken nearness at one target say that there is always trouble: nearness says nothing."""

PAUSES = tuple(timedelta(seconds=pause) for pause in (3_600, 1_800, 900, 450, 225, 112, 56, 28, 14, 7, 3, 1, 0))
"""Where what does not fit is cut: at pauses longer than these, one after the other, until it fits."""


AttemptKey = tuple[int, int]
"""Run and attempt: a ``RunRef`` that hashes quickly."""

_NEVER = datetime.min
_NO_TIME = timedelta(0)


class Item(NamedTuple):
    """A finding with what is looked at again and again."""

    finding: Finding
    keys: frozenset[AttemptKey]
    """The attempts that it names."""
    span: tuple[datetime, datetime] | None
    """From its first to its last moment: its own time and those of the lines that prove it. None if unknown."""


def as_item(finding: Finding) -> Item:
    """Look once at all that a finding says of attempts and times."""
    at = finding.occurred_at
    times = [line.logged_at for line in finding.evidence if line.matched and line.logged_at is not None]
    if at is not None:
        times.append(at)
    span = (min(times), max(times)) if times else None
    return Item(finding, frozenset([(run.run_id, run.attempt) for run in finding.runs]), span)


@dataclass(slots=True)
class Core:
    """Findings about the same attempts."""

    repository: str
    runs: frozenset[AttemptKey]
    items: list[Item] = field(default_factory=list)
    targets: set[str] = field(default_factory=set)
    first: datetime | None = None
    """The first moment that its findings or the lines that prove them name."""
    last: datetime | None = None

    def add(self, item: Item) -> None:
        """Take one more finding in."""
        self.items.append(item)
        if item.finding.target is not None:
            self.targets.add(item.finding.target)
        if item.span is not None:
            first, last = item.span
            self.first = first if self.first is None or first < self.first else self.first
            self.last = last if self.last is None or last > self.last else self.last


def pause(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> timedelta:
    """From the end of one span to the beginning of the other; nothing where they overlap."""
    return max(timedelta(0), other[0] - one[1], one[0] - other[1])


def connect(items: Iterable[Item]) -> list[list[Core]]:
    """The episodes of these findings, each as its cores; every finding is in exactly one."""
    cores = _cores(items)
    links = _attempt_links(cores)
    pieces: list[list[int]] = []
    for piece, inner in _components(range(len(cores)), links):
        pieces += [piece] if _fits(cores, piece) else _cut(cores, piece, inner)
    return [[cores[place] for place in members] for members in _join_at_targets(cores, pieces)]


def _cores(items: Iterable[Item]) -> list[Core]:
    cores: dict[tuple[str, frozenset[AttemptKey]], Core] = {}
    for item in items:
        key = item.finding.repository, item.keys
        if key not in cores:
            cores[key] = Core(*key)
        cores[key].add(item)
    return list(cores.values())


def _attempt_links(cores: Sequence[Core]) -> list[tuple[int, int]]:
    """Cores that share an attempt, and the target or the time; or of which one's attempts are among the other's."""
    named: dict[tuple[str, AttemptKey], list[int]] = defaultdict(list)
    for place, core in enumerate(cores):
        for run in core.runs:
            named[core.repository, run].append(place)
    links = set()
    for places in named.values():
        if not 1 < len(places) <= MOST_CORES_OF_AN_ATTEMPT:
            continue
        for position, one in enumerate(places):
            for other in places[:position]:
                if _tells_the_same(cores[one], cores[other]):
                    links.add((other, one))
    return list(links)


def _tells_the_same(one: Core, other: Core) -> bool:
    if one.targets & other.targets or one.runs < other.runs or other.runs < one.runs:
        return True
    if one.first is None or one.last is None or other.first is None or other.last is None:
        return False
    return pause((one.first, one.last), (other.first, other.last)) <= NEAR


def _fits(cores: Sequence[Core], piece: Sequence[int]) -> bool:
    if len(piece) == 1:
        return True
    firsts = [moment for place in piece if (moment := cores[place].first)]
    lasts = [moment for place in piece if (moment := cores[place].last)]
    if firsts and max(lasts) - min(firsts) > LONGEST:
        return False
    return len(frozenset().union(*(cores[place].runs for place in piece))) <= MOST_RUNS


def _cut(
    cores: Sequence[Core], piece: Sequence[int], links: Sequence[tuple[int, int]], step: int = 0
) -> list[list[int]]:
    """Cut at the pauses of this step; what still does not fit, at shorter ones; at last, into its cores."""
    begun = sorted([(moment, place) for place in piece if (moment := cores[place].first)])
    longest = max((later - earlier for (earlier, _), (later, _) in pairwise(begun)), default=_NO_TIME)
    while step < len(PAUSES) and PAUSES[step] >= longest and len(begun) == len(piece):
        step += 1  # Nothing would be cut.
    if step == len(PAUSES):
        return [[place] for place in piece]
    stretch = _stretches(begun, piece, PAUSES[step])
    kept = [link for link in links if stretch[link[0]] == stretch[link[1]]]
    cut: list[list[int]] = []
    for part, inner in _components(piece, kept):
        cut += [part] if _fits(cores, part) else _cut(cores, part, inner, step + 1)
    return cut


def _stretches(begun: Sequence[tuple[datetime, int]], piece: Sequence[int], limit: timedelta) -> dict[int, int]:
    """Number of the stretch without a pause that each core begins in; one without a time has a stretch of its own."""
    stretch: dict[int, int] = {}
    number, reached = 0, _NEVER
    # From beginning to beginning: a core that reaches far must not hold together what came in its time.
    for began, place in begun:
        if began - reached > limit:
            number += 1
        stretch[place] = number
        reached = began
    for place in piece:
        if place not in stretch:
            number += 1
            stretch[place] = number
    return stretch


def _join_at_targets(cores: Sequence[Core], pieces: Sequence[list[int]]) -> list[list[int]]:
    """Join pieces that met one target within the hour, unless that never pauses or becomes too much."""
    at: dict[tuple[str, str], list[tuple[datetime, datetime, int]]] = defaultdict(list)
    for number, piece in enumerate(pieces):
        for place in piece:
            core = cores[place]
            if core.first is not None and core.last is not None:
                for target in core.targets:
                    at[core.repository, target].append((core.first, core.last, number))
    links: list[tuple[int, int]] = []
    for visits in at.values():
        for chain in _chains(visits):
            numbers = sorted({number for _, _, number in chain})
            if 1 < len(numbers) <= MOST_NEIGHBOURS:
                links += [(numbers[0], number) for number in numbers[1:]]
    joined: list[list[int]] = []
    for numbers, _ in _components(range(len(pieces)), links):
        whole = [place for number in numbers for place in pieces[number]]
        joined += [whole] if _fits(cores, whole) else [pieces[number] for number in numbers]
    return joined


def _chains(visits: list[tuple[datetime, datetime, int]]) -> list[list[tuple[datetime, datetime, int]]]:
    """Visits of one target in unbroken nearness."""
    chains: list[list[tuple[datetime, datetime, int]]] = []
    reached = _NEVER
    for visit in sorted(visits):
        if visit[0] - reached > NEAR:
            chains.append([])
        chains[-1].append(visit)
        reached = max(reached, visit[1])
    return chains


def _components(
    places: Iterable[int], links: Sequence[tuple[int, int]]
) -> list[tuple[list[int], list[tuple[int, int]]]]:
    """The connected components in the order of ``places``, each with its own links."""
    parent = {place: place for place in places}

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = place = parent[parent[place]]
        return place

    for one, other in links:
        parent[root(one)] = root(other)
    members: dict[int, list[int]] = defaultdict(list)
    for place in parent:
        members[root(place)].append(place)
    inner: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for link in links:
        inner[root(link[0])].append(link)
    return [(places, inner.get(top, [])) for top, places in members.items()]
