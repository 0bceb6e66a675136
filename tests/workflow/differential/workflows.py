"""Ask GitHub's own parser and ourselves about workflow files, real ones and broken copies, and print who takes what.

Run it as ``python tests/workflow/differential/workflows.py [--packages FOLDER]``; the folder is the ``node_modules``
with @actions/workflow-parser. Exit code 1 if there is a disagreement that EXCUSES does not know.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from breakage import ANYWHERE, BREAKAGES, SOUND
from comparison import DEFAULT_FOLDER
from corpus import REAL

from forensics.errors import EvidenceUnreadable
from forensics.workflow.read import read_workflow

PACKAGE, VERSION = "@actions/workflow-parser", "0.3.61"
_DRIVER = Path(__file__).with_name("workflows.mjs")


@dataclass(frozen=True)
class Excuse:
    """A disagreement that is known, and which side the runner's sources support."""

    name: str
    pattern: str
    """Found in our first message where we refuse, in theirs where they do."""
    we_refuse: bool
    why: str
    only: str = ""
    """Begin of the only kinds of change that it is for."""


EXCUSES = (
    Excuse(
        "queue: max cancels", "'queue: max' stands beside", True,
        "GitHub's documentation of queue (May 2026) calls it a validation error; the parser does not look.",
    ),
    Excuse(
        "no steps", "does nothing; expected 'steps'", True,
        "GitHub answers 'No steps defined in `steps` and no workflow called in `uses`'; the parser does not look.",
    ),
    Excuse(
        "action without a version", "expected 'owner/repository@version'", True,
        "ConvertToStep in WorkflowTemplateConverter.cs refuses it: 'Expected format {org}/{repo}[/path]@ref'.",
    ),
    Excuse(
        "called workflow without a version", "expected './.github/workflows/file.yml'", True,
        "GitHub answers 'invalid value workflow reference: no version specified'; the parser looks when it fetches.",
    ),
    Excuse(
        "needs in another case", "depends on (unknown )?job", False,
        "ConvertToJobs in WorkflowTemplateConverter.cs compares ids with OrdinalIgnoreCase.",
        only="a key is in capitals",
    ),
    Excuse(
        "a dispatch input with nothing behind it", "Unexpected value ''$", False,
        "workflow-dispatch-input-relaxed of the runner's workflow-v1.0.json takes null.", only="a line is taken out",
    ),
    Excuse(
        "default of another type", "while reading 'input default'", False,
        "workflow-dispatch-input-mapping-relaxed of the runner's workflow-v1.0.json has 'default' as a string, which"
        " any scalar is; we warn where a boolean's default is text.",
    ),
)  # fmt: skip


def find_missing(packages: Path) -> str:
    """What to do before the judge can be asked; empty where it is there in the right version."""
    manifest = packages / PACKAGE / "package.json"
    if not manifest.exists():
        return f"{PACKAGE} is not in {packages}: npm install {PACKAGE}@{VERSION}"
    found = json.loads(manifest.read_text(encoding="utf-8"))["version"]
    return "" if found == VERSION else f"{PACKAGE} is {found}; expected {VERSION}"


def ask_parser(texts: Sequence[str], packages: Path) -> list[list[str]]:
    """The messages of GitHub's parser to each file; none where it takes it."""
    answer = subprocess.run(
        ["node", str(_DRIVER), str(packages)], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    return list(json.loads(answer.stdout))


def ask_us(text: str) -> list[str]:
    """Ours, as ``line:column message``."""
    try:
        document = read_workflow(text)
    except EvidenceUnreadable as error:
        return [error.message]
    return [
        f"{refusal.place.line}:{refusal.place.column} {refusal.message}"
        for refusal in document.refusals
        if refusal.severity == "error"
    ]


@dataclass
class Verdict:
    """What came of one kind of file."""

    taken: int = 0
    """By both."""
    refused: int = 0
    """By both."""
    excused: Counter[str] = field(default_factory=Counter)
    unexplained: list[tuple[str, list[str], list[str]]] = field(default_factory=list)
    """File, our messages, theirs."""

    def add(self, kind: str, file: str, ours: list[str], theirs: list[str]) -> None:
        """Count one file."""
        if bool(ours) == bool(theirs):
            self.refused += bool(ours)
            self.taken += not ours
        elif excuse := _find_excuse(kind, ours, theirs):
            self.excused[excuse.name] += 1
        else:
            self.unexplained.append((file, ours, theirs))


def _find_excuse(kind: str, ours: list[str], theirs: list[str]) -> Excuse | None:
    said = ours or theirs
    return next(
        (
            excuse
            for excuse in EXCUSES
            if excuse.we_refuse == bool(ours)
            and kind.startswith(excuse.only)
            and all(re.search(excuse.pattern, message) for message in said)
        ),
        None,
    )


def read_real() -> dict[str, str]:
    """Every real workflow file by name, line ends as they are."""
    return {file.name: file.read_bytes().decode() for file in sorted(REAL.glob("*.y*ml"))}


def compare(packages: Path, *, every: int = 1) -> dict[str, Verdict]:
    """Every kind of file: as it is, changed soundly, broken; ``every`` 20 takes each twentieth real file."""
    real = dict(list(read_real().items())[::every])
    verdicts = {}
    for kind, change in {"as it is": _keep, **SOUND, **BREAKAGES, **ANYWHERE}.items():
        changed = {name: change(text) for name, text in real.items()}
        files = {name: text for name, text in changed.items() if text != real[name] or kind == "as it is"}
        verdicts[kind] = verdict = Verdict()
        for (name, text), theirs in zip(files.items(), ask_parser(list(files.values()), packages), strict=True):
            verdict.add(kind, name, ask_us(text), theirs)
    return verdicts


def _keep(text: str) -> str:
    return text


def show(verdicts: dict[str, Verdict]) -> None:
    """Print counts, and each disagreement that is not explained."""
    total = Counter[str]()
    for kind, verdict in verdicts.items():
        total.update(
            taken=verdict.taken,
            refused=verdict.refused,
            excused=verdict.excused.total(),
            unexplained=len(verdict.unexplained),
        )
        excused = ", ".join(f"{count} {name}" for name, count in verdict.excused.items())
        print(
            f"{kind}: both take {verdict.taken}, both refuse {verdict.refused}, excused {verdict.excused.total()}"
            f"{f' ({excused})' if excused else ''}, not explained {len(verdict.unexplained)}"
        )
        for file, ours, theirs in verdict.unexplained[:40]:
            print(f"    {file}\n      ours   {ours[:2]}\n      theirs {theirs[:2]}")
    print(f"{sum(total.values()):,} files: " + ", ".join(f"{name} {count:,}" for name, count in total.items()))


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--packages", type=Path, default=DEFAULT_FOLDER, help="a node_modules folder")
    options = command.parse_args(arguments)
    if missing := find_missing(options.packages):
        print(missing, file=sys.stderr)
        return 2
    for excuse in EXCUSES:
        print(f"excused: {excuse.name} ({'we' if excuse.we_refuse else 'they'} refuse): {excuse.why}")
    verdicts = compare(options.packages)
    show(verdicts)
    return int(any(verdict.unexplained for verdict in verdicts.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
