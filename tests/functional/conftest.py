"""The application over a small world, built once, and browsers without JavaScript for everybody in it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from marketplace.app import create_app
from marketplace.persistence.invariants import broken
from marketplace.persistence.tables import Base
from tests.conftest import settings_for
from tests.factories import Make
from tests.functional import pages
from tests.functional.routes import Route
from tests.functional.world import LANGUAGES, ROLES, World, build, paths


@dataclass
class Site:
    """A running application over the world."""

    app: Flask
    world: World
    file: Path

    @property
    def engine(self) -> Engine:
        """Its database."""
        found: Engine = self.app.extensions["marketplace.engine"]
        return found

    def browser(self, who: str, language: str) -> FlaskClient:
        """Return a browser in which somebody is signed in, or nobody."""
        client = self.app.test_client()
        if who == "visitor":
            client.set_cookie("language", language)
            return client
        with self.app.extensions["marketplace"].sessions() as session:
            token = Make(session).signed_in(self.world.people[who, language], language=language)
        with client.session_transaction() as cookie:
            cookie["_user_id"] = token
            cookie["_fresh"] = True
        return client

    def contents(self, *, but: frozenset[str] = frozenset()) -> str:
        """Return a hash over every row of every table."""
        seen = hashlib.sha256()
        with self.engine.connect() as connection:
            for name in sorted(Base.metadata.tables.keys() - but):
                rows = connection.execute(text(f'select * from "{name}" order by 1')).all()
                seen.update(repr((name, rows)).encode())
        return seen.hexdigest()

    def keep(self) -> Path:
        """Put a copy of the database aside and return it."""
        with self.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self.engine.dispose()
        return Path(shutil.copy(self.file, self.file.with_suffix(".kept")))

    def restore(self, kept: Path) -> None:
        """Make the database what it was when it was put aside."""
        self.engine.dispose()
        for beside in ("-wal", "-shm"):
            self.file.with_name(f"{self.file.name}{beside}").unlink(missing_ok=True)
        shutil.copy(kept, self.file)

    def breaches(self) -> list[str]:
        """Return the invariants that do not hold."""
        with self.app.extensions["marketplace"].sessions() as session:
            return [f"{breach.invariant.code}: {breach.places}" for breach in broken(session)]


def _open(file: Path, folder: Path, world: World) -> Site:
    app = create_app(settings_for(f"sqlite:///{file}", folder))
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False, PROPAGATE_EXCEPTIONS=False)
    return Site(app, world, file)


@pytest.fixture(scope="session")
def _built(empty_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World]:
    folder = tmp_path_factory.mktemp("world")
    file = folder / "world.db"
    shutil.copy(empty_sqlite, file)
    site = _open(file, folder, World(now=None))  # type: ignore[arg-type]  # it is built in a moment
    with site.app.extensions["marketplace"].sessions() as session:
        world = build(session)
    with site.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert site.breaches() == []
    site.engine.dispose()
    return file, world


@pytest.fixture(scope="module")
def site(_built: tuple[Path, World], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The world for tests that only look at it, and must leave it as it is."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(_built[0], folder / "world.db")
    opened = _open(folder / "world.db", folder, _built[1])
    yield opened
    opened.engine.dispose()


@pytest.fixture
def own_site(_built: tuple[Path, World], tmp_path: Path) -> Iterator[Site]:
    """A copy of the world for one test that changes it."""
    shutil.copy(_built[0], tmp_path / "world.db")
    opened = _open(tmp_path / "world.db", tmp_path, _built[1])
    yield opened
    opened.engine.dispose()


@dataclass(frozen=True)
class Visit:
    """What somebody met at an address."""

    who: str
    language: str
    path: str
    status: int
    kind: str
    body: str
    page: pages.Page


class Tour:
    """Everybody in the world looks at pages; each page is fetched once, and the database is as it was before."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._browsers = {(who, language): site.browser(who, language) for who in ROLES for language in LANGUAGES}
        self._visits: dict[tuple[str, str, str], Visit] = {}
        self.before = site.contents()

    def visit(self, who: str, language: str, path: str) -> Visit:
        """Look at a page."""
        known = self._visits.get((who, language, path))
        if known is None:
            answer = self._browsers[who, language].get(path)
            body = answer.text if answer.mimetype.startswith("text/") else ""
            read = pages.read(body) if answer.mimetype == "text/html" else pages.Page()
            known = Visit(who, language, path, answer.status_code, answer.mimetype, body, read)
            self._visits[who, language, path] = known
        return known

    def of(self, route: Route, language: str) -> Iterator[Visit]:
        """Yield what everybody meets at every address of a route."""
        for who in ROLES:
            for path, _ in paths(self.site.world, route):
                yield self.visit(who, language, path)


@pytest.fixture(scope="session")
def tour(_built: tuple[Path, World], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    """A tour through the world; it lasts as long as the tests."""
    folder = tmp_path_factory.mktemp("tour")
    shutil.copy(_built[0], folder / "world.db")
    opened = _open(folder / "world.db", folder, _built[1])
    yield Tour(opened)
    opened.engine.dispose()
