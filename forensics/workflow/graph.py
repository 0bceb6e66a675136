"""What is wrong with the jobs of a file beyond their shape: ids, ``needs``, jobs that do nothing, called workflows.

Source: ConvertToJobs in WorkflowTemplateConverter.cs of the runner (actions/runner at 258d6c8). That a job without
steps is refused ("No steps defined in `steps` and no workflow called in `uses`") is seen in GitHub's answers.
"""

from __future__ import annotations

import re

from forensics.workflow.check import Check
from forensics.workflow.compose import Leaf, Node, Row, Table
from forensics.workflow.concurrency import check_concurrency
from forensics.workflow.ids import find_id_problem
from forensics.workflow.pick import get, is_expression, keyed
from forensics.workflow.steps import check_steps

# ``$/`` (2026) names the repository of the file itself, as ``./`` does.
_LOCAL = re.compile(r"[.$]/\.github/workflows/[^/@]+\.ya?ml")
_REMOTE = re.compile(r"[^/@]+/[^/@]+/\.github/workflows/[^/@]+\.ya?ml@.+")
_GROUP_OWNERS = ("org", "organization", "ent", "enterprise")


def check_jobs(jobs: Node | None, check: Check) -> None:
    """Refuse what GitHub refuses."""
    found = [(key, body) for key, body in keyed(jobs) if isinstance(body, Table)]
    if isinstance(jobs, Table) and not jobs.pairs:
        check.refuse(jobs.place, "'jobs' is empty; expected at least one job.")
    for key, body in found:
        if key.text and (problem := find_id_problem(key.text, "job", {})):
            check.refuse(key.place, problem)
        _check_work(key, body, check)
        _check_runner_group(get(body.get("runs-on"), "group"), check)
        check_concurrency(body.get("concurrency"), check)
        check_steps(body.get("steps"), check)
    _check_needs({key.text.lower(): (key, _needs(body)) for key, body in found}, check)


def _check_work(key: Leaf, body: Table, check: Check) -> None:
    uses, steps = body.get("uses"), body.get("steps")
    if isinstance(uses, Leaf) and uses.text and not (_LOCAL.fullmatch(uses.text) or _REMOTE.fullmatch(uses.text)):
        if is_expression(uses):
            return
        check.refuse(
            uses.place,
            f"'uses' is '{uses.text[:60]}'; expected './.github/workflows/file.yml' or"
            " 'owner/repository/.github/workflows/file.yml@version'.",
        )
    empty = steps is None or (isinstance(steps, Row) and not steps.items)
    if uses is None and empty and body.get("runs-on") is not None:
        check.refuse(
            key.place, f"The job '{key.text[:60]}' does nothing; expected 'steps', or 'uses' with a workflow."
        )


def _check_runner_group(group: Node | None, check: Check) -> None:
    if not isinstance(group, Leaf) or is_expression(group) or "/" not in group.text:
        return
    owner, _, name = group.text.partition("/")
    if owner not in _GROUP_OWNERS or not name or "/" in name:
        check.refuse(
            group.place,
            f"The runner group is '{group.text[:60]}'; expected its name, 'organization/name' or 'enterprise/name'.",
        )


def _needs(body: Table) -> list[Leaf]:
    node = body.get("needs")
    items = node.items if isinstance(node, Row) else [node]
    return [item for item in items if isinstance(item, Leaf) and item.text and not is_expression(item)]


def _check_needs(jobs: dict[str, tuple[Leaf, list[Leaf]]], check: Check) -> None:
    waiting = {name: {need.text.lower() for need in needs} for name, (_, needs) in jobs.items()}
    ready = [name for name, needs in waiting.items() if not needs]
    waits_for: dict[str, list[str]] = {}
    for name, needs in waiting.items():
        for need in needs:
            waits_for.setdefault(need, []).append(name)
    while ready:
        done = ready.pop()
        for name in waits_for.get(done, ()):
            waiting[name].discard(done)
            if not waiting[name]:
                ready.append(name)
    for name, (key, leaves) in jobs.items():
        for leaf in leaves:
            if leaf.text.lower() not in jobs:
                check.refuse(
                    leaf.place, f"The job '{key.text[:60]}' needs '{leaf.text[:60]}'; expected the id of a job here."
                )
            elif leaf.text.lower() in waiting[name]:
                check.refuse(
                    leaf.place,
                    f"The job '{key.text[:60]}' needs '{leaf.text[:60]}', which never comes before it: they wait for"
                    " each other, or for a job that is not there.",
                )
