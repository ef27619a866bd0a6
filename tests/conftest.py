"""What tests share: both databases, an application on one, people signed in, and a counter of statements."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from marketplace import settings as configuration
from marketplace.app import create_app
from marketplace.cli import catalogue
from marketplace.persistence import triggers  # noqa: F401  # the guards belong to the schema
from marketplace.persistence.database import connect, sessions_of
from marketplace.persistence.tables import Base
from tests import postgres
from tests.factories import SEALER, SECRET, Make

settings.register_profile(
    "huiyong",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("huiyong")


def pytest_configure() -> None:
    """Hear Ctrl-C, as a terminal lets one: what is begun in the background is born deaf to it, and so are its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str | None]:
    """The address of a PostgreSQL that lasts as long as the tests; none if there is none to be had."""
    with postgres.server() as url:
        if url is not None:
            engine = connect(url)
            with engine.begin() as connection:
                connection.execute(text("drop schema public cascade"))
                connection.execute(text("create schema public"))
            Base.metadata.create_all(engine)
            engine.dispose()
        yield url


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the schema and nothing in it, to be copied."""
    file = tmp_path_factory.mktemp("schema") / "empty.db"
    engine = connect(f"sqlite:///{file}")
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database with the schema; a test that asks for it runs on both."""
    if request.param == "sqlite":
        file = tmp_path / "test.db"
        shutil.copy(request.getfixturevalue("empty_sqlite"), file)
        return f"sqlite:///{file}"
    url: str | None = request.getfixturevalue("postgres_url")
    if url is None:
        pytest.skip("no PostgreSQL: install postgresql, or name one in HUIYONG_TEST_POSTGRES")
    tables = ", ".join(f'"{name}"' for name in Base.metadata.tables)
    engine = connect(url)
    with engine.begin() as connection:
        connection.execute(text(f"truncate {tables} restart identity cascade"))
    engine.dispose()
    return url


@pytest.fixture
def sqlite_url(empty_sqlite: Path, tmp_path: Path) -> str:
    """The address of an empty SQLite database, for tests that are about pages and not about databases."""
    file = tmp_path / "test.db"
    shutil.copy(empty_sqlite, file)
    return f"sqlite:///{file}"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """The engine of the test's database."""
    made = connect(database_url)
    yield made
    made.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session to the test's database."""
    with sessions_of(engine)() as opened:
        yield opened


@pytest.fixture
def make(session: Session) -> Make:
    """Factories: they commit what they make."""
    return Make(session)


def settings_for(url: str, folder: Path) -> configuration.Settings:
    """Return settings for an application on a database, with its files in a folder."""
    read = configuration.read({"HUIYONG_DATA": str(folder), "HUIYONG_SECRET_KEY": SECRET})
    return replace(read, database_url=url, seal_key=SEALER.path, seal_key_made=True, watchers=0)


@pytest.fixture(scope="session", autouse=True)
def _catalogues() -> None:
    """Compile the translations, so that pages speak Chinese."""
    catalogue.compile_all()


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The application on an empty SQLite database; forms need no token."""
    made = create_app(settings_for(sqlite_url, tmp_path))
    made.config.update(TESTING=True, WTF_CSRF_ENABLED=False, PROPAGATE_EXCEPTIONS=False)
    yield made
    made.extensions["marketplace.engine"].dispose()


@pytest.fixture
def app_make(app: Flask) -> Iterator[Make]:
    """Factories on the application's database."""
    with app.extensions["marketplace"].sessions() as opened:
        yield Make(opened)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without JavaScript, nobody signed in."""
    return app.test_client()


@pytest.fixture
def browse(app: Flask, app_make: Make) -> Callable[..., FlaskClient]:
    """Return a function that gives a client signed in as a person: ``browse(person, language="en")``."""

    def signed_in(person_id: int, *, language: str = "zh_Hans_CN") -> FlaskClient:
        token = app_make.signed_in(person_id, language=language)
        opened = app.test_client()
        with opened.session_transaction() as cookie:
            cookie["_user_id"] = token
            cookie["_fresh"] = True
        return opened

    return signed_in


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """Collect the statements that are sent to a database meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
