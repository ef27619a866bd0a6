"""The unified social credit code of an organization, with its check digit (GB 32100)."""

from __future__ import annotations

import unicodedata
from typing import Final

from marketplace.domain.errors import Invalid

ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""Digits and letters without I, O, S, V, Z; the place of a character is its value."""

LENGTH: Final = 18

_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(LENGTH - 1))


def credit_code(text: str, *, field: str | None = None) -> str:
    """
    Read a unified social credit code as people type it: full-width, lower case and spaces are understood.

    Raises Invalid if it has not 18 characters, a character that does not occur, or a wrong check digit.
    """
    code = _plain(text)
    if len(code) != LENGTH:
        raise Invalid(
            "A unified social credit code has 18 characters; this one has %(length)s.", field=field, length=len(code)
        )
    _refuse_foreign(code, field)
    if code[-1] != _check_digit(code[:-1]):
        raise Invalid(
            "The last character of this unified social credit code does not fit the others. Is it typed right?",
            field=field,
        )
    return code


def valid_credit_code(body17: str) -> str:
    """
    Return the code whose first 17 characters are given, for organizations that are invented.

    Raises Invalid if they are not 17, or one of them does not occur.
    """
    body = _plain(body17)
    if len(body) != LENGTH - 1:
        raise Invalid("The body of a unified social credit code has 17 characters.")
    _refuse_foreign(body, None)
    return body + _check_digit(body)


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).upper().split())


def _refuse_foreign(code: str, field: str | None) -> None:
    foreign = next((character for character in code if character not in ALPHABET), None)
    if foreign is not None:
        raise Invalid(
            "“%(character)s” does not occur in a unified social credit code: digits and letters without I, O, S, V, Z.",
            field=field,
            character=foreign,
        )


def _check_digit(body: str) -> str:
    weighed = sum(ALPHABET.index(character) * weight for character, weight in zip(body, _WEIGHTS, strict=True))
    return ALPHABET[-weighed % 31]
