"""What people are told of, which of it they may have no mail of, and what of a mail is kept to be read in the site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

SECRET: Final = frozenset({"token"})
"""Values that are a key: they are in the mail alone, for the site is read by whoever sits before an open session."""

SUBJECTS: Final[dict[str, frozenset[str]]] = {
    "deals": frozenset(
        {
            "awarded", "called", "contract", "declined", "terminated", "amendment", "amended", "amendment_over", "held", "hold_over",
            "again",
        }
    ),
    "shipments": frozenset({"weights_differ", "weight_proposed", "load_rejected"}),
    "rounds": frozenset({"awards", "nothing_awarded"}),
    "bids": frozenset({"outbid", "bids_lost", "bid_void"}),
    "questions": frozenset({"question", "answer"}),
    "searches": frozenset({"found"}),
    "organization": frozenset(
        {
            "organization_registered", "organization_verified", "organization_refused", "organization_suspended",
            "organization_resumed", "capacity_lowered",
        }
    ),
}  # fmt: skip
"""What mail is about, and its kinds; each subject can be switched off by its reader. The notices in the site stay."""

ALWAYS_MAILED: Final = frozenset({"reset", "invitation", "appointment"})
"""Kinds that hold a key: who asked for one, or was invited, has no other way to get it."""

ABOUT: Final = (
    ("shipment", "shipment_id"),
    ("contract", "contract_id"),
    ("award", "award_id"),
    ("line", "line_id"),
    ("listing", "listing_id"),
)
"""What a notice is about, by the value that names it; of several, the one that came last of a deal."""


def subject_of(kind: str) -> str | None:
    """Return the subject of a kind of mail; none for what is always mailed."""
    return next((subject for subject, kinds in SUBJECTS.items() if kind in kinds), None)


def kept(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a mail without keys."""
    return {name: value for name, value in values.items() if name not in SECRET}


def about(kind: str, values: Mapping[str, Any]) -> tuple[str, int] | None:
    """Return what a notice is about: a noun and an id; none if it is about nothing that has a page."""
    for noun, name in ABOUT:
        if isinstance(values.get(name), int):
            return noun, values[name]
    if kind.startswith("organization_") and isinstance(values.get("id"), int):
        return "organization", values["id"]
    return None
