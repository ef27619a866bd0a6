"""Every step from one state to another of what is traded; of rounds, see `roundstates`. The states are read off timestamps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

By: TypeAlias = Literal["clock", "act"]


@dataclass(frozen=True)
class Step:
    """A step from one state to another; by itself when a time has come, or only when somebody acts."""

    source: str
    target: str
    by: By


def _steps(by: By, *pairs: str) -> tuple[Step, ...]:
    ends = (pair.split(" -> ") for pair in pairs)
    return tuple(Step(source, target, by) for source, target in ends)


LISTING: Final = (
    *_steps("clock", "published -> expired"),
    *_steps(
        "act",
        "draft -> published",
        "draft -> withdrawn",
        "published -> withdrawn",
        "published -> sold",
        "sold -> published",
        "sold -> expired",
        "expired -> published",
        "expired -> withdrawn",
        "expired -> sold",
    ),
)
"""A listing. Sold out it is on the board again when an award comes to nothing; a renewal brings an expired one back."""

BIDDING: Final = (
    *_steps("clock", "open -> to_open"),
    *_steps("act", "to_open -> to_decide", "to_decide -> decided", "decided -> to_decide"),
    *_steps("act", "none -> open", "to_decide -> open", "decided -> open", "to_decide -> none", "decided -> none"),
)
"""
The bids of a listing. All was awarded and something comes free while bids stand by: it is to be decided again. A sale that
nobody bid on may begin anew, with another deadline or with none.
"""

AWARD: Final = (
    *_steps("clock", "open -> lapsed", "half -> lapsed"),
    *_steps("act", "open -> half", "half -> contracted", "open -> declined", "half -> declined"),
)
"""An award that both sides answer; one of a planning round is recommended and stays so."""

CONTRACT: Final = (*_steps("clock", "in_force -> ended"), *_steps("act", "in_force -> terminated"))
"""A contract; it ends with its last month, or before by one side, with a cause."""

AMENDMENT: Final = _steps(
    "act",
    "open -> half",
    "half -> in_force",
    "open -> declined",
    "half -> declined",
    "open -> withdrawn",
    "half -> withdrawn",
)
"""A new version of a contract that one side proposes and both sign."""

BID: Final = (
    *_steps(
        "act",
        "sealed -> replaced",
        "sealed -> withdrawn",
        "sealed -> void",
        "sealed -> opened",
        "sealed -> invalid",
    ),
)
"""A bid, as its own row tells; whether it won, stands by or lost is read off the awards of its listing."""


def reached(table: Iterable[Step], source: str, *, clock: bool = False) -> frozenset[str]:
    """
    Return the states that are one step away; with ``clock`` those that time alone leads to, by however many steps.

    >>> sorted(reached(AWARD, "open"))
    ['declined', 'half', 'lapsed']
    >>> sorted(reached(AWARD, "open", clock=True))
    ['lapsed']
    """
    steps = tuple(table)
    if not clock:
        return frozenset(step.target for step in steps if step.source == source)
    found, new = frozenset[str](), frozenset({source})
    while new:
        new = frozenset(step.target for step in steps if step.by == "clock" and step.source in new) - found
        found |= new
    return found
