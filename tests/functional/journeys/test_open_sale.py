"""Two bidders in two browsers on an open sale near its end: each sees the other's bid come, and the end move."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from marketplace.persistence.listings import Listing
from tests.functional.browser import RunningSite, Walker, somebody
from tests.functional.sales import change_listing, listing_where

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CONFLICT = "console error: Failed to load resource: the server responded with a status of 409 (CONFLICT)"
SELLER, FIRST, SECOND = "yq@demo.example", "recycler@demo.example", "dt@demo.example"


def _end(site: RunningSite) -> datetime:
    at = listing_where(site, Listing.sale_kind == "ascending").bids_close_at
    assert at is not None
    return at


def _sees(who: Walker, *texts: str) -> None:
    """Wait until the block of the sale says all this by itself."""
    for each in texts:
        who.page.locator("#sale", has_text=each).wait_for()


@pytest.mark.parametrize(
    ("first", "second"), [(("zh", 1280), ("en", 390)), (("en", 1280), ("zh", 390))], ids=["zh-wide", "en-wide"]
)
def test_two_bidders_watch_each_other_until_the_end(
    browser: Browser, site: RunningSite, first: tuple[str, int], second: tuple[str, int]
) -> None:
    planned = (datetime.now(UTC) + timedelta(minutes=3)).replace(microsecond=0)
    number = listing_where(site, Listing.sale_kind == "ascending").id
    change_listing(site, number, bids_close_at=planned)
    with ExitStack() as people:
        wide = people.enter_context(somebody(browser, site, FIRST, *first))
        narrow = people.enter_context(somebody(browser, site, SECOND, *second))
        said = {
            "zh": {"you": "贵单位", "moved": "因报价顺延", "over": "报价已截止", "live": "实时更新"},
            "en": {"you": "you", "moved": "moved by bids", "over": "bidding ended", "live": "live"},
        }
        wide.go(f"/board/{number}/bid", "open-sale-bid")
        narrow.go(f"/board/{number}", "open-sale")
        _sees(narrow, "27.00", said[narrow.language]["live"])

        wide.fill("price", "30")
        wide.fill("kg_per_month", "3000")
        wide.press("button[value='bid']", "open-sale-bid-made")
        _sees(narrow, "29.60", said[narrow.language]["moved"])
        moved = _end(site)
        assert planned < moved <= datetime.now(UTC) + timedelta(minutes=5)

        wide.go(f"/board/{number}", "open-sale-leading")
        _sees(wide, said[wide.language]["you"])
        narrow.go(f"/board/{number}/bid", "open-sale-answer")
        narrow.fill("price", "27")
        narrow.press("button[value='bid']", "open-sale-refused")
        assert "29.00" in narrow.page.locator("main .errors").inner_text()
        assert narrow.faults == [f"/board/{number}/bid: {CONFLICT}"]  # the browser itself speaks of the refusal
        narrow.faults.clear()
        narrow.fill("price", "31.5")
        narrow.press("button[value='bid']", "open-sale-answered")
        _sees(wide, "31.50")
        assert _end(site) > moved

        change_listing(site, number, bids_close_at=datetime.now(UTC), planned_close_at=None)
        _sees(wide, said[wide.language]["over"])
        seller = people.enter_context(somebody(browser, site, SELLER, *second))
        seller.go(f"/listings/{number}/bids", "open-sale-to-decide")
        if seller.page.locator("form[action$='/bids/open']").count():  # else the worker was faster
            seller.press("form[action$='/bids/open'] button", "open-sale-opened")
        seller.press("form[action$='/award'] button >> nth=0", "open-sale-awarded")
        narrow.go("/awards", "open-sale-won")
        assert "31.5" in narrow.text()
        for each in (wide, narrow, seller):
            assert each.faults == []
