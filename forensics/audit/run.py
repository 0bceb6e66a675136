"""The rules asked about a checkout."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from forensics.audit.checkout import FOLDER, Checkout, find_files, library_of, read_files, read_text
from forensics.audit.checks import CHECKS
from forensics.audit.finding import Risk, sort_key
from forensics.audit.play import Script, calls_locally, play
from forensics.audit.rule import Rule, load_rules
from forensics.errors import NothingToAnalyse, UsageProblem

_QUEUE = "'queue: max' stands beside"


@dataclass(frozen=True)
class Audit:
    """What was found in some files."""

    risks: tuple[Risk, ...]
    """Worst first."""
    files: int
    rules: tuple[Rule, ...]
    """Those that were asked."""


def audit_checkout(path: Path, *, only: Sequence[str] = (), workers: int = 1) -> Audit:
    """Read the workflow files at a path (a checkout, its folder of workflows, any folder, a file) and ask the rules.

    Raises NothingToAnalyse where there is no workflow file, UsageProblem for a rule that does not exist.
    """
    rules = choose_rules(only)
    if not path.exists():
        raise NothingToAnalyse(
            f"There is no {path}.", hint="Name a checkout, a folder with workflow files, or one file."
        )
    files = find_files(path)
    if not files:
        raise NothingToAnalyse(
            f"There is no workflow file in {path}: looked for *.yml and *.yaml there and in {FOLDER}.",
            hint="Name a checkout, a folder with workflow files, or one file: forensics audit --workflows PATH",
        )
    with _without_garbage_collection():
        return _ask(read_files(files, workers), rules)


def audit_texts(texts: Mapping[str, str], *, only: Sequence[str] = ()) -> Audit:
    """The same for files that are given as text: path → text."""
    return _ask([read_text(text, path) for path, text in sorted(texts.items())], choose_rules(only))


def choose_rules(only: Sequence[str]) -> tuple[Rule, ...]:
    """The rules of these ids; all where none is given. Raises UsageProblem."""
    rules = load_rules()
    known = {rule.id for rule in rules}
    for name in only:
        if name not in known:
            raise UsageProblem(f"There is no rule '{name}'.", hint=f"There are: {', '.join(sorted(known))}.")
    return tuple(rule for rule in rules if not only or rule.id in only)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Taking in what the workers send takes a quarter of the time that way."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _ask(scripts: Sequence[Script], rules: Sequence[Rule]) -> Audit:
    library = library_of(scripts)
    played = [
        replace(script, situations=play(script, library)) if calls_locally(script.document) else script
        for script in scripts
    ]
    checkout = Checkout(tuple(played))
    risks = {risk for rule in rules for risk in CHECKS[rule.id](checkout, rule)}
    told = {risk.path for risk in risks if risk.rule == "queue-max-with-cancel"}
    # GitHub's refusal of the two together is that very finding.
    kept = [
        risk
        for risk in risks
        if not (risk.rule == "invalid-workflow" and risk.path in told and _QUEUE in risk.message)
    ]
    return Audit(tuple(sorted(kept, key=sort_key)), len(scripts), tuple(rules))
