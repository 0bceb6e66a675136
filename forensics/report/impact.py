"""What happened to the world: effects done twice, landed out of order, cut off, or with unknown outcome."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from forensics.model import Effect, Finding
from forensics.report.index import CUT_OFF, DUPLICATE, OUT_OF_ORDER, CaseIndex
from forensics.report.links import finding_anchor, line_url
from forensics.report.text import clip, counted, duration, stamp

MAX_ROWS = 200
OUTCOMES = ("done", "rejected", "failed", "no-op", "unknown")


@dataclass(frozen=True)
class Place:
    """Where an effect stands in the logs."""

    at: str
    label: str
    url: str | None


@dataclass(frozen=True)
class Repeat:
    """One identity that was done, or tried, more than once."""

    what: str
    target: str
    first: Place
    second: Place
    gap: str
    outcome: str
    precision: str
    anchor: str
    label: str
    done_twice: bool


@dataclass(frozen=True)
class Landing:
    """A finding about one target and the two effects it is about: out of order, or cut off."""

    what: str
    target: str
    first: Place
    second: Place
    message: str
    precision: str
    anchor: str
    label: str


@dataclass(frozen=True)
class Deeds:
    """How often runs did one kind of thing, by outcome (done, rejected, failed, no-op, unknown)."""

    what: str
    targets: int
    outcomes: tuple[int, ...]


@dataclass(frozen=True)
class Impact:
    """The impact section."""

    repeats: tuple[Repeat, ...]
    out_of_order: tuple[Landing, ...]
    cut_off: tuple[Landing, ...]
    deeds: tuple[Deeds, ...]
    unknown: tuple[tuple[str, str, Place], ...]
    unknown_count: int
    left_out: tuple[str, ...]


def weigh(index: CaseIndex) -> Impact:
    """Return what the findings and effects of a case say about its impact."""
    labelled = [(f"F-{i:02d}", f) for i, f in enumerate(index.analysis.findings, 1)]
    unknown = [e for e in index.analysis.effects if e.outcome == "unknown"]
    repeats = [_repeat(index, label, f) for label, f in labelled if f.detector == DUPLICATE]
    late = [_landing(index, label, f) for label, f in labelled if f.detector == OUT_OF_ORDER]
    cut = [_landing(index, label, f) for label, f in labelled if f.detector == CUT_OFF]
    left_out = [
        counted(len(rows) - MAX_ROWS, f"more row of '{name}' is", f"more rows of '{name}' are")
        + " among the findings."
        for name, rows in (("twice", repeats), ("out of order", late), ("cut off", cut))
        if len(rows) > MAX_ROWS
    ]
    return Impact(
        repeats=tuple(repeats[:MAX_ROWS]),
        out_of_order=tuple(late[:MAX_ROWS]),
        cut_off=tuple(cut[:MAX_ROWS]),
        deeds=_deeds(index.analysis.effects),
        unknown=tuple((_what(e), clip(e.identity or e.target, 120), _place(index, e)) for e in unknown[:50]),
        unknown_count=len(unknown),
        left_out=tuple(left_out),
    )


def done_twice(index: CaseIndex, finding: Finding) -> bool:
    """Tell whether a duplicate finding rests on two effects that both went through, not on a refused second one."""
    outcomes = [effect.outcome for effect in index.effects_of(finding)]
    return not outcomes or outcomes.count("done") + outcomes.count("unknown") >= 2


def _repeat(index: CaseIndex, label: str, finding: Finding) -> Repeat:
    effects = index.effects_of(finding)
    first, second = _two(index, effects)
    identity = next((e.identity for e in effects if e.identity), None) or finding.values.get("identity")
    outcomes = list(dict.fromkeys(clip(e.outcome, 20) for e in effects))
    return Repeat(
        what=clip(identity or finding.target or finding.title, 120),
        target=clip(finding.target or (effects[0].target if effects else ""), 120),
        first=first,
        second=second,
        gap=_gap(effects),
        outcome=", then ".join(outcomes) + (", each time" if len(outcomes) == 1 and len(effects) > 1 else ""),
        precision=clip(finding.precision, 20),
        anchor=finding_anchor(finding.id),
        label=label,
        done_twice=done_twice(index, finding),
    )


def _landing(index: CaseIndex, label: str, finding: Finding) -> Landing:
    effects = index.effects_of(finding)
    first, second = _two(index, effects)
    return Landing(
        what=clip(_what(effects[0]) if effects else finding.title, 120),
        target=clip(finding.target or (effects[0].target if effects else ""), 120),
        first=first,
        second=second,
        message=clip(finding.message, 400),
        precision=clip(finding.precision, 20),
        anchor=finding_anchor(finding.id),
        label=label,
    )


def _two(index: CaseIndex, effects: Sequence[Effect]) -> tuple[Place, Place]:
    """Return the first effect and the first one after it from another job, else the last."""
    none = Place("–", "", None)
    if not effects:
        return none, none
    first = effects[0]
    later = [e for e in effects[1:] if (e.run_id, e.attempt, e.job_id) != (first.run_id, first.attempt, first.job_id)]
    second = later[0] if later else effects[-1]
    return _place(index, first), none if second is first else _place(index, second)


def _gap(effects: Sequence[Effect]) -> str:
    times = [e.occurred_at for e in effects if e.occurred_at is not None]
    return duration((times[1] - times[0]).total_seconds()) if len(times) > 1 else "unknown"


def _what(effect: Effect) -> str:
    return clip(f"{effect.tool} {effect.effect}", 80)


def _place(index: CaseIndex, effect: Effect) -> Place:
    url = line_url(
        index.analysis.host, effect.repository, effect.run_id, effect.attempt, effect.job_id, effect.step_number
    )
    step = "?" if effect.step_number is None else effect.step_number
    return Place(stamp(effect.occurred_at), f"{effect.run_id} · {step}:{effect.line_no}", url)


def _deeds(effects: Sequence[Effect]) -> tuple[Deeds, ...]:
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    targets: dict[str, set[str]] = defaultdict(set)
    for effect in effects:
        outcomes[_what(effect)][effect.outcome if effect.outcome in OUTCOMES else "unknown"] += 1
        targets[_what(effect)].add(effect.target)
    order = sorted(outcomes, key=lambda what: (-outcomes[what].total(), what))
    return tuple(Deeds(w, len(targets[w]), tuple(outcomes[w][o] for o in OUTCOMES)) for w in order[:60])
