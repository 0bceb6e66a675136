"""The questions that the rules ask, by the rule's id: ``CHECKS[id](checkout, rule)`` yields risks."""

from forensics.audit.checks import across, calls, cancels, holders, lanes, names, waiting
from forensics.audit.checks.registry import CHECKS, Check

__all__ = ["CHECKS", "Check", "across", "calls", "cancels", "holders", "lanes", "names", "waiting"]
