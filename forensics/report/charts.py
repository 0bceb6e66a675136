"""Static pictures as SVG text: they print, scale, need no script, and take their colours from the style sheet.

Every piece is made by ``Markup.format``, which escapes what it is given; the parts in front of ``.format`` are
constants of this file.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from forensics.model import Attempt, Effect, Finding
from forensics.report.index import OVERLAPS, CaseIndex, Span, ref_of, state_of
from forensics.report.text import clip, counted, day, duration, epoch, moment
from forensics.report.timeline import GRAIN_SECONDS

CLOSE_UP_RUNS = 8
WIDTH = 1_080
LABEL = 190
ROW = 38
HEAD = 26

_TIME_STEPS = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200,
    86_400, 172_800, 604_800, 1_209_600, 2_592_000, 7_776_000, 31_536_000,
)  # fmt: skip
_LOG_TICKS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400, 259_200, 1_209_600)


@dataclass(frozen=True)
class CloseUp:
    """The runs of a finding, drawn."""

    svg: Markup
    caption: str


@dataclass(frozen=True)
class _Row:
    attempt: Attempt
    span: Span
    effects: tuple[Effect, ...]


class _Axis:
    """Maps times to x; with room at both ends for a marker."""

    def __init__(self, first: datetime, last: datetime, left: float, right: float) -> None:
        seconds = max((last - first).total_seconds(), 10.0)
        self.from_, self.seconds = epoch(first) - seconds * 0.04, seconds * 1.08
        self.left, self.right = left, right

    def x(self, at: datetime) -> float:
        share = (epoch(at) - self.from_) / self.seconds
        return round(self.left + min(max(share, 0.0), 1.0) * (self.right - self.left), 1)

    def ticks(self) -> list[tuple[float, str]]:
        """Return x and label of about eight round times."""
        step = next((s for s in _TIME_STEPS if self.seconds / s <= 9), _TIME_STEPS[-1])
        first = math.ceil(self.from_ / step) * step
        count = int((self.from_ + self.seconds - first) // step) + 1
        moments = [datetime(1970, 1, 1) + timedelta(seconds=first + i * step) for i in range(min(count, 12))]
        return [(self.x(at), _tick_label(at, step)) for at in moments]


def _tick_label(at: datetime, step: int) -> str:
    if step >= 86_400:
        return day(at, year=False)
    if step >= 60:
        return f"{at:%H:%M}" if at.hour or at.minute else day(at, year=False)
    return f"{at:%H:%M:%S}"


def close_up(index: CaseIndex, finding: Finding) -> CloseUp | None:
    """Draw the runs of a finding, when they overlapped, and what they did; None if no run has a time."""
    effects = index.effects_of(finding)
    rows = _rows(index, finding, effects)
    if not rows:
        return None
    times = [t for row in rows for t in (row.span.asked, row.span.ended)]
    times += [e.occurred_at for row in rows for e in row.effects if e.occurred_at]
    axis = _Axis(min(times), max(times), LABEL, WIDTH - 10)
    height = HEAD + ROW * len(rows) + 6
    band = _overlap(rows) if finding.detector in OVERLAPS or len(effects) > 1 else None
    parts = [_grid(axis, height), _band(axis, band, height)]
    parts += [_run(axis, row, HEAD + ROW * i, index) for i, row in enumerate(rows)]
    caption = _caption(finding, rows, band)
    svg = Markup('<svg class="closeup" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, height, f"Runs of this finding over time, UTC. {caption}", Markup("").join(parts)
    )
    return CloseUp(svg, caption)


def _rows(index: CaseIndex, finding: Finding, effects: Sequence[Effect]) -> list[_Row]:
    """Return the first runs of a finding, those with its effects before the others, then by start."""
    wanted = {ref_of(e) for e in effects}
    spans = [(a, s) for a in index.attempts_of(finding) if (s := index.span_of(a)) is not None]
    near = index.extent_of(finding)
    if near is not None and len(spans) > 2:
        spans = [(a, s) for a, s in spans if s.ended >= near[0] and s.asked <= near[1]] or spans
    spans.sort(key=lambda pair: (ref_of(pair[0]) not in wanted, pair[1].started, ref_of(pair[0])))
    chosen = sorted(spans[:CLOSE_UP_RUNS], key=lambda pair: (pair[1].started, ref_of(pair[0])))
    return [_Row(a, s, tuple(index.effects.get(ref_of(a), ())[:40])) for a, s in chosen]


def _overlap(rows: Sequence[_Row]) -> tuple[datetime, datetime] | None:
    """Return the longest stretch in which two of the runs executed at once, if it outlasts the clocks' grain."""
    best: tuple[datetime, datetime] | None = None
    ordered = [row.span for row in rows if row.span.executed]
    for i, one in enumerate(ordered):
        for other in ordered[i + 1 :]:
            start, end = max(one.started, other.started), min(one.ended, other.ended)
            longer = best is None or end - start > best[1] - best[0]
            if (end - start).total_seconds() > GRAIN_SECONDS and longer:
                best = (start, end)
    return best


def _caption(finding: Finding, rows: Sequence[_Row], band: tuple[datetime, datetime] | None) -> str:
    said = []
    if band is not None:
        seconds = (band[1] - band[0]).total_seconds()
        said.append(f"Two of these runs were under way at once for {duration(seconds)}, from {moment(band[0])}.")
    more = len(set(finding.runs)) - len(rows)
    if more > 0:
        said.append(f"{counted(more, 'more run')} of this finding not drawn.")
    return " ".join(said) or f"{counted(len(rows), 'run')} from {moment(min(r.span.asked for r in rows))}."


def _grid(axis: _Axis, height: int) -> Markup:
    line = Markup('<path class="grid" d="M{0} {1}V{2}"/><text class="tick" x="{0}" y="14">{3}</text>')
    return Markup("").join(
        line.format(x, HEAD - 6, height, label if x < WIDTH - 25 else "") for x, label in axis.ticks()
    )


def _band(axis: _Axis, band: tuple[datetime, datetime] | None, height: int) -> Markup:
    if band is None:
        return Markup("")
    x0, x1 = axis.x(band[0]), axis.x(band[1])
    return Markup(
        '<rect class="band" x="{0}" y="{2}" width="{4}" height="{3}"/>'
        '<path class="edge" d="M{0} {2}v{3}M{1} {2}v{3}"/>'
    ).format(x0, x1, HEAD - 4, height - HEAD + 2, round(max(x1 - x0, 1), 1))


def _run(axis: _Axis, row: _Row, top: int, index: CaseIndex) -> Markup:
    """Draw one run: names at the left, waiting as a line, executing as a bar, its effects as diamonds."""
    a, span, middle = row.attempt, row.span, top + ROW // 2
    x0, x1 = axis.x(span.started), axis.x(span.ended)
    width = round(max(x1 - x0, 3), 1)
    diamonds = [_diamond(axis, e, middle, id(e) in index.twice) for e in row.effects]
    return Markup("").join([_names(a, middle), _bar(axis, span, state_of(a), middle, x0, width),
                            _bar_label(axis, row, x0, x0 + width, middle), *diamonds])  # fmt: skip


def _names(attempt: Attempt, middle: int) -> Markup:
    where = clip(attempt.branch or "", 20) + (f" @ {clip(attempt.sha[:7], 7)}" if attempt.sha else "")
    return Markup('<text class="name" x="0" y="{}">{}</text><text class="sub" x="0" y="{}">{}</text>').format(
        middle - 3, clip(attempt.workflow, 26), middle + 11, where or clip(attempt.lane, 30)
    )


def _bar(axis: _Axis, span: Span, state: str, middle: int, x0: float, width: float) -> Markup:
    return Markup(
        '<path class="wait" d="M{} {}H{}"/><rect class="b-{}" x="{}" y="{}" width="{}" height="20" rx="2"/>'
    ).format(axis.x(span.asked), middle, x0, state, x0, middle - 10, width)


_ENDS = {"ok": "", "failed": " ✕", "cancelled": " · cancelled", "running": " · running", "other": ""}


def _bar_label(axis: _Axis, row: _Row, x0: float, x1: float, middle: int) -> Markup:
    """Name the run where it fits and no marker covers it: in the bar, else behind it, else before it."""
    a, span = row.attempt, row.span
    state = state_of(a)
    ran = duration((span.ended - span.started).total_seconds()) if span.executed else "never executed"
    name = f"#{a.run_number}" if a.run_number is not None else str(a.run_id)
    text = clip(f"{name}{f' attempt {a.attempt}' if a.attempt > 1 else ''} · {ran}{_ENDS[state]}", 60)
    wide = 7.1 * len(text)
    markers = [axis.x(at) for e in row.effects if (at := e.occurred_at or e.started_at)]
    places = [(x1 + 14, False), (axis.x(span.asked) - 10 - wide, False)]
    if state != "cancelled" and x1 - x0 > wide + 16:
        places = [(x0 + 8, True), (x1 - 8 - wide, True), ((x0 + x1 - wide) / 2, True), *places]
    free = [p for p in places if p[0] >= LABEL and p[0] + wide <= WIDTH and not _covered(p[0], wide, markers)]
    x, inside = (free or places)[0]
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(
        "in" if inside else "out", round(x, 1), middle + 4, text
    )


def _covered(x: float, wide: float, markers: Sequence[float]) -> bool:
    return any(x - 10 < marker < x + wide + 10 for marker in markers)


def _diamond(axis: _Axis, effect: Effect, middle: int, twice: bool) -> Markup:
    at = effect.occurred_at or effect.started_at
    if at is None:
        return Markup("")
    size = 8 if twice else 5
    said = f"{effect.tool} {effect.effect} {clip(effect.target, 80)}, {clip(effect.outcome, 20)}, {moment(at)}"
    return Markup(
        '<g transform="translate({} {})"><title>{}</title><path class="{}" d="M0 -{s}L{s} 0L0 {s}L-{s} 0Z"/>{}</g>'
    ).format(axis.x(at), middle, clip(said, 200), "twice" if twice else "did",
             Markup('<text class="n2" y="4">2</text>') if twice else "", s=size)  # fmt: skip


@dataclass(frozen=True)
class Series:
    """One row of a histogram: whole seconds, not empty, sorted."""

    name: str
    note: str
    seconds: tuple[int, ...]


def percentile(ordered: Sequence[int], share: float) -> int:
    """Return the nearest-rank percentile of a sorted, non-empty sequence."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def histogram(title: str, series: Sequence[Series]) -> Markup:
    """Draw one small histogram a series on one log scale, with a tick at the median and a triangle at p95."""
    low, high = _log_bounds(series)
    left, right, step = 170, 540, 52
    ticks = [t for t in _LOG_TICKS if low <= t <= high]
    ticks = ticks[:: max(1, math.ceil(len(ticks) / 6))]

    def x(seconds: float) -> float:
        share = math.log(max(seconds, low) / low) / math.log(high / low)
        return round(left + min(share, 1.0) * (right - left), 1)

    height = 24 + step * len(series) + 4
    grid = Markup('<path class="grid" d="M{0} 20V{1}"/><text class="tick" x="{0}" y="13">{2}</text>')
    parts = [grid.format(x(t), height - 4, duration(t).removesuffix(" 00 s").removesuffix(" 00 m")) for t in ticks]
    parts += [_histogram_row(s, 24 + step * i, x, low, high, left, right) for i, s in enumerate(series)]
    return Markup('<svg class="histogram" viewBox="0 0 560 {}" role="img" aria-label="{}">{}</svg>').format(
        height, f"{title}: histograms on a log scale; the same numbers are in the table below.",
        Markup("").join(parts),
    )  # fmt: skip


def _log_bounds(series: Sequence[Series]) -> tuple[int, int]:
    values = [second for one in series for second in (one.seconds[0], one.seconds[-1])]
    low = max((t for t in _LOG_TICKS if t <= max(min(values), 1)), default=1)
    high = next((t for t in _LOG_TICKS if t >= max(values)), max(values))
    return low, max(high, low * 2)


def _histogram_row(series: Series, top: int, x: object, low: int, high: int, left: int, right: int) -> Markup:
    assert callable(x)  # noqa: S101
    bins = 36
    edges = [low * (high / low) ** (i / bins) for i in range(1, bins)]
    counts = [0] * bins
    for second in series.seconds:
        counts[bisect_right(edges, max(second, low))] += 1
    tallest, floor, wide = max(counts), top + 36, (right - left) / bins
    bar = Markup('<rect class="hist" x="{}" y="{}" width="{}" height="{}"/>')
    bars = [
        bar.format(round(left + i * wide, 1), round(floor - tall, 1), round(wide - 1, 1), round(tall, 1))
        for i, n in enumerate(counts)
        if n and (tall := max(1.5, 32 * n / tallest))
    ]
    p50, p95 = x(percentile(series.seconds, 0.5)), x(percentile(series.seconds, 0.95))
    return Markup(
        '<text class="name" x="0" y="{}">{}</text><text class="sub" x="0" y="{}">{}</text>'
        '<path class="grid" d="M{} {}H{}"/>{}<path class="mark" d="M{} {}v9"/>'
        '<path class="mark95" d="M{} {}l5 8h-10Z"/>'
    ).format(top + 24, clip(series.name, 24), top + 37, clip(series.note, 30), left, floor, right,
             Markup("").join(bars), p50, floor - 1, p95, floor + 1)  # fmt: skip
