"""Fields that a form does not have change nothing: what they name is set by the use cases alone."""

from __future__ import annotations

import hashlib
from datetime import datetime, tzinfo

import pytest
from sqlalchemy import text

from marketplace.persistence.tables import Base
from marketplace.web import context
from tests.functional.conftest import Site, Tour
from tests.functional.routes import routes
from tests.functional.world import LANGUAGES, paths

CHANGED = [route for route in routes() if route.changes]
DRAWN_BY_LOT = {"token_digest", "password_hash", "values", "sealed", "receipt"}
"""Columns that hold something random, or a link with something random in it."""

COLUMNS = sorted({column.name for table in Base.metadata.tables.values() for column in table.columns})
MARKS = ("is_admin", "role", "actor", "now", "status", "published", "verified")
TEMPTING = ("1", "2026-01-01T00:00:00")

Sent = tuple[str, str, dict[str, list[str]], set[str]]


def _sendings(tour: Tour) -> list[Sent]:
    """Return every form that somebody is shown, once: who sends it, where to, its fields and all their names."""
    found: dict[str, Sent] = {}
    for route in routes():
        for visit in tour.of(route, LANGUAGES[0]) if route.reads else ():
            for form in visit.page.forms:
                path = form.action.partition("?")[0] or visit.path
                if form.method == "post" and path != "/logout":
                    found.setdefault(
                        path, (visit.who, path, form.fields | {name: ["2"] for name in form.blank}, form.known)
                    )
    return list(found.values())


def _contents(site: Site) -> dict[str, str]:
    """Return a hash of each table, without what is drawn by lot."""
    hashes = {}
    with site.engine.connect() as connection:
        for name, table in Base.metadata.tables.items():
            columns = ", ".join(f'"{column.name}"' for column in table.columns if column.name not in DRAWN_BY_LOT)
            rows = connection.execute(text(f'select {columns} from "{name}" order by 1')).all()
            hashes[name] = hashlib.sha256(repr(rows).encode()).hexdigest()
    return hashes


class _Stopped(datetime):
    """A clock that stands, so that two runs write the same instants."""

    at: datetime

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return cls.at


@pytest.fixture
def still(own_site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    _Stopped.at = datetime.now(own_site.world.now.tzinfo)
    monkeypatch.setattr(context, "datetime", _Stopped)
    return own_site


def test_fields_that_a_form_does_not_have_change_nothing(still: Site, tour: Tour) -> None:
    browsers = {who: still.browser(who, LANGUAGES[0]) for who, *_ in _sendings(tour)}
    before = still.keep()
    done, faults = set(), []

    for who, path, fields, known in _sendings(tour):
        answers = []
        more = {name: list(TEMPTING) for name in (*COLUMNS, *MARKS) if name not in known}
        for sent in (fields, fields | more):
            still.restore(before)
            status = browsers[who].post(path, data=sent).status_code
            answers.append((status, _contents(still)))
        (status, plain), (loaded_status, loaded) = answers
        if status == 303:
            done.add(path)
        if (status, plain) != (loaded_status, loaded):
            tables = [name for name in plain if plain[name] != loaded[name]]
            faults.append(f"{who}: {path} {status} {loaded_status} {tables}")

    assert faults == []
    assert len(done) > len(CHANGED) // 4, f"hardly any form was accepted: {sorted(done)}"
    assert still.breaches() == []


def test_the_world_has_a_form_for_nearly_every_route_that_changes(tour: Tour) -> None:
    sent = {path for _, path, *_ in _sendings(tour)}

    without = [route.rule for route in CHANGED if not {path for path, _ in paths(tour.site.world, route)} & sent]

    assert len(without) < len(CHANGED) // 4, without
