"""
What must hold at every commit, each as a query for the rows that break it.

`broken` runs after tests, as the command `check` on a live database, and after every restore. It only reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from marketplace.persistence.invariants.awards import AWARDS
from marketplace.persistence.invariants.bids import BIDS
from marketplace.persistence.invariants.contracts import CONTRACTS
from marketplace.persistence.invariants.kinds import Breach, Invariant
from marketplace.persistence.invariants.quantities import QUANTITIES
from marketplace.persistence.invariants.questions import QUESTIONS
from marketplace.persistence.invariants.shipments import SHIPMENTS
from marketplace.persistence.invariants.stocks import STOCKS
from marketplace.persistence.invariants.trail import TRAIL

__all__ = ["INVARIANTS", "Breach", "Invariant", "broken"]

MOST_NAMED: Final = 5
"""Rows that are named of one invariant; more are counted."""

INVARIANTS: Final = (*QUANTITIES, *AWARDS, *CONTRACTS, *BIDS, *QUESTIONS, *SHIPMENTS, *STOCKS, *TRAIL)


def broken(session: Session) -> Iterator[Breach]:
    """Yield what does not hold."""
    for invariant in INVARIANTS:
        places = invariant.places(session)
        if places:
            yield Breach(invariant, len(places), tuple(sorted(places)[:MOST_NAMED]))
    if session.get_bind().dialect.name == "sqlite" and session.scalar(text("pragma foreign_keys")) != 1:
        yield Breach(Invariant("S1", "Foreign keys are on."), 1, ("this connection",))
