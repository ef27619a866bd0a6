"""The real site in processes of its own, and a person who walks through it with Chromium and notices what is wrong."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent
AXE = ROOT / "tests" / "vendor" / "axe.min.js"
SCREENS = ROOT / "var" / "screens"
NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
)
PASSWORD = "huiyong-demo"
"""Of everybody in the demo world."""
START_SECONDS = 60
PATIENCE_MS = 20_000

AUDIT = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.map(
    found => found.id + ": " + found.nodes.slice(0, 3).map(node => node.target.join(" ")).join(", "))"""
WIDER = """() => {
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) return null;
    const wide = [...document.querySelectorAll("body *")].filter(each => each.getBoundingClientRect().right > room + 1);
    return document.documentElement.scrollWidth + " of " + room + ": "
        + wide.slice(0, 3).map(each => each.tagName + "." + each.className).join(", ");
}"""


def chromium() -> str | None:
    """Return the system's Chromium; none if there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@dataclass(frozen=True)
class RunningSite:
    """A site that serves, and its database."""

    url: str
    database_url: str
    folder: Path

    def flask(self, *command: str) -> str:
        """Run a command of the operator and return what it prints."""
        return _flask(_environment(self.folder, self.url), *command)


def prepared(folder: Path) -> Path:
    """Make a data folder with the demo world in it, to be copied."""
    environment = _environment(folder, "http://127.0.0.1")
    _flask(environment, "database", "upgrade")
    _flask(environment, "demo", "load")
    return folder


def copied(prepared_folder: Path, folder: Path) -> Path:
    """Copy a prepared data folder, and the keys of its seals, which lie beside it."""
    for suffix in ("", "-keys"):
        shutil.copytree(
            prepared_folder.with_name(prepared_folder.name + suffix), folder.with_name(folder.name + suffix)
        )
    return folder


@contextmanager
def serving(folder: Path) -> Iterator[RunningSite]:
    """Serve a data folder on a free port of the loopback address, with a worker, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = _environment(folder, url)
    web = [str(BIN / "gunicorn"), "wsgi:app", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"]
    web += ["--workers", "1", "--threads", "8", "--timeout", "60", "--log-level", "warning"]
    worker = [str(BIN / "flask"), "--app", "wsgi", "worker"]
    with (folder / "web.log").open("wb") as web_log, (folder / "worker.log").open("wb") as worker_log:
        processes = [
            subprocess.Popen(web, cwd=ROOT, env=environment, stdout=web_log, stderr=web_log),
            subprocess.Popen(worker, cwd=ROOT, env=environment, stdout=worker_log, stderr=worker_log),
        ]
        try:
            _wait_for(url, processes[0])
            yield RunningSite(url, f"sqlite:///{folder / 'huiyong.db'}", folder)
        finally:
            processes[0].send_signal(signal.SIGTERM)
            processes[1].send_signal(signal.SIGINT)
            for process in processes:
                try:
                    process.wait(timeout=15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _environment(folder: Path, url: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HUIYONG_")}
    return kept | {"HUIYONG_DATA": str(folder), "HUIYONG_PUBLIC_URL": url, "HUIYONG_IDLE_MINUTES": "600"}


def _flask(environment: dict[str, str], *command: str) -> str:
    ran = subprocess.run(
        [str(BIN / "flask"), "--app", "wsgi", *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
    return ran.stdout


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, "the site ended before it answered"
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("the site did not answer")


@dataclass
class Walker:
    """One person with a browser of their own: what they look at must be sound."""

    page: Page
    site: RunningSite
    language: str
    width: int
    faults: list[str] = field(default_factory=list)
    """What was wrong, with the page on which it was."""
    seen: set[str] = field(default_factory=set)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where this person is."""
        return urlsplit(self.page.url).path

    def go(self, path: str, name: str = "") -> None:
        """Open an address, and look at it."""
        answer = self.page.goto(self.site.url + path, wait_until="networkidle")
        assert answer is not None
        assert answer.status < 400, f"{path} answers {answer.status}"
        self.look(name or path)

    def fill(self, name: str, value: str) -> None:
        """Write into a field, open what hides it, choose from a list or tick."""
        found = self.page.locator(f"main [name='{name}']").first
        kind = found.evaluate("each => each.tagName == 'SELECT' ? 'select' : each.type")
        if not found.is_visible():
            found.evaluate("each => each.closest('details') && (each.closest('details').open = true)")
        if kind == "select":
            found.select_option(value)
        elif kind in {"radio", "checkbox"}:
            self.page.locator(f"main [name='{name}'][value='{value}']").check()
        else:
            found.fill(value)

    def send(self, button: Locator, name: str) -> None:
        """Press a button, say yes if asked, wait for the answer and look at it."""
        button.scroll_into_view_if_needed()
        if button.evaluate("each => (each.form || each).dataset.confirm"):
            button.click()
            button = self.page.locator("dialog[open] button[value='yes']")
            self.check(f"{name}: the question")
        with self.page.expect_navigation(wait_until="networkidle"):
            button.click()
        self.look(name)
        wrong = self.page.locator("main .field-error, main .refusal-what").all_inner_texts()
        assert not wrong, f"{name}: {wrong}"

    def press(self, selector: str, name: str) -> None:
        """Press the first button that the selector finds in the page."""
        self.send(self.page.locator(f"main {selector}").first, name)

    def look(self, name: str) -> None:
        """Look at the page: a picture, and everything that is checked."""
        self.check(name)
        SCREENS.mkdir(parents=True, exist_ok=True)
        file = name.strip("/").replace("/", "-").replace("?", "-") or "start"
        self.page.screenshot(
            path=SCREENS / f"{self.language}-{self.width}-{file}.png", full_page=True, animations="disabled"
        )

    def check(self, name: str) -> None:
        """Ask axe, whether it scrolls sideways, and whether it is written in the language."""
        self.seen.add(self.path)
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        self.faults += [f"{name}: {found}" for found in self.page.evaluate(AUDIT)]
        wider = self.page.evaluate(WIDER)
        if wider:
            self.faults.append(f"{name}: scrolls sideways, {wider}")
        lang = self.page.evaluate("() => document.documentElement.lang")
        if not lang.startswith(self.language):
            self.faults.append(f"{name}: is written in {lang}")

    def text(self) -> str:
        """Return what the page says."""
        return str(self.page.locator("main").inner_text())

    def follow(self, pattern: str, name: str, *, containing: str = "") -> str:
        """Follow the first link whose address is like the pattern, in a row that says something; return where it led."""
        links = self.page.locator("main a[href]").all()
        for link in links:
            address = link.get_attribute("href") or ""
            row = link.evaluate("each => (each.closest('tr, li, article, section') || each).innerText")
            if re.fullmatch(pattern, address) and containing in row:
                self.go(address, name)
                return self.path
        raise AssertionError(f"{self.path} has no link {pattern} with {containing!r}")


@contextmanager
def somebody(browser: Browser, site: RunningSite, email: str, language: str, width: int) -> Iterator[Walker]:
    """Sign somebody of the demo world in, in a browser of their own, in a language and at a width; close it at the end."""
    context = browser.new_context(
        viewport={"width": width, "height": 844 if width < 600 else 900}, reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    walker = Walker(page, site, language, width)

    def asked(request: Request) -> None:
        host = urlsplit(request.url).hostname
        if host not in {"127.0.0.1", None}:
            walker.faults.append(f"asks {host} for {request.url}")

    def said(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            walker.faults.append(f"{walker.path}: console {message.type}: {message.text}")

    page.on("request", asked)
    page.on("console", said)
    page.on("pageerror", lambda error: walker.faults.append(f"{walker.path}: {error}"))
    try:
        page.goto(f"{site.url}/login", wait_until="networkidle")
        _speak(page, language)
        walker.look("login")
        walker.fill("email", email)
        walker.fill("password", PASSWORD)
        with page.expect_navigation(wait_until="networkidle"):
            page.locator("main form button[type='submit']").click()
        _speak(page, language)
        walker.look("signed-in")
        yield walker
    finally:
        context.close()


def _speak(page: Page, language: str) -> None:
    """Choose the language, as a person would, if the page does not speak it."""
    spoken = page.evaluate("() => document.documentElement.lang")
    if spoken.startswith(language):
        return
    for details in page.locator("details.menu > summary:visible").all():
        details.click()
    with page.expect_navigation(wait_until="networkidle"):
        page.locator("button[name='language']:visible").first.click()
