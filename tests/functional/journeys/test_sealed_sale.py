"""A sealed sale in three browsers, from the bids through the opening to a contract that passes to the runner-up."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from marketplace.persistence.listings import Listing
from tests.functional.browser import PASSWORD, RunningSite, Walker, somebody
from tests.functional.sales import change_listing, listing_where

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SELLER, WINNER, RUNNER_UP = "plant@demo.example", "recycler@demo.example", "dt@demo.example"


def _bids(who: Walker, number: int, price: str, tonnes: str, name: str) -> str:
    """Bid, and return the address of the bid."""
    who.go(f"/board/{number}/bid", f"{name}-form")
    who.fill("price", price)
    who.fill("kg_per_month", tonnes)
    who.press("button[value='bid']", f"{name}-made")
    return who.path


def _signs(who: Walker, award: str, name: str) -> None:
    who.go(award, f"{name}-award")
    who.page.locator(f"form[action='{award}/accept'] input[name=password]").fill(PASSWORD)
    who.press(f"form[action='{award}/accept'] button[type=submit]", f"{name}-signed")


@pytest.mark.parametrize(("language", "width"), [("zh", 390), ("en", 1280)])
def test_a_sealed_sale_passes_to_the_runner_up(browser: Browser, site: RunningSite, language: str, width: int) -> None:
    number = listing_where(site, Listing.kg_per_month == 9_500_000).id
    with ExitStack() as people:
        seller, first, second = (
            people.enter_context(somebody(browser, site, email, language, width))
            for email in (SELLER, WINNER, RUNNER_UP)
        )
        _bids(first, number, "33.25", "3000", "sealed-bid-of-the-winner")
        lost = _bids(second, number, "31.5", "3000", "sealed-bid-of-the-runner-up")
        seller.go(f"/listings/{number}/bids", "sealed-bids-before-the-deadline")
        assert "33.25" not in seller.page.content()
        assert "31.50" not in seller.page.content()

        change_listing(site, number, bids_close_at=datetime.now(UTC))  # as if the days had passed
        seller.go(f"/listings/{number}/bids", "sealed-bids-to-open")
        if seller.page.locator("form[action$='/bids/open']").count():  # else the worker was faster
            seller.press("form[action$='/bids/open'] button", "sealed-bids-opened")
        assert seller.text().index("33.25") < seller.text().index("31.50")
        seller.press("form[action$='/award'] button >> nth=0", "sealed-sale-awarded")

        second.go(lost, "sealed-bid-on-standby")
        first.go("/awards", "sealed-sale-awards-of-the-winner")
        won = first.follow(r"/awards/\d+", "sealed-sale-award-of-the-winner")
        first.go(f"{won}/decline", "sealed-sale-decline")
        first.fill("reason", "3 号磨机大修，二月前不收料。")
        first.press("form button[type=submit]", "sealed-sale-declined")

        second.go("/awards", "sealed-sale-awards-of-the-runner-up")
        called = second.follow(r"/awards/\d+", "sealed-sale-award-of-the-runner-up")
        assert called != won
        _signs(second, called, "sealed-sale-runner-up")
        _signs(seller, called, "sealed-sale-seller")

        assert seller.path.startswith("/contracts/")
        contract = seller.path
        second.go(contract, "sealed-sale-contract")
        assert "31.50" in second.text()
        first.page.goto(site.url + contract)
        assert "33.25" not in first.page.content()
        first.faults.clear()  # the browser itself says that the page of others is not there
        for each in (seller, second):
            assert each.faults == []
        site.flask("check")
