"""Databases of a race: each test has its own, with the second fences (CHECKs, unique awards and calls) or without them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import CheckConstraint, MetaData, UniqueConstraint, text

from marketplace.persistence.database import connect
from marketplace.persistence.tables import Base

COUNTERS = ("listing_months", "line_months", "line_years", "filings")

NewDatabase = Callable[..., str]


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewDatabase]:
    """Return what makes an empty database: ``new_database(checks=False)`` lacks the second fences."""
    numbers = itertools.count(1)
    made: list[str] = []
    base: str | None = None
    if request.param == "postgresql":
        base = request.getfixturevalue("postgres_url")
        if base is None:
            pytest.skip("no PostgreSQL: install postgresql, or name one in HUIYONG_TEST_POSTGRES")

    def make(*, checks: bool = True) -> str:
        number = next(numbers)
        if base is None:
            url = f"sqlite:///{tmp_path / f'race{number}.db'}"
        else:
            schema = f"race_{number}"
            _statement(base, f"create schema {schema}")
            made.append(schema)
            url = f"{base}{'&' if '?' in base else '?'}options=-csearch_path%3D{schema}"
        engine = connect(url)
        (Base.metadata if checks else _without_checks()).create_all(engine)
        engine.dispose()
        return url

    yield make
    for schema in made:
        _statement(str(base), f"drop schema {schema} cascade")


def _statement(url: str, statement: str) -> None:
    engine = connect(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _without_checks() -> MetaData:
    bare = MetaData()
    for table in Base.metadata.tables.values():
        table.to_metadata(bare)
    for name in COUNTERS:
        table = bare.tables[name]
        table.constraints = {each for each in table.constraints if not isinstance(each, CheckConstraint)}
    awards = bare.tables["awards"]
    awards.indexes = {each for each in awards.indexes if not each.unique}
    calls = bare.tables["standby_calls"]
    calls.constraints = {each for each in calls.constraints if not isinstance(each, UniqueConstraint)}
    return bare
