"""A round with offers in three browsers: handed in sealed, opened by the run, settled between price and reserve."""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.functional.browser import RunningSite, Walker, somebody
from tests.functional.sales import publishes_a_round

if TYPE_CHECKING:
    from playwright.sync_api import Browser

STEPS = {"beyond_2": "1400", "less_2": "13.77"}
"""Beyond 1,400 t in a month so much less for a tonne."""

PLANT, RECYCLER, PARK = "plant@demo.example", "recycler@demo.example", "park@demo.example"


def _hands_in(who: Walker, what: str, name: str, **values: str) -> None:
    who.go("/rounds", f"{name}-rounds")
    of = who.follow(r"/rounds/\d+", f"{name}-round")
    who.follow(rf"{of}/offers", f"{name}-offers")
    who.follow(rf"{of}/offers/{what}/\d+", f"{name}-form")
    if "beyond_2" in values:
        who.page.locator("details.more-fields summary").click()
    for field, value in values.items():
        who.fill(field, value)
    who.press("form button[type=submit]", f"{name}-handed-in")
    assert who.path == f"{of}/offers"


@pytest.mark.parametrize(("language", "width"), [("zh", 1280), ("en", 390)])
def test_a_round_with_offers(browser: Browser, site: RunningSite, language: str, width: int) -> None:
    with ExitStack() as people:
        plant, recycler, park = (
            people.enter_context(somebody(browser, site, email, language, width)) for email in (PLANT, RECYCLER, PARK)
        )
        _hands_in(recycler, "lines", "round-offer", price_fly_ash="97.35", kg_per_month="2000", **STEPS)
        _hands_in(plant, "listings", "round-reserve", reserve="9.15")
        for each in (plant, recycler, park):
            each.go("/rounds", "round-before")
            address = each.follow(r"/rounds/\d+", "round-before-one")
            assert not re.search(r"97\.35|13\.77|9\.15", each.page.content())
        recycler.go(f"{address}/offers", "round-offers-sealed")
        assert "97.35" not in recycler.page.content()

        assert publishes_a_round(park) == address
        recycler.go(f"{address}/offers", "round-offers-opened")
        assert "97.35" in recycler.text()
        assert "13.77" in recycler.text()
        assert "9.15" not in recycler.page.content()
        plant.go(f"{address}/offers", "round-reserve-opened")
        assert "9.15" in plant.text()
        assert not re.search(r"97\.35|13\.77", plant.page.content())
        park.go(address, "round-with-offers-published")
        assert not re.search(r"97\.35|13\.77|9\.15", park.page.content())
        recycler.go(address, "round-with-offers-of-the-recycler")
        award = recycler.follow(r"/awards/\d+", "round-with-offers-award")
        recycler.go(award, "round-with-offers-award-again")
        for each in (plant, recycler, park):
            assert each.faults == []
        site.flask("check")
