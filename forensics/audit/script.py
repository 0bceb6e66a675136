"""The commands of a ``run:`` script, as far as a shell's syntax can be told without running it.

Comments, here-documents and what stands in quotes are no commands; nor is what ``echo`` prints. Pipelines, lists and
subshells are taken apart; line continuations are joined. What a variable holds is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""'[^']*'|"(?:\\.|[^"\\])*"|\\\r?\n|(?<!\S)\#[^\n]*|<<-?\s*(?P<q>['"]?)(?P<word>\w+)(?P=q)"""
    r"""|&&|\|\||[;\n|&()`]|\$\(""",
    re.DOTALL,
)
_PREFIX = re.compile(
    r"""\s*(?:(?:!|\{|then|do|else|if|elif|while|until|time|exec|env|command|nohup|xvfb-run|xargs"""
    r"""|sudo(?:\s+-\S+)*|npx(?:\s+-\S+)*|bunx|pnpx|uvx|(?:pnpm|yarn)\s+(?:dlx|exec)|(?:uv|poetry|pdm|hatch)\s+run"""
    r"""|bundle\s+exec|python3?\s+-m|timeout\s+\S+|retry(?:\s+-\S+\s+\S+)*)\s+"""
    r"""|[A-Za-z_]\w*=(?:"(?:\\.|[^"\\])*"|'[^']*'|[^\s"']*)\s+)*"""
)
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)


def split_commands(script: str) -> Iterator[tuple[int, str]]:
    """Each command without what stands before its name, with the line of the script (from 0) on which it begins."""
    script = _EXPRESSION.sub(lambda match: "$EXPRESSION" + "\n" * match[0].count("\n"), script)
    start = at = 0
    pieces: list[str] = []
    skip_to: list[str] = []
    while match := _TOKEN.search(script, at):
        found = match[0]
        at = match.end()
        if found[0] in "'\"":
            continue
        if found[0] == "\\":
            pieces.append(script[start : match.start()])
            start = at
            continue
        if match["word"]:
            skip_to.append(match["word"])
            continue
        yield from _command(script, start, match.start(), pieces)
        pieces = []
        start = at
        if found == "\n" and skip_to:
            start = at = _behind(script, at, skip_to.pop())
            skip_to = []
    yield from _command(script, start, len(script), pieces)


def _command(script: str, start: int, end: int, pieces: list[str]) -> Iterator[tuple[int, str]]:
    text = "".join([*pieces, script[start:end]])
    bare = text[_PREFIX.match(text).end() :].strip()  # type: ignore[union-attr]  # it matches the empty string
    if bare:
        before = start - sum(len(piece) + 2 for piece in pieces)
        first = max(before, 0) + (len(text) - len(text.lstrip()))
        yield script.count("\n", 0, min(first, end)), " ".join(bare.split())


def _behind(script: str, at: int, word: str) -> int:
    """Where the line after a here-document begins; the end of the script where it does not end."""
    match = re.compile(rf"^[ \t]*{re.escape(word)}[ \t]*\r?$", re.MULTILINE).search(script, at)
    return match.end() if match else len(script)
