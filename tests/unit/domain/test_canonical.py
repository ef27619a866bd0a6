"""A frozen record is equal bytes for equal records, also after it learned a new field."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from marketplace.domain.canonical import LATER, from_json, to_json


@dataclass(frozen=True, kw_only=True)
class Old:
    kg: int


@dataclass(frozen=True, kw_only=True)
class New:
    kg: int
    fen: int = field(default=0, metadata=LATER)
    other: int | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, kw_only=True)
class Careless:
    kg: int
    fen: int = 0


def test_a_record_frozen_before_a_field_was_added_keeps_its_bytes_and_is_read_as_the_default() -> None:
    before = to_json(Old(kg=7))

    again = from_json(New, before)

    assert again == New(kg=7, fen=0, other=None)
    assert to_json(again) == before == '{"kg":7}'


def test_a_field_added_without_that_care_changes_the_bytes_and_cannot_be_read() -> None:
    before = to_json(Old(kg=7))

    assert to_json(Careless(kg=7)) != before
    with pytest.raises(KeyError):
        from_json(Careless, before)


def test_what_differs_from_its_default_is_written_and_comes_back() -> None:
    record = New(kg=7, fen=-3, other=0)

    assert to_json(record) == '{"fen":-3,"kg":7,"other":0}'
    assert from_json(New, to_json(record)) == record


def test_a_field_that_was_always_there_must_be_there() -> None:
    with pytest.raises(KeyError):
        from_json(New, '{"fen":3}')
