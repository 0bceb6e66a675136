"""GitHub's expression language, as the runner evaluates it, with values that are not known.

::

    parse(text) -> Node                        one expression, without ${{ }}
    parse_template(text) -> Template           a scalar: text with ${{ }} in it
    evaluate(node_or_template, contexts)       -> Known(value) | Pattern(pieces) | Unknown(missing)
    references(node_or_template)               -> ("github.ref", "inputs.environment", …)
    find_unavailable(node_or_template, key)    what GitHub does not have at that key: ALLOWED["concurrency"] …
    print_node(node)                           text that parses to the same tree

    to_value(plain)                            dicts, lists and scalars to a value; objects become closed
    open_object(name, properties)              what is not in it is not known: open_object("inputs", {"dry": True})
    unknown(name)                              one value that is not known

    as_string(outcome)                         Known(str) or Pattern: what GitHub makes of it where it needs text
    to_text(outcome)                           to show: 'deploy-?'
    may_equal(one, other)                      whether two of them can be the same string, case-insensitively

A closed object gives null for what it lacks, as GitHub does; an open one gives Unknown, never ''. Everything that is
refused raises ExpressionError with place, what was found and what was expected.
"""

from forensics.workflow.expression.availability import ALLOWED, CONTEXTS, Availability
from forensics.workflow.expression.evaluation import evaluate, references
from forensics.workflow.expression.parser import parse
from forensics.workflow.expression.printer import print_node
from forensics.workflow.expression.problem import ExpressionError
from forensics.workflow.expression.template import Template, parse_template
from forensics.workflow.expression.tree import Node
from forensics.workflow.expression.unavailable import Unavailable, find_unavailable
from forensics.workflow.expression.values import (
    Array,
    Known,
    Missing,
    Object,
    Outcome,
    Pattern,
    Unknown,
    Value,
    make_object,
    open_object,
    to_value,
    unknown,
)
from forensics.workflow.expression.wording import as_string, may_equal, to_text

__all__ = [
    "ALLOWED",
    "CONTEXTS",
    "Array",
    "Availability",
    "ExpressionError",
    "Known",
    "Missing",
    "Node",
    "Object",
    "Outcome",
    "Pattern",
    "Template",
    "Unavailable",
    "Unknown",
    "Value",
    "as_string",
    "evaluate",
    "find_unavailable",
    "make_object",
    "may_equal",
    "open_object",
    "parse",
    "parse_template",
    "print_node",
    "references",
    "to_text",
    "to_value",
    "unknown",
]
