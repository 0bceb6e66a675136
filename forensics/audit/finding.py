"""What the audit of files hands on: a risk, with its place and a way out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from forensics.model import SEVERITIES, Precision, Severity


@dataclass(frozen=True)
class Related:
    """Another place that a risk speaks of."""

    path: str
    line: int
    column: int
    message: str


@dataclass(frozen=True)
class Risk:
    """One finding of one rule in one file."""

    rule: str
    title: str
    severity: Severity
    precision: Precision
    message: str
    """Whole sentences that need no other text; names from the file stand in single quotes."""
    path: str
    """Of the file, with forward slashes, as GitHub would name it where that is known."""
    line: int
    column: int
    job: str | None
    fix: str
    """Lines for this very file; '' where the remedy of the rule is all there is to say."""
    related: tuple[Related, ...] = ()

    @property
    def id(self) -> str:
        """Rule and ten hex digits of what it is about; lines that move do not change it."""
        about = "\0".join((self.rule, self.path, self.job or "", self.message))
        return f"{self.rule}-{hashlib.sha256(about.encode('utf-8', 'replace')).hexdigest()[:10]}"


def sort_key(risk: Risk) -> tuple[int, str, int, int, str, str]:
    """Worst first, then by place."""
    return SEVERITIES.index(risk.severity), risk.path, risk.line, risk.column, risk.rule, risk.message
