"""Where GitHub's JavaScript port is known to differ from its runner, and what shows it.

Each bug says how it makes the port answer: as a change of our own evaluator that lasts for one evaluation. A
disagreement is excused only if with one bug, or a few together, switched on we give exactly the port's answer. The
runner's side of each is in actions/runner at 258d6c8, ``src/Sdk/Expressions``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from forensics.workflow.expression import evaluation, functions, json_text, lexer, parser, values
from forensics.workflow.expression.scalars import WHITE_SPACE

ROOM = "forensics.workflow.expression"


# Unlike .NET, JavaScript takes the byte order mark for white space, and U+0085 not.
_JAVASCRIPT_SPACE = WHITE_SPACE.replace("\x85", "") + "\ufeff"


@dataclass(frozen=True)
class Bug:
    """One difference. In ``example`` it decides; ``runner`` is the runner's answer to it, ``port`` the port's."""

    name: str
    example: str
    runner: str
    port: str
    why: str
    changes: tuple[tuple[str, Any], ...]
    """Attributes of our modules and what stands there while the bug is switched on."""


@contextmanager
def switched_on(bugs: tuple[Bug, ...]) -> Iterator[None]:
    """Our evaluator with these bugs of the port."""
    parser._parse_short.cache_clear()
    with ExitStack() as stack:
        for bug in bugs:
            for target, replacement in bug.changes:
                stack.enter_context(patch(f"{ROOM}.{target}", replacement))
        yield
    parser._parse_short.cache_clear()


_read_string = lexer._read_string
_read_tokens = lexer.read_tokens
_make_object = values.make_object
_write_json = json_text.write_json
_call = functions.call
_index = evaluation._index


def _first_quote_only(text: str, at: int, stop: int) -> lexer.Token:
    token = _read_string(text, at, stop)
    return lexer.Token("value", token.text, token.start, token.end, token.text[1:-1].replace("''", "'", 1))


def _without_last_comma(*arguments: Any) -> Iterator[lexer.Token]:
    held = None
    for token in _read_tokens(*arguments):
        if held is not None and token.text != ")":
            yield held
        held = token if token.text == "," else None
        if held is None:
            yield token


def to_fixed(number: float) -> str:
    """What ``(+number.toFixed(15)).toString()`` gives in JavaScript."""
    if number != number or math.isinf(number):
        return "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"
    if abs(number) < 1e21:
        number = float(f"{Decimal(number):.15f}")
    return javascript_number(number)


def javascript_number(number: float) -> str:
    """Number.prototype.toString: shortest digits that read back, no exponent from 1e-7 up to 1e21."""
    if number == 0:
        return "0"
    if not 1e-6 <= abs(number) < 1e21:
        digits, exponent = f"{number!r}".split("e") if "e" in repr(number) else f"{number:.17e}".split("e")
        return f"{digits}e{int(exponent):+d}"
    return f"{Decimal(repr(number)):f}".removesuffix(".0")


def javascript_to_number(text: str) -> float:
    """Number(text) of JavaScript."""
    text = text.strip(_JAVASCRIPT_SPACE)
    if not text:
        return 0.0
    for prefix, digits, radix in (("0x", "0-9a-f", 16), ("0o", "0-7", 8), ("0b", "01", 2)):
        if re.fullmatch(f"{prefix}[{digits}]+", text.lower()):
            return float(int(text[2:], radix))
    if re.fullmatch(r"[+-]?Infinity", text):
        return -math.inf if text[0] == "-" else math.inf
    decimal = re.fullmatch(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", text)
    return float(text) if decimal else math.nan


def _full_upper(text: str) -> str:
    return "".join(one if one == "ı" else one.upper() for one in text)


def _first_value_wins(properties: dict[str, Any], **more: Any) -> values.Object:
    kept: dict[str, tuple[str, Any]] = {}
    for name, value in properties.items():
        kept.setdefault(name.lower(), (name, value))
    return _make_object(dict(kept.values()), **more)


def _without_constructor(properties: dict[str, Any], **more: Any) -> values.Object:
    return _make_object({name: each for name, each in properties.items() if name.lower() != "constructor"}, **more)


def _integers_first(properties: dict[str, Any], **more: Any) -> values.Object:
    integers = sorted((name for name in properties if re.fullmatch("0|[1-9][0-9]{0,9}", name)), key=int)
    rest = [name for name in properties if name not in integers]
    return _make_object({name: properties[name] for name in (*integers, *rest)}, **more)


def _eager_call(name: str, arguments: Any, run: Callable[[Any], Any]) -> Any:
    for argument in arguments:
        run(argument)
    return _call(name, arguments, run)


def _eager_index(node: Any, scope: Any) -> Any:
    evaluation._run(node.key, scope)
    return _index(node, scope)


def _contains_lower(search: Any, item: Any) -> bool | None:
    if any(isinstance(each, values.Array | values.Object) for each in (search, item)):
        return _contains_one(search, item)
    return values.format_scalar(item).lower() in values.format_scalar(search).lower()


_contains_one = functions._contains_one


def _stringify(value: Any, level: int = 0) -> Iterator[Any]:
    if isinstance(value, float):
        return iter((javascript_number(value) if math.isfinite(value) else "null",))
    return _write_json(value, level)


def _stays_json(text: str) -> Any:
    value = _read_json(text)
    if isinstance(value, values.Unknown):
        raise functions.ExpressionError("JSON.parse refuses it")
    return value


_read_json = functions.read_json

_parse_part = parser.parse_part


def _count_brackets(text: str, start: int, end: int) -> Any:
    level = 1
    for token in _read_tokens(text, start, end):
        level += (token.text in ("(", "[")) - (token.text in (")", "]"))
        if level > parser.MOST_LEVELS:
            raise functions.ExpressionError("Too many brackets")
    return _parse_part(text, start, end)


BUGS = (
    Bug(
        "only the first '' of a string is unescaped",
        "'a''b''c'",
        "a'b'c",
        "a'b''c",
        "lexer.ts replaces with a string pattern, which JavaScript does once; LexicalAnalyzer.cs appends each",
        (("lexer._read_string", _first_quote_only),),
    ),
    Bug(
        "numbers have 15 decimals instead of 15 digits",
        "format('{0}', 1e15)",
        "1E+15",
        "1000000000000000",
        "number.ts has toFixed(15); ConvertToString in EvaluationResult.cs has G15",
        (("values.format_number", to_fixed),),
    ),
    Bug(
        "toJSON writes numbers as JavaScript does",
        "toJSON(1e15)",
        "1E+15",
        "1000000000000000",
        "tojson.ts has JSON.stringify, which also makes null of NaN; ToJson.cs has ConvertToString",
        (("json_text.write_json", _stringify), ("functions.write_json", _stringify)),
    ),
    Bug(
        "strings are numbers by the rules of JavaScript",
        "0xFFFFFFFF",
        "-1",
        "4294967295",
        "string.ts has Number(), with 0X, 0b and more than 32 bits; ParseNumber in ExpressionUtility.cs has Int32",
        (
            ("lexer.parse_number", javascript_to_number),
            ("decision.parse_number", javascript_to_number),
            ("evaluation.parse_number", javascript_to_number),
        ),
    ),
    Bug(
        "a comma may follow the last argument",
        "format('a',)",
        "an error",
        "a",
        "parser.ts looks for ) only before an argument; CreateToken in LexicalAnalyzer.cs refuses ) behind a comma",
        (("parser.read_tokens", _without_last_comma),),
    ),
    Bug(
        "all arguments are evaluated",
        "case(true, 'a', fromJSON(''))",
        "a",
        "an error",
        "evaluator.ts maps over the arguments; Case.cs, Format.cs, Join.cs and Contains.cs evaluate what they need",
        (
            ("functions.call", _eager_call),
            ("evaluation._RUNNERS", {**evaluation._RUNNERS, evaluation.Index: _eager_index}),
        ),
    ),
    Bug(
        "upper case may be longer or ASCII",
        "'ſ' == 's'",
        "false",
        "true",
        "result.ts has toUpperCase(), where ß is SS and ſ is S; .NET compares ordinally, one character for one",
        (("decision.fold", _full_upper), ("functions.fold", _full_upper), ("decision.order_key", _full_upper)),
    ),
    Bug(
        "contains compares lower case",
        "contains('\u212a', 'k')",
        "false",
        "true",
        "contains.ts has toLowerCase(), where the Kelvin sign is k; Contains.cs has OrdinalIgnoreCase",
        (("functions._contains_one", _contains_lower),),
    ),
    Bug(
        "of names that differ in case the first value counts",
        """fromJSON('{"a": 1, "A": 2}').a""",
        "2",
        "1",
        "dictionary.ts leaves out what it has; ToExpressionData in JTokenExtensions.cs sets it again",
        (("values.make_object", _first_value_wins),),
    ),
    Bug(
        "properties whose names are integers come first",
        """join(fromJSON('{"b": "x", "1": "y"}').*, '')""",
        "xy",
        "yx",
        "reviver.ts goes through a JavaScript object; DictionaryExpressionData.cs keeps the order of the text",
        (("values.make_object", _integers_first),),
    ),
    Bug(
        "no property can be called constructor",
        """fromJSON('{"constructor": 1}').constructor""",
        "1",
        "null",
        "dictionary.ts looks names up in a JavaScript object, which has one; the runner has a dictionary",
        (("values.make_object", _without_constructor),),
    ),
    Bug(
        "what follows the number of a format field does not count",
        "format('{0:x}', 1)",
        "an error",
        "1",
        "format.ts goes on behind the brace; Format.cs refuses specifiers",
        (("format_string._FIELD", re.compile(r"\{(?P<index>[0-9]+)[^}]*(?P<specifiers>(?!))?\}")),),
    ),
    Bug(
        "only strict JSON is read",
        "fromJSON('[1,]')[0]",
        "1",
        "an error",
        "fromjson.ts has JSON.parse; FromJson.cs has Newtonsoft's reader. Ours says that it does not know",
        (("functions.read_json", _stays_json),),
    ),
    Bug(
        "form feeds and no-break spaces are no white space",
        "1\u00a0== 1",
        "true",
        "an error",
        "lexer.ts knows blank, tab and line ends; LexicalAnalyzer.cs has Char.IsWhiteSpace",
        (("lexer._BLANK", frozenset(" \t\r\n")),),
    ),
    Bug(
        "parentheses are levels",
        "(" * 50 + "1" + ")" * 50,
        "1",
        "an error",
        "parser.ts counts each expression that it enters; CheckMaxDepth in ExpressionParser.cs counts nodes",
        (("parser.parse_part", _count_brackets),),
    ),
)
