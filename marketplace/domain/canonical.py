"""One way to write a frozen record as JSON, so that equal records are equal bytes, and to read it back."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeVar, Union, cast

from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence, sentence

Record = TypeVar("Record")

LATER: Final = {"later": True}
"""
The metadata of a field that a record did not have before.

It is written only where it differs from its default, so that a record frozen without it keeps its bytes and its hash, and
is read as the default where it is missing.
"""


def to_json(record: object) -> str:
    """
    Write a record: keys sorted, no spaces, whole numbers and texts only; decimals and dates are texts.

    Raises TypeError for a float, which has no one way to be written and no place in a record.
    """
    return json.dumps(_plain(record), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def from_json(kind: type[Record], text: str) -> Record:
    """Read back what `to_json` wrote of such a record; raises ValueError, KeyError or TypeError if it cannot."""
    return cast("Record", _read(kind, json.loads(text)))


def sha256(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, in lower-case hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (Decimal, Month)):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Sentence):
        return value.plain()
    if dataclasses.is_dataclass(value):
        kept = ((field, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {
            field.name: _plain(item)
            for field, item in kept
            if not ("later" in field.metadata and item == field.default)
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(cast("Any", _plain(item)) for item in value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    raise TypeError(f"a {type(value).__name__} has no place in a frozen record")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read(kind: Any, value: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        present = [argument for argument in arguments if argument is not type(None)]
        return None if value is None else _read(present[0], value)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return tuple(_read(arguments[0], item) for item in value)
        return tuple(_read(argument, item) for argument, item in zip(arguments, value, strict=True))
    if origin is frozenset:
        return frozenset(_read(arguments[0], item) for item in value)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return {_read(arguments[0], key): _read(arguments[1], item) for key, item in value.items()}
    if kind is Sentence:
        return sentence(value)
    if kind is Month:
        return Month.parse(value)
    if kind is date:
        return date.fromisoformat(value)
    if dataclasses.is_dataclass(kind):
        hints = _hints(cast("type", kind))
        fields = {
            field.name: _read(hints[field.name], value[field.name])
            for field in dataclasses.fields(kind)
            if field.name in value or "later" not in field.metadata
        }
        return cast("Any", kind)(**fields)
    return kind(value) if kind in (Decimal, int) else value
