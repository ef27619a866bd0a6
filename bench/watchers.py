"""
How long people wait for their pages while others watch an open sale in which somebody bids.

The site is served as `make run` serves it, on the loopback address, with the demo world. A watcher is what `live.js` does:
it asks for a stream, fetches the block when the stream says that something changed, and where it is given no stream asks
every five seconds with the ETag of what it has. The readers come from another process, one after the other each.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

from sqlalchemy import select, update

from marketplace.persistence import tables  # noqa: F401  # all of them, or foreign keys find no table
from marketplace.persistence.database import connect, sessions_of, transaction
from marketplace.persistence.listings import Listing
from tools.serve import BIN

ROOT = Path(__file__).resolve().parent.parent
SIZES: Final = (0, 100)
READERS: Final = 4
SECONDS: Final = 20.0
ASKS_AFTER: Final = 5.0
BIDS_AFTER: Final = 2.0
KEPT_SECONDS: Final = 1.0
"""So long the server surely keeps a connection that nobody uses."""
PASSWORD: Final = "huiyong-demo"
PAGES: Final = ("/board", "/board/{sale}", "/today", "/bids", "/near")


def rows(sizes: tuple[int, ...] = SIZES) -> list[dict[str, object]]:
    """Return a row for each number of watchers: milliseconds of the pages of others, and what the watchers saw."""
    return [_with(watchers) for watchers in sizes]


@dataclass
class Seen:
    """What the watchers met: answers by kind, and seconds from a bid to the block that shows it."""

    answers: Counter[str] = field(default_factory=Counter)
    lags: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    bid_at: float = 0.0

    def note(self, kind: str, lag: float | None = None) -> None:
        """Count an answer."""
        with self.lock:
            self.answers[kind] += 1
            if lag is not None:
                self.lags.append(lag)


class Browser:
    """One person's connection: keeps cookies, follows nothing."""

    def __init__(self, port: int) -> None:
        self.port, self.cookies = port, dict[str, str]()
        self.connection, self.used_at = HTTPConnection("127.0.0.1", port, timeout=30), 0.0

    @property
    def cookie(self) -> str:
        """The cookies, as they are sent."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def ask(
        self, method: str, path: str, form: dict[str, str] | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a request and return status, headers and body."""
        sent = {"Cookie": self.cookie, **headers}
        if form is not None:
            sent |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://127.0.0.1:{self.port}"}
        if time.monotonic() - self.used_at > KEPT_SECONDS:
            self.connection.close()  # it opens again by itself
        self.connection.request(method, path, urlencode(form) if form else None, sent)
        answer = self.connection.getresponse()
        body = answer.read()
        self.used_at = time.monotonic()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body

    def sign_in(self, email: str) -> None:
        """Sign in as one of the demo people."""
        status, _, _ = self.send("/login", "/login", email=email, password=PASSWORD)
        if status != 303:
            raise AssertionError(f"{email} is not let in: {status}")

    def send(self, page: str, action: str, **form: str) -> tuple[int, dict[str, str], bytes]:
        """Send a form with the token of its page."""
        _, _, body = self.ask("GET", page)
        token = re.search(r'name="csrf_token" value="([^"]+)"', body.decode())
        return self.ask("POST", action, {"csrf_token": token[1] if token else "", **form})


def _with(watchers: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="huiyong-bench-") as folder, _site(Path(folder) / "data") as port:
        sale = _open_sale(Path(folder) / "data")
        watching = Browser(port)
        watching.sign_in("dt@demo.example")
        seen, ends = Seen(), time.monotonic() + SECONDS + 3
        with ThreadPoolExecutor(watchers + 1) as pool:
            told = [pool.submit(_watch, watching, sale, seen, ends) for _ in range(watchers)]
            told.append(pool.submit(_bid, port, sale, seen, ends))
            time.sleep(3)  # all are there
            readers = [
                subprocess.Popen(
                    [sys.executable, "-m", "bench.watchers", str(port), str(sale), str(SECONDS)],
                    stdout=subprocess.PIPE,
                    cwd=ROOT,
                )
                for _ in range(READERS)
            ]
            taken = sorted(second for each in readers for second in json.loads(each.communicate()[0]))
            for each in told:
                each.result()
    lags = sorted(seen.lags)
    return {
        "watchers": watchers,
        "pages": len(taken),
        "ms_median": round(1000 * taken[len(taken) // 2], 1),
        "ms_p95": round(1000 * taken[int(0.95 * (len(taken) - 1))], 1),
        "ms_p99": round(1000 * taken[int(0.99 * (len(taken) - 1))], 1),
        "bids": seen.answers["bid"],
        "streams": seen.answers["stream"],
        "blocks": seen.answers["200"],
        "unchanged": seen.answers["304"],
        "s_until_seen_median": round(lags[len(lags) // 2], 1) if lags else None,
        "s_until_seen_most": round(lags[-1], 1) if lags else None,
    }


def _open_sale(data: Path) -> int:
    """Return the number of the demo world's open sale, with its end an hour ahead."""
    engine = connect(f"sqlite:///{data / 'huiyong.db'}")
    with sessions_of(engine)() as session, transaction(session):
        number = session.scalars(select(Listing.id).where(Listing.sale_kind == "ascending")).one()
        ahead = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        session.execute(update(Listing).where(Listing.id == number).values(bids_close_at=ahead))
    engine.dispose()
    return number


def _bid(port: int, sale: int, seen: Seen, ends: float) -> None:
    """Better the own bid again and again."""
    browser, price = Browser(port), 40
    browser.sign_in("recycler@demo.example")
    while time.monotonic() < ends:
        price += 2
        status, _, body = browser.send(
            f"/board/{sale}/bid", f"/board/{sale}/bid", price=str(price), kg_per_month="3000", transport="recycler",
            confirmed="y", do="bid",
        )  # fmt: skip
        if status != 303:
            raise AssertionError(f"the bid is not taken: {status} {body[-3000:].decode()}")
        seen.bid_at = time.monotonic()
        seen.note("bid")
        time.sleep(BIDS_AFTER)


def _watch(who: Browser, sale: int, seen: Seen, ends: float) -> None:
    """Watch until the end as the page of somebody signed in does."""
    browser, rng = Browser(who.port), random.Random()
    browser.cookies = dict(who.cookies)
    version, etag = "", ""

    def refresh() -> None:
        nonlocal version, etag
        status, headers, _ = browser.ask(
            "GET", f"/board/{sale}/sale", **({"HX-Request": "true"} | ({"If-None-Match": etag} if etag else {}))
        )
        changed = status == 200 and version not in ("", headers["x-version"])
        seen.note(str(status), time.monotonic() - seen.bid_at if changed and seen.bid_at else None)
        if status == 200:
            version, etag = headers["x-version"], headers["etag"]

    refresh()
    if _stream(browser, sale, version, refresh, seen, ends):
        return
    while time.monotonic() < ends:
        time.sleep(min(ASKS_AFTER * rng.uniform(0.8, 1.2), max(0.0, ends - time.monotonic())))
        refresh()


def _stream(who: Browser, sale: int, version: str, refresh: Callable[[], None], seen: Seen, ends: float) -> bool:
    """Hear a stream and fetch when it tells; return whether one was given."""
    connection = HTTPConnection("127.0.0.1", who.port, timeout=30)
    connection.request("GET", f"/board/{sale}/watch?version={version}", headers={"Cookie": who.cookie})
    answer = connection.getresponse()
    if answer.status != 200:
        connection.close()
        return False
    seen.note("stream")
    while time.monotonic() < ends:
        line = answer.readline()
        if not line:
            return time.monotonic() >= ends
        if line.startswith(b"event: changed"):
            refresh()
    connection.close()
    return True


@contextmanager
def _site(data: Path) -> Iterator[int]:
    """Serve a demo world as `make run` does, and yield the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HUIYONG_")}
    environment = kept | {
        "HUIYONG_DATA": str(data), "HUIYONG_PUBLIC_URL": f"http://127.0.0.1:{port}", "HUIYONG_IDLE_MINUTES": "600",
        "PORT": str(port),
    }  # fmt: skip
    for command in (("database", "upgrade"), ("demo", "load")):
        subprocess.run(
            [str(BIN / "flask"), "--app", "wsgi", *command], cwd=ROOT, env=environment, check=True, capture_output=True
        )
    served = subprocess.Popen(
        [sys.executable, "tools/serve.py"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    )
    try:
        _until_it_answers(port)
        yield port
    finally:
        served.send_signal(signal.SIGTERM)
        served.wait(timeout=60)


def _until_it_answers(port: int) -> None:
    for _ in range(300):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the site does not answer")


def read(port: int, sale: int, seconds: float) -> list[float]:
    """Read pages as one signed-in person, one after the other, and return the seconds of each."""
    browser = Browser(port)
    browser.sign_in("dt@demo.example")
    taken, ends = [], time.monotonic() + seconds
    while time.monotonic() < ends:
        for page in PAGES:
            at = time.perf_counter()
            status, _, _ = browser.ask("GET", urlsplit(page.format(sale=sale)).path)
            taken.append(time.perf_counter() - at)
            if status != 200:
                raise AssertionError(f"{page} answers {status}")
            time.sleep(0.2)  # somebody looks at it
    return taken


if __name__ == "__main__":
    print(json.dumps(read(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))))
