"""What pydantic finds wrong, in sentences for people who write YAML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from aggregator.inventory import hosts
from aggregator.inventory.node import Path
from aggregator.inventory.schema import json_schema

_Context = Mapping[str, Any]

_SENTENCES: Mapping[str, Callable[[_Context], str]] = {
    "value_error": lambda context: str(context["error"]),
    "literal_error": lambda context: f"must be {context['expected']}".replace("'", ""),
    "int_type": lambda _: "must be a whole number, without quotes",
    "float_type": lambda _: "must be a number, without quotes",
    "finite_number": lambda _: "must be a finite number",
    "bool_type": lambda _: "must be true or false",
    "list_type": lambda _: "must be a list, like [a, b]",
    "dict_type": lambda _: "must be a mapping of keys to values",
    "model_type": lambda _: "must be a mapping of keys to values",
    "greater_than_equal": lambda context: f"must be at least {context['ge']:g}",
    "less_than_equal": lambda context: f"must be at most {context['le']:g}",
    "too_short": lambda _: "must not be empty",
    "string_too_short": lambda _: "must not be empty",
}


def sentence(error: ErrorDetails) -> str:
    """One error as a sentence without jargon."""
    kind, value = error["type"], error["input"]
    if kind == "missing":
        return f"the key '{error['loc'][-1]}' is missing"
    if kind == "extra_forbidden":
        return _unknown_key(error["loc"])
    if value is None:
        return "has no value"
    if kind == "string_type":
        return f'must be text; quote it if it is: "{_yaml(value)}"' if _is_plain(value) else "must be text"
    context = error.get("ctx", {})
    return _SENTENCES[kind](context) if kind in _SENTENCES else error["msg"]


def _is_plain(value: object) -> bool:
    return isinstance(value, int | float)


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unknown_key(place: Path) -> str:
    """Names the known keys at the place of an unknown one, the nearest first."""
    known = _known_keys(place[:-1])
    near = hosts.hint(str(place[-1]), known)
    return f"unknown key{near}" if near else f"unknown key; there are {', '.join(known)}"


def _known_keys(place: Path) -> list[str]:
    """The keys that the schema knows in the mapping at `place`."""
    schema = json_schema()
    node: Any = schema
    for step in place:
        node = _resolve(node, schema)
        if isinstance(step, int):
            node = node.get("items", {})
        else:
            node = node.get("properties", {}).get(step) or node.get("additionalProperties") or {}
    return list(_resolve(node, schema).get("properties", {}))


def _resolve(node: Any, schema: Any) -> Any:
    reference = node.get("$ref") if isinstance(node, dict) else None
    return schema["$defs"][reference.rsplit("/", 1)[-1]] if reference else node
