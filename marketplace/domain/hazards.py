"""The four gates that keep hazardous waste out: by code, by test value, by origin, by mixture."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Final

from marketplace.domain.errors import Invalid
from marketplace.domain.grades import Failure, Requirement
from marketplace.domain.lookalikes import LOOKALIKES, Question
from marketplace.domain.reference import decimal, rows
from marketplace.domain.wording import Sentence

__all__ = ["GATES", "Question", "hazard_limits", "questions", "refuse_hazardous", "refuse_hazardous_code"]

GATES: Final = ("code", "test", "origin", "mixture")

ELSEWHERE: Final = Sentence(
    "It goes to a unit licensed for hazardous waste, with a transfer manifest; the local environment authority says how."
)

# 900-052-31; the codes of general waste differ by the S before the last two digits alone.
_HAZARDOUS_CODE = re.compile(r"\d{3}-\d{3}-(0[1-9]|[1-4]\d|50)")
_HAZARDOUS_CATEGORY = re.compile(r"\s*HW\s*\d*", re.IGNORECASE)
_DASHES = re.compile(r"[‐-―−_\s]+")


def questions(material: str) -> tuple[Question, ...]:
    """Return what must be answered about the origin of a material before it is published; none for most."""
    return tuple(question for question in LOOKALIKES if material in question.materials)


def refuse_hazardous(
    *,
    code_text: str,
    material: str,
    origin_answers: Mapping[str, bool],
    mixed_with_hazardous: bool,
    values: Mapping[str, Decimal],
) -> None:
    """
    Raise Invalid if any gate says that the waste is hazardous, or if a question about its origin is unanswered.

    The message says which gate, why, and where such waste goes instead.
    """
    refuse_hazardous_code(code_text, field="code")
    for limit in hazard_limits():
        beyond = limit.failure(values[limit.property]) if limit.property in values else None
        if beyond:
            raise _by_test(beyond)
    for question in questions(material):
        answer = origin_answers.get(question.code)
        if answer is None:
            raise Invalid("Please answer first: %(question)s", field=question.code, question=question.text)
        if answer is question.hazardous_if:
            raise Invalid(
                "By its origin this is hazardous waste (%(code)s): %(reason)s It is not traded here. %(elsewhere)s",
                field=question.code,
                code=question.hazardous_code,
                reason=question.reason,
                elsewhere=ELSEWHERE,
            )
    if mixed_with_hazardous:
        raise Invalid(
            "Waste that was mixed with hazardous waste counts as hazardous until an identification report says "
            "otherwise. It is not traded here. %(elsewhere)s",
            field="mixed_with_hazardous",
            elsewhere=ELSEWHERE,
        )


def refuse_hazardous_code(code_text: str, *, field: str | None = None) -> None:
    """Raise Invalid if a code, or the words around it, is one of the directory of hazardous waste (HW01 to HW50)."""
    plain = _DASHES.sub("-", unicodedata.normalize("NFKC", code_text).strip()).strip("-").upper()
    if _HAZARDOUS_CODE.fullmatch(plain) or _HAZARDOUS_CATEGORY.match(plain):
        raise Invalid(
            "%(code)s is a code of the directory of hazardous waste. Hazardous waste is not traded here. %(elsewhere)s",
            field=field,
            code=plain[:40],
            elsewhere=ELSEWHERE,
        )


@cache
def hazard_limits() -> tuple[Requirement, ...]:
    """Return the limits beyond which a leachate makes waste hazardous (GB 5085.1 and GB 5085.3)."""
    return tuple(
        Requirement(
            row["property"],
            decimal(row["min"]),
            decimal(row["max"]),
            row["exclusive"],
            is_required=False,
        )
        for row in rows("hazard_limits")
    )


def _by_test(beyond: Failure) -> Invalid:
    standard = next(row["standard"] for row in rows("hazard_limits") if row["property"] == beyond.property)
    return Invalid(
        "By its test value this is hazardous waste: %(measured_property)s is %(value)s, the limit of %(standard)s is "
        "%(limit)s. It is not traded here. %(elsewhere)s",
        field=beyond.property,
        measured_property=beyond.property,
        value=format(beyond.value, "f"),
        limit=format(beyond.limit, "f"),
        standard=standard,
        elsewhere=ELSEWHERE,
    )
