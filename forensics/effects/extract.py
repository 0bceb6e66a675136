"""Log lines in, effects out: one pass of one regular expression over everything, then only the steps that matter.

1. One alternation of all announcements finds the steps in which something can have happened.
2. In these steps alone, the patterns of the rules concerned pick the lines that mean something.
3. :mod:`forensics.effects.walk` reads those few lines in order and pairs announcement with outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from forensics.effects.act import BODY_KINDS, HEADER_KINDS, Act, Pattern
from forensics.effects.rule import RuleSet, alternation, beginnings
from forensics.effects.walk import ERROR, HEADED, JobContext, Line, Match, walk_job

__all__ = [
    "CHECKED_OUT", "EFFECT_SCHEMA", "MAX_TEXT", "SHA_COMMAND", "STEP_BORDER", "JobContext", "acts_in", "extract",
    "find_hits",
]  # fmt: skip

MAX_TEXT = 4096
"""Characters of a line that are looked at; a tool's announcement is far shorter, a dumped file may be far longer."""

EFFECT_SCHEMA: Mapping[str, Any] = {
    "repository": pl.String,
    "run_id": pl.Int64,
    "attempt": pl.Int32,
    "job_id": pl.Int64,
    "step_number": pl.Int32,
    "started_at": pl.Datetime("us"),
    "occurred_at": pl.Datetime("us"),
    "tool": pl.String,
    "effect": pl.String,
    "target": pl.String,
    "identity": pl.String,
    "outcome": pl.String,
    "sha": pl.String,
    "rule": pl.String,
    "line_no": pl.Int32,
    "started_line_no": pl.Int32,
    "text": pl.String,
}
"""Columns of :func:`extract`: those of table ``effects`` but ``source_id``."""

STEP_BORDER = r"^(?:##\[group\]Run |Post job cleanup\.)"
# The path of git differs by runner: /usr/bin/git, "C:\Program Files\Git\bin\git.exe", /opt/homebrew/bin/git.
SHA_COMMAND = r"^\[command\].*\bgit(?:\.exe)?\"? log -1 --format='?%H'?\s*$"
_SHA_LINE = r"^'?(?P<sha>[0-9a-f]{40}(?:[0-9a-f]{24})?)'?\s*$"
CHECKED_OUT = r"^  repository: (?P<repository>[^\s/]+/[^\s/]+)\s*$"


def extract(lines: pl.DataFrame, rules: RuleSet, context: Mapping[int, JobContext] | None = None) -> pl.DataFrame:
    """The effects that log lines prove.

    Args:
        lines: ``repository, run_id, attempt, job_id, step_number, line_no, logged_at, level, text`` of whole
            jobs, one or many (many are cheaper per line). Level ``echo`` is the printed source of a script
            and never an effect.
        rules: what to look for.
        context: workflow and job name by ``job_id``, for targets that are named after them.

    Returns:
        A frame of :data:`EFFECT_SCHEMA`, sorted by job and line. ``sha`` is the commit that the job's own log
        says was checked out before the effect, NULL when it does not say. Times are those of ``logged_at``.
    """
    hits = find_hits(lines, rules)
    acts = acts_in(hits, rules)
    if not acts:
        return pl.DataFrame(schema=EFFECT_SCHEMA)
    jobs = _with_segments(lines.filter(pl.col("job_id").is_in(hits["job_id"].unique().implode())))
    matched = _match(jobs, hits, acts)
    last = dict(jobs.group_by("job_id").agg(pl.col("segment").max()).rows())
    known = context or {}
    rows: list[dict[str, Any]] = []
    for (job_id,), job in matched.group_by("job_id", maintain_order=True):
        number = int(str(job_id))
        rows += walk_job(_lines_of(job), acts, known.get(number, JobContext()), last[number])
    effects = pl.DataFrame(rows, schema=EFFECT_SCHEMA, orient="row")
    return effects.sort("repository", "run_id", "attempt", "job_id", "line_no", "rule", "target", maintain_order=True)


def find_hits(lines: pl.DataFrame, rules: RuleSet) -> pl.DataFrame:
    """The lines (``level``, ``text`` and whatever else they have) with which an effect can begin."""
    seen = lines.filter(pl.col("text").str.contains(rules.first_look))
    # All that costs more only now, for the few lines that are left.
    level = pl.col("level").fill_null("")
    exact = pl.col("text").str.slice(0, MAX_TEXT).str.contains(rules.trigger)
    return seen.filter(exact & ~level.is_in(["echo", "command", "group"]))


def acts_in(hits: pl.DataFrame, rules: RuleSet) -> tuple[Act, ...]:
    """The acts of which a line of ``hits`` can be the beginning."""
    text = hits["text"].str.slice(0, MAX_TEXT).unique()
    begun = {beginning for line in text for beginning in beginnings(line)}
    # Making a regular expression costs more than a thousand looks at the few lines that there are.
    likely = (act for act, heads in rules.heads if any(beginning.startswith(heads) for beginning in begun))
    return tuple(act for act in likely if text.str.contains(alternation(act.triggers)).any())


def _with_segments(jobs: pl.DataFrame) -> pl.DataFrame:
    """Add ``row``, ``segment`` (a stretch of one step in which announcement and outcome have to lie) and
    ``is_header`` (script, inputs and environment, printed before the step does anything).

    A composite action prints several ``Run`` headers inside one step; each opens a segment of its own.
    """  # noqa: D205
    text, level = pl.col("text"), pl.col("level").fill_null("")
    headed = text.str.starts_with("##[group]Run ") | ((level == "group") & text.str.starts_with("Run "))
    # A line without step (the loader does not guess within the second in which one ends) parts nothing.
    step = pl.col("step_number").forward_fill().over("job_id")
    changed = pl.col("job_id").ne(pl.col("job_id").shift()) | step.ne(step.shift()).fill_null(False)
    boundary = changed.fill_null(True) | headed | text.str.contains(STEP_BORDER)
    ended = text.str.starts_with("##[endgroup]") | (level == "endgroup")
    return (
        jobs.sort("job_id", "line_no", maintain_order=True)
        .with_row_index("row")
        .with_columns(
            text=text.str.slice(0, MAX_TEXT),
            segment=boundary.cum_sum(),
            headed=headed,
            ended=ended,
            echo=level == "echo",
        )
        .with_columns(
            open=(pl.col("ended").cum_sum() - pl.col("ended").cast(pl.UInt32)).over("segment") == 0,
            closed=pl.col("ended").any().over("segment"),
            headed_segment=pl.col("headed").first().over("segment"),
        )
        .with_columns(
            # Excerpts lose the end of the group; then only what is certain counts as header.
            is_header=pl.col("headed")
            | pl.col("echo")
            | (pl.col("headed_segment") & pl.col("closed") & pl.col("open"))
        )
    )


def _match(jobs: pl.DataFrame, hits: pl.DataFrame, acts: tuple[Act, ...]) -> pl.DataFrame:
    """The lines that mean something, with ``matches``: which patterns of which acts, and their groups.

    A pattern looks only at the steps, for ``context`` at the jobs, in which its own act can have begun.
    """
    command = pl.col("level").fill_null("") == "command"
    near = jobs.filter(pl.col("line_no").is_in(hits["line_no"].unique().implode()))
    begun = near.join(hits.select("job_id", "line_no"), on=["job_id", "line_no"], how="semi")
    inside = jobs.filter(pl.col("segment").is_in(begun["segment"].unique().implode()))
    headed = inside.select(at=pl.col("is_header") | command)["at"]
    body, header = inside.filter(~headed), inside.filter(headed)
    matches: dict[int, list[Match]] = {}
    for index, act in enumerate(acts):
        start = begun.filter(pl.col("text").str.contains(alternation(act.triggers)))
        own = pl.col("segment").is_in(start["segment"].unique().implode())
        for kinds, place in ((BODY_KINDS, body), (HEADER_KINDS, header)):
            wanted = [kind for kind in kinds if act.of(kind)]
            step = place.filter(own) if wanted else place
            for kind in wanted:
                _collect(step, index, kind, act.of(kind), matches)
        if act.of("context"):
            job = jobs.filter(pl.col("job_id").is_in(start["job_id"].unique().implode()))
            _collect(job, index, "context", act.of("context"), matches)
    rows = set(matches)
    for row in body.filter(pl.col("text").str.starts_with("##[error]"))["row"]:
        matches.setdefault(row, []).append(Match(-1, ERROR, {}))
    for row in header.filter(pl.col("echo") | pl.col("headed"))["row"]:
        matches.setdefault(row, []).append(Match(-1, HEADED, {}))
    touched = jobs.filter(pl.col("row").is_in(list(rows)))["job_id"].unique()
    for row, groups in _checkouts(jobs.filter(pl.col("job_id").is_in(touched.implode()))):
        matches.setdefault(row, []).append(Match(-1, "checkout", groups))
    kept = jobs.filter(pl.col("row").is_in(list(matches)))
    return kept.with_columns(pl.Series("matches", [matches[row] for row in kept["row"]], dtype=pl.Object))


def _collect(
    place: pl.DataFrame, act: int, kind: str, patterns: tuple[Pattern, ...], into: dict[int, list[Match]]
) -> None:
    """Add the lines of ``place`` that match; of several patterns of one kind the first in the file counts."""
    for pattern in patterns:
        found = place.filter(pl.col("text").str.contains(pattern.regex))
        if found.is_empty():
            continue
        groups = found["text"].str.extract_groups(pattern.regex).to_list() if pattern.groups else [{}] * len(found)
        for row, values in zip(found["row"], groups, strict=True):
            known = {name: values[name] for name in pattern.groups if values[name]}
            into.setdefault(row, []).append(Match(act, kind, known))


def _checkouts(jobs: pl.DataFrame) -> list[tuple[int, dict[str, str]]]:
    """Rows where actions/checkout names the repository it fetches and the commit it left checked out."""
    text = pl.col("text")
    asked = jobs.filter(text.str.starts_with("[command]") & text.str.contains(SHA_COMMAND)).select("job_id", "row")
    after = jobs.filter(pl.col("row").is_in((asked["row"] + 1).implode()))
    said = after.join(asked.with_columns(pl.col("row") + 1), on=["job_id", "row"], how="semi")
    left = said.with_columns(sha=text.str.extract(_SHA_LINE)).filter(pl.col("sha").is_not_null())
    header = jobs.filter(pl.col("is_header") & text.str.starts_with("  repository: "))
    fetched = header.with_columns(named=text.str.extract(CHECKED_OUT)).filter(pl.col("named").is_not_null())
    return [(row, {"sha": sha}) for row, sha in left.select("row", "sha").rows()] + [
        (row, {"fetched": named}) for row, named in fetched.select("row", "named").rows()
    ]


def _lines_of(job: pl.DataFrame) -> list[Line]:
    columns = job.select(
        "repository", "run_id", "attempt", "job_id", "step_number", "line_no", "logged_at", "text", "segment"
    ).rows()
    return [Line(*(*values, tuple(found))) for values, found in zip(columns, job["matches"], strict=True)]
