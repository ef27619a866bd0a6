"""Journeys are walked in Chromium, each over a site in processes of its own that begins from the demo world."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.functional.browser import QUIET, RunningSite, chromium, copied, prepared, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = pytest.mark.skipif(
        chromium() is None, reason="no Chromium: install the package chromium (apt-get install chromium)"
    )
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(missing)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium; it is closed before other tests, which may run a loop of their own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=list(QUIET))
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo world, loaded once and copied for each journey."""
    return prepared(tmp_path_factory.mktemp("demo"))


@pytest.fixture
def site(demo: Path, tmp_path: Path) -> Iterator[RunningSite]:
    with serving(copied(demo, tmp_path / "data")) as running:
        yield running
