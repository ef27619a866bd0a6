"""What of a mail is kept to be read in the site, and what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

SECRET: Final = frozenset({"token"})
"""Values that are a key: they are in the mail alone, for the site is read by whoever sits before an open session."""

ABOUT: Final = (
    ("contract", "contract_id"),
    ("award", "award_id"),
    ("line", "line_id"),
    ("listing", "listing_id"),
)
"""What a notice is about, by the value that names it; of several, the one that came last of a deal."""


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
