"""The contexts that a past run's expressions read, rebuilt from what is on record.

Three rules. A property that GitHub documents and that is not on record is unknown, never ''. A property that does
not exist for the run's event is null (or '' where GitHub says so), and that is known. What follows from other runs
only is named by ``inferred``, so that nobody takes it for certain.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from forensics.concurrency.events import rebuild_event
from forensics.concurrency.past import PastRun
from forensics.concurrency.refs import MERGE_EVENTS, base_branch, rebuild_ref
from forensics.concurrency.title import read_title
from forensics.workflow.document import Document, Job, Scalar
from forensics.workflow.expression import (
    ExpressionError,
    Known,
    Object,
    Pattern,
    Unknown,
    Value,
    evaluate,
    make_object,
    open_object,
    parse_template,
    to_value,
    unknown,
)

_Property = Callable[[PastRun, Document | None], Value]

_HEAD_EVENTS = ("pull_request", "pull_request_target")
"""Of these GitHub says that head_ref and base_ref are set."""
_PERHAPS_HEAD_EVENTS = ("pull_request_review", "pull_request_review_comment")


def rebuild_github(run: PastRun, document: Document | None, wanted: Collection[str] | None = None) -> Object:
    """The ``github`` context; closed, for GitHub lists all its properties.

    Args:
        run: the attempt.
        document: the run's own workflow file, also for expressions in a workflow that it calls.
        wanted: properties that will be read, in lower case; None for all.
    """
    names = _GITHUB.keys() if wanted is None else wanted & _GITHUB.keys()
    return make_object({name: _GITHUB[name](run, document) for name in names})


def rebuild_inputs(run: PastRun, document: Document) -> Object:
    """The ``inputs`` context of the run's own file: empty but for ``workflow_dispatch``, which records no values.

    Known is what the run's title states of them, as far as the file's ``run-name`` writes them out.
    """
    trigger = document.trigger("workflow_dispatch") if run.event == "workflow_dispatch" else None
    if trigger is None:
        return make_object({})
    stated = read_title(run.title, document.run_name.text, trigger.inputs) if document.run_name else {}
    return make_object({name: stated.get(name, _dispatched(name, spec)) for name, spec in trigger.inputs.items()})


def called_inputs(called: Document, given: Mapping[str, Any], contexts: Mapping[str, Value]) -> Object:
    """The ``inputs`` of a called workflow: what ``with:`` gives, evaluated in the caller, or the default."""
    trigger = called.trigger("workflow_call")
    passed = {name.lower(): value for name, value in given.items()}
    inputs: dict[str, Value] = {}
    for name, spec in (trigger.inputs if trigger else {}).items():
        value = passed.get(name.lower(), _said(spec, "default"))
        plain = value.value if isinstance(value, Scalar) else value
        if plain is None:
            inputs[name] = {"boolean": False, "number": 0.0}.get(str(_plain(_said(spec, "type"))), "")
        else:
            inputs[name] = compute(plain, contexts, f"inputs.{name}")
    return make_object(inputs)


def compute(plain: Any, contexts: Mapping[str, Value], name: str) -> Value:
    """A value of the file with its expressions evaluated; unknown under ``name`` where GitHub would fail."""
    if isinstance(plain, Scalar):
        plain = plain.value
    if isinstance(plain, str):
        try:
            outcome = evaluate(parse_template(plain), contexts)
        except ExpressionError as error:
            return unknown(name, f"cannot be evaluated: {error}")
        return outcome.value if isinstance(outcome, Known) else outcome
    if isinstance(plain, Mapping):
        return make_object({str(key): compute(value, contexts, f"{name}.{key}") for key, value in plain.items()})
    if isinstance(plain, list | tuple):
        return to_value([compute(value, contexts, f"{name}.*") for value in plain])
    return to_value(plain)


def rebuild_needs(job: Job, results: Mapping[str, str]) -> Object:
    """The ``needs`` context: results by job id; outputs are not on record."""
    return make_object({name: _need(name, results.get(name)) for name in job.needs})


def rebuild_vars() -> Object:
    """The ``vars`` context: GitHub keeps no history of variables."""
    return open_object("vars", why="may have been another value then")


def inferred(run: PastRun, document: Document | None, references: Iterable[str]) -> bool:
    """Whether any of these references reads something that only follows from other runs."""
    guessed: set[str] = set()
    if rebuild_ref(run, document).inferred:
        guessed |= {"github.ref", "github.ref_name", "github.ref_type", "github.workflow_ref", "github.event.ref"}
    if "number" in run.guessed:
        guessed |= {"github.event.number", "github.event.pull_request.number"}
    if "base" in run.guessed:
        guessed |= {"github.base_ref", "github.event.pull_request.base.ref"}
    if "upstream" in run.guessed and run.upstream:
        guessed.add("github.event.workflow_run")
    return any(_overlap(reference, name) for reference in references for name in guessed)


def _overlap(reference: str, name: str) -> bool:
    reference = reference.partition(".*")[0]
    return reference == name or reference.startswith(f"{name}.") or name.startswith(f"{reference}.")


def _need(name: str, result: str | None) -> Object:
    known: dict[str, Value] = {
        "result": result if result is not None else unknown(f"needs.{name}.result"),
        "outputs": open_object(f"needs.{name}.outputs"),
    }
    return make_object(known)


def _dispatched(name: str, spec: Any) -> Value:
    """An input that somebody chose; of a boolean or a choice one knows at least what it can be."""
    kind = _plain(_said(spec, "type"))
    options = _said(spec, "options")
    if kind == "boolean":
        return unknown(f"inputs.{name}", among=(False, True))
    if kind == "choice" and isinstance(options, list | tuple) and options:
        return unknown(f"inputs.{name}", among=[str(_plain(option)) for option in options])
    return unknown(f"inputs.{name}")


def _said(spec: Any, key: str) -> Any:
    return spec.get(key) if isinstance(spec, Mapping) else None


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Scalar) else value


def _or_unknown(value: str | int | None, name: str) -> Value:
    return unknown(f"github.{name}") if value is None or value == "" else str(value)


def _ref_name(run: PastRun, document: Document | None) -> Value:
    return rebuild_ref(run, document).name


def _head_ref(run: PastRun, document: Document | None) -> Value:
    return _of_pull(run, _or_unknown(run.head_branch, "head_ref"), "head_ref")


def _base_ref(run: PastRun, document: Document | None) -> Value:
    return _of_pull(run, base_branch(run, document), "base_ref")


def _of_pull(run: PastRun, value: Value, name: str) -> Value:
    """'' where there is no pull request; GitHub does not say whether reviews have it."""
    if run.event is None:
        return unknown(f"github.{name}")
    if run.event in _HEAD_EVENTS:
        return value
    if run.event in _PERHAPS_HEAD_EVENTS:
        among = None if isinstance(value, Unknown) else ("", value)
        return unknown(f"github.{name}", among=among)
    return ""


def _sha(run: PastRun, document: Document | None) -> Value:
    if run.event in MERGE_EVENTS:
        return _or_unknown(run.merge_commit, "sha")
    if run.event == "pull_request_target":
        return unknown("github.sha")
    return _or_unknown(run.head_sha, "sha")


def _workflow(run: PastRun, document: Document | None) -> Value:
    if document is None:
        return unknown("github.workflow")
    return document.name or run.path or document.path


def _workflow_ref(run: PastRun, document: Document | None) -> Value:
    ref = rebuild_ref(run, document).value
    if not isinstance(ref, str | Pattern) or not run.repository or not run.path:
        return unknown("github.workflow_ref")
    before = f"{run.repository}/{run.path}@"
    if isinstance(ref, str):
        return before + ref
    return Pattern((before + ref.prefix, *ref.pieces[1:])) if ref.prefix else Pattern((before, *ref.pieces))


def _server(run: PastRun) -> str:
    return run.server_url or "https://github.com"


def _api_url(run: PastRun, document: Document | None) -> Value:
    server = _server(run)
    return "https://api.github.com" if server == "https://github.com" else f"{server}/api/v3"


def _graphql_url(run: PastRun, document: Document | None) -> Value:
    server = _server(run)
    return "https://api.github.com/graphql" if server == "https://github.com" else f"{server}/api/graphql"


def _owner(run: PastRun, document: Document | None) -> Value:
    return _or_unknown(run.repository.partition("/")[0], "repository_owner")


def _job_only(run: PastRun, document: Document | None) -> Value:
    """Set by a runner; a group is decided before there is one."""
    return None


_GITHUB: dict[str, _Property] = {
    "actor": lambda run, _: _or_unknown(run.actor, "actor"),
    "api_url": _api_url,
    "base_ref": _base_ref,
    "event": rebuild_event,
    "event_name": lambda run, _: _or_unknown(run.event, "event_name"),
    "graphql_url": _graphql_url,
    "head_ref": _head_ref,
    "job": _job_only,
    "ref": lambda run, document: rebuild_ref(run, document).value,
    "ref_name": _ref_name,
    "ref_protected": lambda run, _: unknown("github.ref_protected", among=(False, True)),
    "ref_type": lambda run, document: rebuild_ref(run, document).kind,
    "repository": lambda run, _: _or_unknown(run.repository, "repository"),
    "repository_id": lambda run, _: _or_unknown(run.repository_id, "repository_id"),
    "repository_owner": _owner,
    "repositoryurl": lambda run, _: (
        f"git://{_server(run).partition('//')[2]}/{run.repository}.git"
        if run.repository
        else unknown("github.repositoryUrl")
    ),
    "run_attempt": lambda run, _: str(run.attempt),
    "run_id": lambda run, _: str(run.run_id),
    "run_number": lambda run, _: _or_unknown(run.run_number, "run_number"),
    "server_url": lambda run, _: _server(run),
    "sha": _sha,
    "triggering_actor": lambda run, _: _or_unknown(run.triggering_actor, "triggering_actor"),
    "workflow": _workflow,
    "workflow_ref": _workflow_ref,
}
# What GitHub lists and nobody recorded.
_NOT_RECORDED = (
    "action", "action_path", "action_ref", "action_repository", "action_status", "actor_id",
    "artifact_cache_size_limit", "env", "event_path", "path", "repository_owner_id", "repository_visibility",
    "retention_days", "secret_source", "token", "workflow_sha", "workspace",
)  # fmt: skip


def _unrecorded(name: str) -> _Property:
    return lambda run, document: unknown(f"github.{name}")


_GITHUB |= {name: _unrecorded(name) for name in _NOT_RECORDED}
