"""Judges requests and answers by GitHub's own OpenAPI description (a slice of it, read from the project's neighbour).

Repairs to the description, each because the real GitHub differs from it: ``created`` is a search range though its
type says date-time; recorded runs have commit addresses that are no ``format: email``; addresses that are empty by
default are no ``format: uri`` then; a path's last part may hold slashes; and every ``/repos/{owner}/{repo}/…`` has a
twin ``/repositories/{id}/…``, which Link headers name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

import jsonschema_rs

from tests.standin.wire import split_target

SLICE = Path(__file__).parents[2] / "../shared/api/openapi-actions-slice.json"
_TWIN = re.compile(r"^/repositories/[^/?]+")


@dataclass(frozen=True)
class Gap:
    """What GitHub does though its description does not say so."""

    path: str
    """Pattern of the path."""
    statuses: frozenset[int]
    reason: str


_ERRORS = frozenset({301, 304, 400, 401, 403, 404, 429, 451, 500, 502, 503, 504})
GAPS: tuple[Gap, ...] = (
    Gap(r"", _ERRORS, "the description names few errors; each of them answers with a basic error, 304 with nothing"),
    Gap(
        r"/logs$",
        frozenset({404, 410}),
        "only 302 is documented for logs: 404 while there are none, 410 when expired",
    ),
    Gap(r"/actions/(workflows/[^/]+/)?runs$", frozenset({422}), "a range or status that makes no sense"),
    Gap(r"/actions/runs/\d+/jobs$", frozenset({422}), "a filter that makes no sense"),
    Gap(r"/commits/[^/]+/pulls$", frozenset({422}), "a commit that does not exist"),
)
OUTSIDE: tuple[str, ...] = (
    r"^/graphql$",
    r"^/app/",
    r"^/(user|meta)?$",
    r"^/repos/[^/]+/[^/]+/installation$",
)
"""Paths that the slice does not have: not judged. Every other unknown path is a fault."""


class Logged(Protocol):
    """A line of the request log."""

    @property
    def method(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def origin(self) -> str: ...


@dataclass(frozen=True)
class _Operation:
    """One path of the description."""

    template: str
    pattern: re.Pattern[str]
    description: dict[str, Any]


class Judge:
    """Says in whole sentences what is wrong; an empty list means nothing is."""

    def __init__(self, description: dict[str, Any]) -> None:
        self._description = _as_json_schema(description)
        self._components = self._description["components"]
        templates = sorted(self._description["paths"], key=lambda path: (path.count("{"), -len(path)))
        self._operations = [
            _Operation(path, self._compile(path), self._description["paths"][path]) for path in templates
        ]
        self._validators: dict[str, Any] = {}

    @staticmethod
    @cache
    def load(path: Path = SLICE) -> Judge | None:
        """The judge, or None where the description is not at hand."""
        return Judge(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None

    @property
    def templates(self) -> list[str]:
        """All paths of the description: ``/repos/{owner}/{repo}/actions/runs``."""
        return [operation.template for operation in self._operations]

    def template(self, target: str) -> str | None:
        """The one that a path and query belong to."""
        operation = self._find(split_target(target)[0])
        return operation.template if operation else None

    def request(self, method: str, target: str) -> list[str]:
        """What is wrong with a request: its path, its query's names and values, ``per_page`` over 100."""
        path, query = split_target(target)
        operation = self._find(path)
        if operation is None:
            return [] if _is_outside(path) else [f"{method} {path} is not in the description."]
        if method != "GET":
            return [f"{method} {operation.template} is not in the description."]
        told = [self._resolve(entry) for entry in operation.description["get"].get("parameters", [])]
        known = {entry["name"]: entry for entry in told if entry["in"] == "query"}
        wrong = [f"{operation.template} has no query parameter '{name}'." for name in query if name not in known]
        for name, value in query.items():
            if name in known:
                wrong += [
                    f"{operation.template}: {said}" for said in _judge_value(name, value, known[name]["schema"])
                ]
        match = operation.pattern.fullmatch(_TWIN.sub("/repos/o/r", path))
        for entry in told:
            if entry["in"] == "path" and match is not None and entry["name"] in match.groupdict():
                value = unquote(match[entry["name"]])
                wrong += [
                    f"{operation.template}: {said}" for said in _judge_value(entry["name"], value, entry["schema"])
                ]
        return wrong

    def response(self, method: str, target: str, status: int, content_type: str, body: bytes) -> list[str]:
        """What is wrong with an answer: its status, its content type, its body."""
        path, _ = split_target(target)
        operation = self._find(path)
        if operation is None:
            known = _is_outside(path) or status == 404
            return [] if known else [f"{status} to {method} {path}, which is not in the description."]
        where = f"{status} to {method} {operation.template}"
        if method not in ("GET", "HEAD"):
            return []
        responses = operation.description["get"]["responses"]
        if str(status) in responses:
            content = self._resolve(responses[str(status)]).get("content", {})
        elif any(status in gap.statuses and re.search(gap.path, path) for gap in GAPS):
            error = {"schema": {"$ref": "#/components/schemas/basic-error"}}
            content = {} if status == 304 else {"application/json": error}
        else:
            return [f"{where} is not in the description."]
        if not content or method == "HEAD":
            return []
        return self._judge_body(where, operation.template, content, content_type, body)

    def log(self, requests: Iterable[Logged]) -> list[str]:
        """What is wrong with any request of a log; downloads are not GitHub's API."""
        return [
            wrong for seen in requests if seen.origin == "api" for wrong in self.request(seen.method, seen.target)
        ]

    def _judge_body(
        self, where: str, template: str, content: dict[str, Any], content_type: str, body: bytes
    ) -> list[str]:
        media = content_type.partition(";")[0].strip()
        if media.startswith("application/vnd.github") and media.endswith("raw+json") and "contents" in template:
            return []  # a file as it is: the description does not tell of it
        if media not in content:
            return [f"{where} has the content type '{media}', not one of {sorted(content)}."]
        try:
            value = json.loads(body)
        except ValueError:
            return [f"{where} is not JSON."]
        key = json.dumps(content[media]["schema"], sort_keys=True)
        if key not in self._validators:
            schema = {**content[media]["schema"], "components": self._components}
            self._validators[key] = jsonschema_rs.Draft7Validator(_wrap(schema), validate_formats=True)
        errors = self._validators[key].iter_errors(value)
        return [f"{where}, {'.'.join(map(str, error.instance_path))}: {error.message[:300]}" for error in errors]

    def _find(self, path: str) -> _Operation | None:
        path = _TWIN.sub("/repos/o/r", path)
        return next((entry for entry in self._operations if entry.pattern.fullmatch(path)), None)

    def _compile(self, template: str) -> re.Pattern[str]:
        told = [self._resolve(entry) for entry in self._description["paths"][template]["get"].get("parameters", [])]
        wide = {entry["name"] for entry in told if entry.get("x-multi-segment")} | {"path"}

        def part(match: re.Match[str]) -> str:
            return f"(?P<{match[1]}>{'.*' if match[1] in wide else '[^/]+'})"

        return re.compile(re.sub(r"\{(\w+)\}", part, template))

    def _resolve(self, value: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in value:
            return value
        found: Any = self._description
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return dict(found)


def _wrap(schema: dict[str, Any]) -> dict[str, Any]:
    """Beside ``$ref`` Draft 7 sees nothing, so the components must not stand beside it."""
    components = schema.pop("components")
    return {"allOf": [schema], "components": components}


def _is_outside(path: str) -> bool:
    return any(re.search(pattern, path) for pattern in OUTSIDE)


def _judge_value(name: str, value: str, schema: dict[str, Any]) -> list[str]:
    kinds = schema.get("type", "string")
    if kinds == "integer" and not re.fullmatch(r"-?\d+", value):
        return [f"'{name}' is a number, not '{value}'."]
    if kinds == "boolean" and value not in ("true", "false"):
        return [f"'{name}' is true or false, not '{value}'."]
    if "enum" in schema and value not in schema["enum"]:
        return [f"'{name}' cannot be '{value}'."]
    if name == "per_page" and not 1 <= int(value) <= 100:
        return [f"'per_page' is 1 to 100, not {value}."]
    if name == "page" and int(value) < 1:
        return [f"'page' begins at 1, not {value}."]
    return []


def _as_json_schema(value: Any) -> Any:
    """OpenAPI 3.0's dialect as JSON Schema: ``nullable`` becomes a type; formats that GitHub breaks go."""
    if isinstance(value, list):
        return [_as_json_schema(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    told = {key: _as_json_schema(entry) for key, entry in value.items() if key not in ("example", "examples")}
    if told.get("format") == "email" or (told.get("format") == "uri" and told.get("default") == ""):
        del told["format"]
    if told.pop("nullable", False) is True:
        if "enum" in told:
            told["enum"] = [*told["enum"], None]
        if isinstance(told.get("type"), str):
            told["type"] = [told["type"], "null"]
        elif "type" not in told:
            told = {"anyOf": [told, {"type": "null"}]}
    return told
