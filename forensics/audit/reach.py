"""What a job does to the world, as far as its file says: known actions, known commands, environments.

The list is ``reach.yml``. A local action (``./…``), a script that is called by name and an action that the list
does not have are not seen; a command that only says what it would do is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from forensics.audit.script import split_commands
from forensics.model import Precision
from forensics.workflow.document import Job, Place, Scalar, Step

CURRENT = "git:@"
"""Target of a push that names no branch: the one that the run is on."""

_CLONES = re.compile(r"\b(?:git|gh repo) clone\b|\bgit remote (?:add|set-url)\b")
_TRIES_AGAIN = re.compile(r"\b(?:for|while|until)\b[\s\S]*\bgit (?:pull\b.*--rebase|rebase|pull|fetch)\b")
_PUSHES_VARIABLE = re.compile(
    r"git\b.*\bpush\b(?:\s+-\S+)*\s+[\w./:-]+(?:\s+-\S+)*\s+\"?(?:HEAD:|refs/heads/)*\$\{?(?P<name>\w+)"
)
_OF_THIS_RUN = r"(?:GITHUB_RUN_(?:ID|NUMBER)|github\.run_(?:id|number))\b"
_MOVES = re.compile(r"\bgit (?:checkout|switch|worktree|init)\b")


@dataclass(frozen=True)
class Act:
    """One thing that a job does."""

    verb: str
    writes: bool
    """True: it changes what others rely on. False: it leaves a message or starts something."""
    target: str | None
    """What it is done to, where that is literal."""
    what: str
    """How the file says it: ``git push``, ``actions/deploy-pages``, ``environment 'production'``."""
    place: Place
    precision: Precision
    conditions: tuple[Scalar, ...] = ()
    """All have to hold, or perhaps hold, for it to happen: the step's ``if``, an input like ``push``."""
    tries_again: bool = False
    """A push that begins anew from the other side's state when it is refused."""


@dataclass(frozen=True)
class Known:
    """An entry of the list."""

    verb: str
    target: str
    precision: Precision
    says: Mapping[str, Any]
    regex: re.Pattern[str] | None = None
    head: re.Pattern[str] | None = None
    """What the first word of the command has to match; None where it may be any."""
    unless: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Reaches:
    """The whole list."""

    verbs: Mapping[str, tuple[str, bool]]
    """Verb → how it is said, and whether it writes."""
    actions: tuple[Known, ...]
    commands: tuple[Known, ...]
    scripts: tuple[Known, ...]
    environments: re.Pattern[str]
    """Names that stand for a deploy."""


@cache
def load_reaches() -> Reaches:
    """The list as it comes with the program."""
    says = YAML(typ="safe", pure=True).load((Path(__file__).parent / "reach.yml").read_text(encoding="utf-8"))
    verbs = {verb: (about["says"], about["weight"] == "write") for verb, about in says["verbs"].items()}
    return Reaches(
        verbs,
        tuple(_known(entry, None) for entry in says["actions"]),
        tuple(_known(entry, entry["run"]) for entry in says["commands"]),
        tuple(_known(entry, entry["call"]) for entry in says["scripts"]),
        re.compile(says["environments"]),
    )


def find_acts(job: Job) -> tuple[Act, ...]:
    """What a job does, in the order of its steps; its own ``if`` is not looked at."""
    found = [act for step in job.steps for act in _acts_of_step(step)]
    if any(act.target is not None and act.target.startswith("git:") for act in found):
        found = _in_doubt(found, job)
    environment = job.environment
    name = environment.name.text if environment is not None and environment.name is not None else ""
    if environment is not None and environment.deployment and load_reaches().environments.search(name):
        target = f"environment:{name.lower()}" if "${{" not in name else None
        found.append(Act("deploy", True, target, f"environment '{name}'", environment.place, "possible"))
    return tuple(found)


def _in_doubt(acts: Sequence[Act], job: Job) -> list[Act]:
    """Acts without branches as targets, where the job works in another repository or may stand on another branch."""
    scripts = "\n".join(step.run.text for step in job.steps if step.run is not None)
    fetched = [step.inputs for step in job.steps if step.uses and step.uses.text.startswith("actions/checkout@")]
    elsewhere = _CLONES.search(scripts) or any(_input(inputs, "repository") is not None for inputs in fetched)
    moved = _MOVES.search(scripts) or any(_input(inputs, "ref") is not None for inputs in fetched)

    def doubtful(target: str | None) -> bool:
        named = target is not None and target.startswith("git:")
        return named and bool(elsewhere or (moved and target == CURRENT))

    return [replace(act, target=None) if doubtful(act.target) else act for act in acts]


def says(verb: str) -> str:
    """The verb in a sentence: ``deploys``."""
    return load_reaches().verbs[verb][0]


def _known(entry: Mapping[str, Any], regex: str | None) -> Known:
    unless = entry.get("unless")
    return Known(
        entry["verb"],
        entry.get("target", ""),
        entry.get("precision", "likely"),
        entry,
        re.compile(regex) if regex else None,
        _head(regex) if regex else None,
        re.compile(unless) if isinstance(unless, str) else None,
    )


def _head(regex: str) -> re.Pattern[str] | None:
    """The part of a pattern that matches the first word; None where that cannot be told."""
    plain = re.sub(r"\(\?: -.*", "", regex)  # options before the subcommand: git -C …, kubectl -n …
    depth = 0
    for at, character in enumerate(plain):
        depth += (character == "(") - (character == ")")
        if depth == 0 and (character == " " or plain.startswith((r"\b", r"\s"), at)):
            plain = plain[:at]
            break
    return None if " " in plain else re.compile(plain)


def _acts_of_step(step: Step) -> Iterator[Act]:
    conditions = (step.condition,) if step.condition is not None else ()
    if step.uses is not None:
        yield from _acts_of_action(step, step.uses, conditions)
    elif step.run is not None and isinstance(step.run.value, str):
        yield from _acts_of_script(step.run, conditions)


def _acts_of_action(step: Step, uses: Scalar, conditions: tuple[Scalar, ...]) -> Iterator[Act]:
    name = uses.text.partition("@")[0]
    if name.startswith(("./", "docker:")):
        return
    if name.lower() == "actions/github-script":
        yield from _acts_of_calls(step, conditions)
        return
    for known in _actions_called(name.lower()):
        gates = _gates(known.says, step.inputs)
        if gates is None:
            continue
        yield Act(
            known.verb, _writes(known.verb), _fill(known.target, step.inputs), name, uses.place,
            known.precision, (*conditions, *gates),
        )  # fmt: skip
        return


@lru_cache(maxsize=4096)
def _actions_called(name: str) -> tuple[Known, ...]:
    return tuple(known for known in load_reaches().actions if fnmatchcase(name, known.says["match"].lower()))


def _gates(entry: Mapping[str, Any], inputs: Mapping[str, Any]) -> tuple[Scalar, ...] | None:
    """What besides the ``if`` has to hold; None where the action surely does nothing."""
    gates = []
    for name, absent in (entry.get("only") or {}).items():
        value = _input(inputs, name)
        if value is None:
            if not absent:
                return None
        elif value.is_expression:
            gates.append(value)
        elif value.text.lower() == "false":
            return None
    for name in entry.get("unless") or ():
        value = _input(inputs, name)
        if value is not None and value.text.lower() == "true":
            return None
    if any(_input(inputs, name) is None for name in entry.get("needs") or ()):
        return None
    if "args" in entry and not re.search(entry["args"], _text(_input(inputs, "args"))):
        return None
    if "command" in entry and _text(_input(inputs, "command")) not in entry["command"]:
        return None
    return tuple(gates)


def _input(inputs: Mapping[str, Any], name: str) -> Scalar | None:
    for key, value in inputs.items():
        if str(key).lower() == name.lower():
            return value if isinstance(value, Scalar) else Scalar(value, Place(1, 1)) if _is_plain(value) else None
    return None


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | bool | int | float)


def _text(value: Scalar | None) -> str:
    return value.text if value is not None else ""


def _fill(target: str, inputs: Mapping[str, Any]) -> str | None:
    """The target with inputs filled in; None where one of them is missing or not literal."""
    if not target:
        return None
    missing = False

    def fill(match: re.Match[str]) -> str:
        nonlocal missing
        name, bar, default = match[1].partition("|")
        value = _input(inputs, name)
        text = _text(value).strip()
        if value is not None and text and not value.is_expression and "\n" not in text:
            return text
        missing = missing or not bar or (value is not None and bool(text))
        return default

    filled = re.sub(r"\{([^}]*)\}", fill, target)
    return None if missing else filled


def _acts_of_script(run: Scalar, conditions: tuple[Scalar, ...]) -> Iterator[Act]:
    text = run.text
    several = "\n" in text
    for line, command in split_commands(text):
        candidates = _candidates(command.split(None, 1)[0])
        if not candidates:
            continue
        for known in candidates:
            match = known.regex.match(command) if known.regex else None
            if match is None:
                continue
            verb = _pushed(command, text) if known.verb == "push" else known.verb
            if verb and (known.unless is None or not known.unless.search(command)):
                place = Place(run.place.line + 1 + line, run.place.column) if several else run.place
                yield Act(
                    verb, _writes(verb), _target_of(known, match), _shorten(match[0]), place,
                    known.precision, conditions, bool(_TRIES_AGAIN.search(text)),
                )  # fmt: skip
                break


def _pushed(command: str, script: str) -> str | None:
    """``push`` or ``tag``, as the script made what it pushes; None for a branch that only this run has."""
    match = _PUSHES_VARIABLE.match(command)
    if match is None:
        return "push"
    name = match["name"]
    if re.search(rf"^\s*(?:export\s+)?{name}=.*{_OF_THIS_RUN}", script, re.MULTILINE):
        return None
    return "tag" if re.search(rf"\bgit tag\b.*\$\{{?{name}\b", script) else "push"


@lru_cache(maxsize=8192)
def _candidates(word: str) -> tuple[Known, ...]:
    return tuple(known for known in load_reaches().commands if known.head is None or known.head.fullmatch(word))


def _target_of(known: Known, match: re.Match[str]) -> str | None:
    if not known.target:
        return None
    groups = match.groupdict()
    if known.target == "git:{branch}":
        if groups.get("remote") and groups["remote"] not in ("origin", "upstream"):
            return None
        rest = match.string[match.end() :].strip()
        if groups.get("branch") and groups["branch"] != "HEAD" and not rest.startswith(("$", "/", '"$')):
            return f"git:{groups['branch']}"
        return CURRENT if not rest or groups.get("branch") == "HEAD" else None
    if any(value is None for value in groups.values()):
        return None
    text = known.target.format(**groups)
    return None if "$" in text or "$" in match.string[match.end() : match.end() + 1] else text


def _acts_of_calls(step: Step, conditions: tuple[Scalar, ...]) -> Iterator[Act]:
    script = _input(step.inputs, "script")
    if script is None:
        return
    text = script.text
    for known in load_reaches().scripts:
        match = known.regex.search(text) if known.regex else None
        if match is not None:
            line = script.place.line + text.count("\n", 0, match.start()) + ("\n" in text)
            yield Act(
                known.verb, _writes(known.verb), None, match[0].rstrip("( "), Place(line, script.place.column),
                known.precision, conditions,
            )  # fmt: skip


def _writes(verb: str) -> bool:
    return load_reaches().verbs[verb][1]


def _shorten(text: str) -> str:
    words: Sequence[str] = text.split()
    return " ".join(words[:4])
