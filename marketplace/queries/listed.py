"""A page of a list that can grow: so many rows at a time, searched and sorted by the database."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

Row = TypeVar("Row")

PER_PAGE: Final = 25


@dataclass(frozen=True)
class Wish:
    """What the reader asked a list for; whatever it is, some page is shown."""

    search: str = ""
    sort: str = ""
    number: int = 1


@dataclass(frozen=True)
class Listed(Generic[Row]):
    """One page: ``number`` counts from 1, ``total`` is of all pages."""

    rows: tuple[Row, ...]
    number: int
    pages: int
    total: int
    sort: str
    search: str


def page_of(
    session: Session,
    query: Any,
    wish: Wish,
    *,
    sorts: Mapping[str, Any],
    last: Any,
) -> Listed[Any]:
    """
    Return the page of a query that was wished for, or the nearest there is.

    ``sorts`` names what may be sorted by, the first unless the wish names another; ``-name`` turns it; ``last`` is
    unique. Two SELECTs.
    """
    name = wish.sort.removeprefix("-")
    chosen = wish.sort if name in sorts else next(iter(sorts))
    by = sorts[chosen.removeprefix("-")]
    total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    pages = max(1, -(-total // PER_PAGE))
    number = min(max(wish.number, 1), pages)
    rows = session.execute(
        query.order_by(by.desc() if chosen.startswith("-") else by.asc(), last)
        .limit(PER_PAGE)
        .offset((number - 1) * PER_PAGE)
    ).all()
    return Listed(tuple(rows), number, pages, total, chosen, wish.search)


def matches(search: str, *columns: Any, codes: tuple[Any, tuple[str, ...]] | None = None) -> ColumnElement[bool] | None:
    """
    Return the condition that one of the columns contains what was searched for; none if nothing was.

    ``codes`` is a column and the codes whose names the reader may have meant.
    """
    wanted = unicodedata.normalize("NFKC", search).replace("\0", "").strip()
    if not wanted:
        return None
    found = [column.icontains(wanted, autoescape=True) for column in columns]
    if codes is not None and codes[1]:
        found.append(codes[0].in_(codes[1]))
    return or_(*found)
