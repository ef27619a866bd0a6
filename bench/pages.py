"""How long the server takes for a page, and how many statements it sends, with few listings and with many."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import perf_counter, process_time

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from bench.instances import market
from marketplace import settings as configuration
from marketplace.app import create_app
from marketplace.persistence.database import transaction
from marketplace.services.accounts import Origin, begin

SIZES = (50, 50_000)
WARM, RUNS, LEAST_RUNS = 2, 20, 3
MOST_SECONDS = 10
"""For one page; a slow one is asked for less often."""

PAGES = (
    ("board, visitor", None, "/board"),
    ("board, recycler", "recycler", "/board"),
    ("search by material", "recycler", "/board?q=粉煤灰"),
    ("search near a place", "recycler", "/board?q=粉煤灰&place=大同&radius=100&sort=distance"),
    ("search by quantity, last page", "recycler", "/board?band=1000000&sort=-quantity&page=400"),
    ("what fits near me", "recycler", "/near?line=1"),
    ("a listing", "recycler", "/board/7"),
    ("today, recycler", "recycler", "/today"),
    ("park", "park", "/parks/1"),
    ("today, park", "park", "/today"),
)


def rows(sizes: tuple[int, ...] = SIZES) -> list[dict[str, object]]:
    """Return one row per page and size: milliseconds at the median and the 95th percentile, of the processor, statements, kilobytes."""
    return [row for size in sizes for row in _at(size)]


def _at(size: int) -> Iterator[dict[str, object]]:
    with tempfile.TemporaryDirectory(prefix="huiyong-bench-") as folder:
        app = create_app(configuration.read({"HUIYONG_DATA": folder, "HUIYONG_IDLE_MINUTES": "600"}))
        engine: Engine = app.extensions["marketplace.engine"]
        people = market(engine, size, now=datetime.now(UTC).replace(microsecond=0))
        with engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
        for name, who, address in PAGES:
            yield {"page": name, "listings": size} | _measured(app, engine, people[who] if who else None, address)
        engine.dispose()


def _measured(app: Flask, engine: Engine, person: int | None, address: str) -> dict[str, object]:
    client = _browser(app, person)
    taken, worked, sent, answer = [], [], 0, None
    until = perf_counter() + MOST_SECONDS
    for number in range(WARM + RUNS):
        if len(taken) >= LEAST_RUNS and perf_counter() > until:
            break
        with _counted(engine) as statements:
            began, busy = perf_counter(), process_time()
            answer = client.get(address)
            seconds, busy = perf_counter() - began, process_time() - busy
        if number >= WARM:
            taken.append(1000 * seconds)
            worked.append(1000 * busy)
            sent = len(statements)
    assert answer is not None
    if answer.status_code != 200:
        raise AssertionError(f"{address} answers {answer.status_code}")
    return {
        "ms_median": round(statistics.median(taken), 1),
        "ms_p95": round(sorted(taken)[int(0.95 * (len(taken) - 1))], 1),
        "cpu_ms": round(statistics.median(worked), 1),
        "selects": sent,
        "kilobytes": round(len(answer.data) / 1024, 1),
    }


def _browser(app: Flask, person: int | None) -> FlaskClient:
    client = app.test_client()
    if person is not None:
        with app.extensions["marketplace"].sessions() as session:
            origin, now = Origin("127.0.0.1", "bench"), datetime.now(UTC)
            with transaction(session):
                token = begin(session, person, origin, lasts=timedelta(hours=12), now=now)
        with client.session_transaction() as cookie:
            cookie["_user_id"] = token
            cookie["_fresh"] = True
    return client


@contextmanager
def _counted(engine: Engine) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip()[:6].upper() in {"SELECT", "WITH R", "INSERT", "UPDATE"}:
            sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
