"""Workflows, runs, attempts, jobs, logs and concurrency groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from forensics.synth import rest
from forensics.synth.history import Attempt, Job
from forensics.synth.logtext import BOM, pack_logs, render_job
from forensics.synth.template import WORKFLOW_FILES
from tests.standin.ask import DOCS, Ask, Refused, Told, paginate, scroll
from tests.standin.search import FILTERS, select_runs
from tests.standin.shapes import name_groups, show_jobs, show_run
from tests.standin.state import Repository, RunState


def list_workflows(ask: Ask) -> Told:
    shown = [rest.show_workflow(ask.entry.history, file) for file in WORKFLOW_FILES]
    page, headers = paginate(ask, shown)
    return Told({"total_count": len(shown), "workflows": page}, headers=headers)


def tell_workflow(ask: Ask) -> Told:
    return Told(rest.show_workflow(ask.entry.history, _find_workflow(ask)))


def tell_workflow_usage(ask: Ask) -> Told:
    _find_workflow(ask)
    return Told({"billable": {}})


def list_runs(ask: Ask) -> Told:
    return _list(ask, ask.entry.newest_first())


def list_workflow_runs(ask: Ask) -> Told:
    file = _find_workflow(ask)
    return _list(ask, [state for state in ask.entry.newest_first() if state.run.workflow == file])


def tell_run(ask: Ask) -> Told:
    state = find_run(ask)
    return Told(show_run(ask.entry, state, state.run.latest, pulls=_wants_pulls(ask)))


def tell_attempt(ask: Ask) -> Told:
    state, attempt = _find_attempt(ask)
    return Told(show_run(ask.entry, state, attempt, pulls=_wants_pulls(ask)))


def list_jobs(ask: Ask) -> Told:
    state = find_run(ask)
    attempts: Sequence[Attempt] = [state.run.latest]
    match ask.query.get("filter", "latest"):
        case "latest":
            pass
        case "all":
            attempts = state.run.attempts[::-1]
        case other:
            raise Refused(422, "Validation Failed", errors=[{"code": "invalid", "field": "filter", "value": other}])
    return _show_jobs(ask, state, attempts)


def list_attempt_jobs(ask: Ask) -> Told:
    state, attempt = _find_attempt(ask)
    return _show_jobs(ask, state, [attempt])


def tell_job(ask: Ask) -> Told:
    state, attempt, job = find_job(ask)
    return Told(show_jobs(ask.entry, state, attempt)[attempt.jobs.index(job)])


def tell_run_usage(ask: Ask) -> Told:
    state = find_run(ask)
    lasted = state.run.latest.ended_at - state.run.latest.asked_at
    return Told({"billable": {}, "run_duration_ms": int(lasted.total_seconds() * 1000)})


def list_approvals(ask: Ask) -> Told:
    find_run(ask)
    return Told([])


def fetch_logs(ask: Ask) -> Told:
    """302 to the archive of the latest attempt."""
    state = find_run(ask)
    return _fetch_archive(ask, state, state.run.latest)


def fetch_attempt_logs(ask: Ask) -> Told:
    """302 to the archive of one attempt."""
    return _fetch_archive(ask, *_find_attempt(ask))


def fetch_job_logs(ask: Ask) -> Told:
    """302 to one job's text; a job that a partial re-run took over shows what it wrote when it ran."""
    state, attempt, job = find_job(ask)
    if attempt.number in state.expired:
        raise _expired("download-job-logs-for-a-workflow-run")
    wrote = _who_wrote(state, attempt, job)
    phase = state.phase_of(attempt)
    if wrote is None or (phase != "completed" and not job.copied):
        raise Refused(404, "Not Found")
    text = BOM + render_job(ask.entry.history, state.run, *wrote).text
    return _redirect(ask, f"job-logs-{job.job_id}.txt", "text/plain; charset=utf-8", text)


def list_run_groups(ask: Ask) -> Told:
    """Groups by the run's configuration; members only while they hold or wait."""
    state = find_run(ask)
    names = [name for _, name in name_groups(ask.entry.history, state.run, state.run.latest)]
    page, headers = scroll(ask, names)
    shown = [_show_group(ask.entry, name) | {"group_members": _members(ask, name, positions=True)} for name in page]
    return Told({"total_count": len(names), "concurrency_groups": shown}, headers=headers)


def list_groups(ask: Ask) -> Told:
    """Groups that something holds or waits for."""
    active: dict[str, str] = {}
    for state in ask.entry.runs.values():
        if state.phase != "completed":
            for _, name in name_groups(ask.entry.history, state.run, state.run.latest):
                active.setdefault(name, rest.stamp(state.run.latest.asked_at))
    page, headers = scroll(ask, sorted(active))
    shown = [_show_group(ask.entry, name) | {"last_acquired_at": active[name]} for name in page]
    return Told({"total_count": len(active), "concurrency_groups": shown}, headers=headers)


def tell_group(ask: Ask) -> Told:
    """The queue of one group; 404 when nobody is in it."""
    name = ask.parts["group"]
    members = _members(ask, name, positions=False)
    if not members:
        raise Refused(404, "Not Found")
    if "ahead_of_run" in ask.query:
        ids = [str(member["run_id"]) for member in members]
        if ask.query["ahead_of_run"] not in ids:
            raise Refused(422, "The run is not in this concurrency group.")
        members = members[: ids.index(ask.query["ahead_of_run"]) + 1]
    elif "ahead_of_job" in ask.query:
        raise Refused(422, "The job is not in this concurrency group.")
    return Told(_show_group(ask.entry, name) | {"total_count": len(members), "group_members": members})


def find_run(ask: Ask) -> RunState:
    """The run that the path names."""
    state = ask.entry.runs.get(ask.number("run"))
    if state is None:
        raise Refused(404, "Not Found")
    return state


def find_job(ask: Ask) -> tuple[RunState, Attempt, Job]:
    """The job (or check run) that the path names."""
    found = ask.entry.find_job(ask.number("job"))
    if found is None:
        raise Refused(404, "Not Found")
    return found


def _list(ask: Ask, runs: list[RunState]) -> Told:
    chosen = select_runs(ask, runs)
    searched = any(name in ask.query for name in FILTERS)
    total = min(len(chosen), ask.world.search_total) if searched else len(chosen)
    page, headers = paginate(ask, chosen, cap=ask.world.search_results if searched else None)
    pulls = _wants_pulls(ask)
    shown = [show_run(ask.entry, state, state.run.latest, pulls=pulls) for state in page]
    return Told({"total_count": total, "workflow_runs": shown}, headers=headers)


def _wants_pulls(ask: Ask) -> bool:
    return ask.query.get("exclude_pull_requests", "false") != "true"


def _find_workflow(ask: Ask) -> str:
    """Its file name, from an id or a file name."""
    wanted = ask.parts["workflow"]
    for file in WORKFLOW_FILES:
        if wanted in (file, str(rest.workflow_id(file))):
            return file
    raise Refused(404, "Not Found")


def _find_attempt(ask: Ask) -> tuple[RunState, Attempt]:
    state = find_run(ask)
    attempt = state.attempt(ask.number("attempt"))
    if attempt is None:
        raise Refused(404, "Not Found")
    return state, attempt


def _show_jobs(ask: Ask, state: RunState, attempts: Sequence[Attempt]) -> Told:
    shown = [job for attempt in attempts for job in show_jobs(ask.entry, state, attempt)]
    page, headers = paginate(ask, shown)
    return Told({"total_count": len(shown), "jobs": page}, headers=headers)


def _fetch_archive(ask: Ask, state: RunState, attempt: Attempt) -> Told:
    if attempt.number in state.expired:
        raise _expired("download-workflow-run-attempt-logs")
    if state.phase_of(attempt) != "completed":
        raise Refused(404, "Not Found")
    if attempt.number not in state.archives:
        state.archives[attempt.number] = pack_logs(ask.entry.history, state.run, attempt)
    content = state.archives[attempt.number]
    if content is None:
        raise Refused(404, "Not Found")
    return _redirect(ask, f"logs_{state.run_id}_{attempt.number}.zip", "application/zip", content)


def _redirect(ask: Ask, name: str, content_type: str, content: bytes) -> Told:
    address = ask.blob(name, content_type, content)
    return Told(b"", 302, {"Location": address}, "text/html;charset=utf-8", kept=False)


def _expired(anchor: str) -> Refused:
    """410 with the misleading message that GitHub really gives (rust-lang/triagebot#2241)."""
    return Refused(410, "Server Error", documentation_url=f"{DOCS}/actions/workflow-runs#{anchor}")


def _who_wrote(state: RunState, attempt: Attempt, job: Job) -> tuple[Attempt, Job] | None:
    """The attempt in which the job ran, and the job as of then."""
    for earlier in state.run.attempts[attempt.number - 1 :: -1]:
        for known in earlier.jobs:
            if known.name == job.name and known.executed:
                return earlier, known
        if not job.copied:
            return None
    return None


def _show_group(entry: Repository, name: str) -> dict[str, Any]:
    return {
        "group_name": name,
        "group_url": f"{rest.api_url(entry.history)}/actions/concurrency_groups/{quote(name, safe='')}",
    }


def _members(ask: Ask, name: str, *, positions: bool) -> list[dict[str, Any]]:
    """Who holds the group, then who waits for it."""
    found = []
    for state in ask.entry.runs.values():
        if state.phase == "completed":
            continue
        if any(group == name for _, group in name_groups(ask.entry.history, state.run, state.run.latest)):
            found.append(state)
    found.sort(key=lambda state: (state.phase != "in_progress", state.run_id))
    shown = []
    for place, state in enumerate(found):
        told = show_run(ask.entry, state, state.run.latest)
        member = {
            "run_id": state.run_id,
            "run_name": told["name"],
            "run_url": told["url"],
            "run_html_url": told["html_url"],
            "status": "in_progress" if place == 0 and state.phase == "in_progress" else "pending",
        }
        if positions:
            group = _show_group(ask.entry, name)["group_url"]
            member |= {"position": place, "position_url": f"{group}?ahead_of_run={state.run_id}"}
        shown.append(member)
    return shown
