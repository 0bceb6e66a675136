"""Ask GitHub's JavaScript port and ourselves about thousands of expressions, and print how far we agree.

Run it as ``python tests/workflow/differential/run.py [--count N] [--seed N] [--packages FOLDER]``; the folder is the
``node_modules`` with @actions/expressions. Exit code 1 if a disagreement is left that no known bug explains.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from comparison import DEFAULT_FOLDER, PACKAGE, VERSION, Verdict, answer, ask_port, compare, find_missing
from corpus import REAL, read_scalars
from grammar import Grammar
from port_bugs import BUGS

from forensics.workflow.expression import parse_template, print_node
from forensics.workflow.expression.tree import Literal


def made_up(count: int, seed: int) -> list[str]:
    """That many expressions of the grammar, no two the same."""
    grammar = Grammar(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        if text := grammar.make().strip():
            found[text] = None
    return list(found)


def from_files() -> list[str]:
    """Each expression of the real workflow files once, the text with ${{ }} in it as the runner rewrites it."""
    return list(dict.fromkeys(text for file in sorted(REAL.glob("*.y*ml")) for text in _expressions(file)))


def _expressions(file: Path) -> Iterator[str]:
    for text, is_bare in read_scalars(file):
        if is_bare:
            yield text
        elif "${{" in text:
            template = parse_template(text)
            yield print_node(template.node)
            yield from (
                text[part.span.start : part.span.end] for part in template.parts if not isinstance(part, Literal)
            )


def show(title: str, verdict: Verdict) -> None:
    """Print what came of it."""
    errors = f"of these {verdict.agreed_on_errors:,} on errors"
    print(f"{title}: {verdict.tried:,} tried, {verdict.agreed:,} agreed ({errors})")
    if verdict.read_only:
        print(f"  {verdict.read_only:,} more agreed to be sound; their values need a running workflow")
    print(f"  {verdict.excused.total():,} excused by known bugs of the port")
    for names, times in verdict.excused.most_common():
        print(f"    {times:6,}  {names}")
    print(f"  {len(verdict.unexplained):,} not explained")
    for text, ours, theirs in verdict.unexplained[:40]:
        print(f"    {text!r}\n      ours {ours}\n      port {theirs}")


def show_bugs(packages: Path) -> None:
    """Print each known bug with what both say to its example."""
    print(f"Known bugs of {PACKAGE} {VERSION}; right is what the runner says")
    for bug, theirs in zip(BUGS, ask_port([bug.example for bug in BUGS], packages), strict=True):
        print(f"  {bug.name}: {bug.example}")
        print(f"    runner {bug.runner!r} (ours {answer(bug.example)}), port {theirs}\n    {bug.why}")


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--count", type=int, default=20_000, help="how many expressions to make up")
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--packages", type=Path, default=DEFAULT_FOLDER, help="a node_modules folder")
    options = command.parse_args(arguments)
    if missing := find_missing(options.packages):
        print(missing, file=sys.stderr)
        return 2
    show_bugs(options.packages)
    verdicts = {"made up": compare(made_up(options.count, options.seed), options.packages)}
    if REAL.exists():
        verdicts["real workflow files"] = compare(from_files(), options.packages)
    for title, verdict in verdicts.items():
        show(title, verdict)
    return int(any(verdict.unexplained for verdict in verdicts.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
