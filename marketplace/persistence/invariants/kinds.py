"""What an invariant is: a rule, and what finds the rows that break it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

Look = Callable[[Session], Iterable[str]]


@dataclass(frozen=True)
class Invariant:
    """
    A rule, and the query that finds what breaks it: its first column says where.

    ``look`` finds it instead where SQL alone cannot, such as a hash of what lies in a row.
    """

    code: str
    statement: str
    query: str = ""
    look: Look | None = None

    def places(self, session: Session) -> list[str]:
        """Return where it does not hold."""
        if self.look is not None:
            return list(self.look(session))
        return [str(row[0]) for row in session.execute(text(self.query))]


@dataclass(frozen=True)
class Breach:
    """An invariant that does not hold, how often, and the first places."""

    invariant: Invariant
    count: int
    places: tuple[str, ...]
