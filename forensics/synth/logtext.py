"""A job's log as bytes: every line with the runner's clock, step by step, and the archive of an attempt.

Two generations of archives: the older has ``1_job.txt`` and a file for each step, the newer ``0_job.txt`` and
``job/system.txt``. Files begin with a byte order mark, but not ``system.txt``.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from io import BytesIO
from random import Random

from forensics.synth.frame import tell_body, tell_end, tell_header, tell_system
from forensics.synth.history import Attempt, History, Job, Run, Step
from forensics.synth.scene import Scene, Timed
from forensics.synth.template import JobTemplate, StepTemplate

BOM = b"\xef\xbb\xbf"
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_EPOCH = datetime(1970, 1, 1)
_TICKS = 10_000_000
"""A runner's clock writes tenths of microseconds."""


@dataclass(frozen=True)
class JobLog:
    """What one job wrote."""

    job: Job
    steps: tuple[tuple[Step, bytes], ...]
    """The lines of each step that ran, without byte order mark."""
    system: bytes

    @property
    def text(self) -> bytes:
        """All steps one after the other."""
        return b"".join(lines for _, lines in self.steps)


def render_job(history: History, run: Run, attempt: Attempt, job: Job, scale: int = 1) -> JobLog:
    """The log of an executed job; the same job always gives the same bytes."""
    workflow = history.workflow(run.workflow)
    template = workflow.job(job.name)
    rng = Random(f"{history.seed} {job.job_id}")  # noqa: S311 - made-up data must be repeatable, not secret
    first = Scene(history, run, attempt, job, job.steps[0], template, None, rng, workflow.permissions, scale)
    steps = []
    for step in job.steps:
        if step.conclusion != "skipped":
            scene = replace(first, step=step, step_template=_find_template(template, step))
            steps.append((step, _stamp(scene)))
    return JobLog(job, tuple(steps), _stamp_system(first))


def pack_logs(history: History, run: Run, attempt: Attempt, scale: int = 1) -> bytes | None:
    """The zip that ``GET …/attempts/N/logs`` answers with, or None when nothing ran."""
    logs = [render_job(history, run, attempt, job, scale) for job in attempt.jobs if job.executed]
    if not logs:
        return None
    members = _old_members(logs) if is_old_layout(run, attempt) else _new_members(logs)
    return pack(members)


def pack(members: list[tuple[str, bytes]], level: int = 6) -> bytes:
    """A zip whose bytes depend on nothing but its members: GitHub's, too, know no date."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members:
            entry = zipfile.ZipInfo(name, _ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 0
            archive.writestr(entry, content, compresslevel=level)
    return buffer.getvalue()


def is_old_layout(run: Run, attempt: Attempt) -> bool:
    """Half of the archives are of the older generation."""
    return (run.run_id // 7 + attempt.number) % 2 == 0


def clean_name(name: str) -> str:
    """A job's or step's name as it stands in an archive."""
    return "".join("_" if sign in '/\\:"*?<>|' else sign for sign in name)


def _old_members(logs: list[JobLog]) -> list[tuple[str, bytes]]:
    members = [(f"{n}_{clean_name(log.job.name)}.txt", BOM + log.text) for n, log in enumerate(logs, start=1)]
    for log in logs:
        folder = clean_name(log.job.name)
        members += [(f"{folder}/{step.number}_{clean_name(step.name)}.txt", BOM + lines) for step, lines in log.steps]
    return members


def _new_members(logs: list[JobLog]) -> list[tuple[str, bytes]]:
    members = [(f"{n}_{clean_name(log.job.name)}.txt", BOM + log.text) for n, log in enumerate(logs)]
    return members + [(f"{clean_name(log.job.name)}/system.txt", log.system) for log in logs]


def _find_template(template: JobTemplate, step: Step) -> StepTemplate | None:
    name = step.name.removeprefix("Post ")
    return next((entry for entry in template.steps if entry.name == name), None)


def _stamp(scene: Scene) -> bytes:
    """The step's lines, spread over its time: the header at once, the body bit by bit, the end at the end."""
    rng = scene.rng
    begin = to_ticks(scene.step.started_at + scene.job_skew)
    length = to_ticks(scene.step.completed_at + scene.job_skew) - begin
    header, body, end = tell_header(scene), tell_body(scene), tell_end(scene)
    moments = [begin + 300 + 6 * place for place in range(len(header))]
    if scene.step.said is None:
        moments += _spread(body, begin + int(length * 0.01), int(length * 0.97), rng)
    else:
        moments += [to_ticks(moment + scene.job_skew) for moment, _ in scene.step.said]
    moments += [begin + int(length * 0.99) for _ in end]
    out: list[str] = []
    last = 0
    for moment, line in zip(moments, [*header, *body, *end], strict=True):
        last = max(moment, last + 7)
        out.append(f"{format_stamp(last)} {line}\n")
    return "".join(out).encode()


def _spread(lines: list[str], begin: int, length: int, rng: Random) -> list[int]:
    """A moment for each line: known gaps as they are (shrunk if they do not fit), the rest of the time by chance."""
    known = [int(line.gap * _TICKS) if isinstance(line, Timed) else None for line in lines]
    fixed = sum(gap for gap in known if gap is not None)
    shrink = min(1.0, 0.9 * length / fixed) if fixed else 1.0
    dice = [rng.expovariate(1.0) if gap is None else 0.0 for gap in known]
    share = (length - fixed * shrink) / (sum(dice) or 1.0)
    moments = []
    moment = float(begin)
    for gap, die in zip(known, dice, strict=True):
        moment += die * share if gap is None else gap * shrink
        moments.append(int(moment) + rng.randrange(300))
    return moments


def _stamp_system(scene: Scene) -> bytes:
    """GitHub's own clock, in milliseconds padded with zeros, not in order, and without a newline at the end."""
    job = scene.job
    picked = job.started_at - timedelta(milliseconds=700)
    asked = max(job.created_at, picked - timedelta(seconds=2))
    stamps = [picked, picked, asked, asked, asked]
    lines = [
        f"{format_stamp(to_ticks(moment) // 10_000 * 10_000)} {line}"
        for moment, line in zip(stamps, tell_system(scene), strict=True)
    ]
    return "\n".join(lines).encode()


def to_ticks(moment: datetime) -> int:
    """Tenths of microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 10


def format_stamp(ticks: int) -> str:
    """Tenths of microseconds since 1970 as the runner writes them: seven digits and Z."""
    seconds, rest = divmod(ticks, _TICKS)
    return f"{_format_second(seconds)}.{rest:07d}Z"


@lru_cache(maxsize=4096)
def _format_second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()
