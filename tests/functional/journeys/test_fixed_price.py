"""A sale at a fixed price in two browsers: listed, held by who comes first, signed by both, and offered again."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from marketplace.domain.quantities import Month
from tests.functional.browser import PASSWORD, RunningSite, Walker, somebody

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SELLER, BUYER = "plant@demo.example", "recycler@demo.example"


def _lists(plant: Walker) -> int:
    """List fly ash at a fixed price, a year from now, and return the listing."""
    plant.go("/streams")
    stream = plant.follow(r"/streams/\d+", "", containing="粉煤灰" if plant.language == "zh" else "Fly ash")
    first = Month.of(datetime.now(UTC).date()).plus(13)
    plant.go(f"{stream}/listings/new")
    plant.fill("kg_per_month", "1500")
    plant.fill("first_month", str(first))
    plant.fill("last_month", str(first.plus(1)))
    plant.fill("asking", "12.5")
    plant.fill("sale_kind", "fixed")
    plant.fill("hold_hours", "8")
    plant.look("fixed-price-form")
    plant.press("button[value='publish']", "fixed-price-listed")
    return int(plant.path.rpartition("/")[2])


def _signs(who: Walker, award: str, name: str) -> None:
    who.go(award, f"{name}-award")
    who.page.locator(f"form[action='{award}/accept'] input[name=password]").fill(PASSWORD)
    who.press(f"form[action='{award}/accept'] button[type=submit]", f"{name}-signed")


@pytest.mark.parametrize(("language", "width"), [("zh", 390), ("en", 1280)])
def test_who_comes_first_holds_and_both_sign(browser: Browser, site: RunningSite, language: str, width: int) -> None:
    with ExitStack() as people:
        plant, recycler = (
            people.enter_context(somebody(browser, site, email, language, width)) for email in (SELLER, BUYER)
        )
        number = _lists(plant)
        recycler.go(f"/board/{number}", "fixed-price-on-the-board")
        recycler.go(f"/board/{number}/hold", "fixed-price-hold")
        assert "12.50" in recycler.text()
        recycler.fill("kg_per_month", "1000")
        recycler.press("form button[type=submit]", "fixed-price-held")
        award = recycler.path

        recycler.go(f"/board/{number}/hold", "fixed-price-hold-again")
        assert "500" in recycler.text()
        plant.go(f"/listings/{number}", "fixed-price-listing-with-a-hold")
        assert "2,000" in plant.text()  # of 3,000 t held over two months
        _signs(recycler, award, "fixed-price-recycler")
        _signs(plant, award, "fixed-price-plant")
        assert plant.path.startswith("/contracts/")
        plant.follow(r"/streams/\d+/listings/new\?again=\d+", "fixed-price-offered-again")
        assert plant.page.locator("input[name=asking]").input_value() == "12.5"
        assert plant.page.locator("input[name=sale_kind]:checked").input_value() == "fixed"
        plant.go("/notices", "notices-of-a-plant")
        recycler.go("/notices", "notices-of-a-recycler")
        recycler.go("/notices/mail", "mail-by-subject")
        recycler.go("/board?q=%E7%B2%89%E7%85%A4%E7%81%B0&place=140200", "board-searched")
        recycler.press("form[action='/searches'] button", "searches")
        recycler.go(f"{award}/producer", "file-of-the-producer")
        plant.go(f"{award}/recycler", "file-of-the-recycler")
        recycler.look("fixed-price-end")
