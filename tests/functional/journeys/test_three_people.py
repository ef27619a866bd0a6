"""
Three people, one waste, from the listing to the park's rate: in the real site, in a real browser, in both languages.

A plant lists its ash, a recycler states what it takes and bids, the plant awards; the park runs a round; both read why,
and accept; the park sees its rate move.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from marketplace.domain.quantities import Month
from tests.functional.browser import PASSWORD, RunningSite, Walker, copied, serving, somebody
from tests.functional.sales import change_listing, publishes_a_round

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PLANT, RECYCLER, PARK = "plant@demo.example", "recycler@demo.example", "park@demo.example"


@pytest.fixture(scope="module")
def demo_site(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """A site that is only looked at."""
    with serving(copied(demo, tmp_path_factory.mktemp("looked") / "data")) as running:
        yield running


def _months(ahead: int, count: int) -> tuple[str, str]:
    first = Month.of(datetime.now(UTC).date()).plus(ahead)
    return str(first), str(first.plus(count - 1))


def _says(language: str, chinese: str, english: str) -> str:
    return chinese if language == "zh" else english


def _lists_ash(plant: Walker) -> int:
    """The plant puts fly ash on the board until the day after tomorrow; return the listing's number."""
    plant.go("/streams", "streams")
    stream = plant.follow(r"/streams/\d+", "stream", containing=_says(plant.language, "粉煤灰", "Fly ash"))
    plant.go(f"{stream}/takers", "takers")
    plant.go(f"{stream}/listings/new", "list-a-stream")
    first, last = _months(13, 2)
    plant.fill("kg_per_month", "1500")
    plant.fill("first_month", first)
    plant.fill("last_month", last)
    plant.fill("asking", "12.5")
    plant.fill("bids_close_on", (datetime.now(UTC) + timedelta(days=2)).date().isoformat())
    plant.press("button[value='publish']", "listing")
    return int(plant.path.rpartition("/")[2])


def _states_a_need(recycler: Walker) -> int:
    """The recycler states what a second mill takes; return the line's number."""
    recycler.go("/lines", "lines")
    recycler.go("/lines/new", "new-line")
    recycler.fill("name", "2号粉磨线")
    recycler.fill("route", "concrete_admixture")
    recycler.fill("materials-0-material", "fly_ash")
    recycler.fill("materials-0-price", "95")
    recycler.fill("capacity_kg_per_month", "4000")
    recycler.fill("capacity_kg_per_year", "48000")
    recycler.fill("permit_no", "PWX-DEMO-900")
    recycler.fill("permit_valid_until", (datetime.now(UTC) + timedelta(days=800)).date().isoformat())
    recycler.press("button[value='suggest']", "new-line-limits")
    recycler.press("form.wide-form button[type='submit']:not([name])", "line")
    return int(recycler.path.rpartition("/")[2])


def _verifies(park: Walker, line: int) -> None:
    """The park verifies the permit of the new line."""
    park.go("/organizations", "members-and-permits")
    park.press(f"form[action='/permits/{line}/verify'] button", "permit-verified")


def _bids(recycler: Walker, listing: int, line: int) -> None:
    """The recycler finds the listing on the board and bids for its new line."""
    recycler.go("/near", "near")
    recycler.go("/board", "board")
    recycler.go(f"/board/{listing}", "listing-on-the-board")
    recycler.go(f"/board/{listing}/bid?line={line}", "bid")
    recycler.fill("price", "31.5")
    recycler.fill("kg_per_month", "1200")
    recycler.press("button[value='calculate']", "bid-calculated")
    recycler.press("button[value='bid']", "bid-made")


def _awards(plant: Walker, listing: int) -> None:
    """After the deadline the plant awards the bid."""
    plant.go(f"/listings/{listing}/bids", "bids-sealed")
    change_listing(plant.site, listing, bids_close_at=datetime.now(UTC))  # as if two days had passed
    plant.go(f"/listings/{listing}/bids", "bids-to-open")
    if plant.page.locator("form[action$='/bids/open']").count():  # else the worker was faster
        plant.press("form[action$='/bids/open'] button", "bids")
    plant.press("form[action$='/award'] button", "bid-awarded")


def _rate_of_the_park(park: Walker, name: str) -> tuple[float, float | None]:
    """Return the rate to date, and with what is awarded, in percent."""
    park.go("/parks/mine", name)
    amounts = [
        float(found)
        for text in park.page.locator("main .share .amount").all_inner_texts()
        if (found := re.sub(r"[^0-9.]", "", text))
    ]
    return amounts[0], amounts[1] if len(amounts) > 1 else None


def _links(walker: Walker, pattern: str) -> set[str]:
    found = walker.page.locator("main a[href]").evaluate_all("each => each.map(link => link.getAttribute('href'))")
    return {link for link in found if re.fullmatch(pattern, link)}


def _read_and_accept(plant: Walker, recycler: Walker, round_address: str) -> str:
    """Both read why, what was not awarded too, and accept; return the contract's address."""
    plant.go(round_address, "round-of-the-plant")
    assert plant.page.locator("main .flip, main .why, main table").count(), (
        "what was left over stands there with its reason"
    )
    recycler.go(round_address, "round-of-the-recycler")
    award = min(_links(plant, r"/awards/\d+") & _links(recycler, r"/awards/\d+"))
    for walker, name in ((plant, "award-of-the-plant"), (recycler, "award-of-the-recycler")):
        walker.go(award, name)
        assert walker.page.locator("main .why").count(), "it says why"
        walker.page.locator(f"form[action='{award}/accept'] input[name=password]").fill(PASSWORD)
        walker.press(f"form[action='{award}/accept'] button[type=submit]", f"{name}-accepted")
    return recycler.path


@pytest.mark.parametrize(("language", "width"), [("zh", 1280), ("en", 390)])
def test_three_people_from_a_listing_to_the_rate(
    browser: Browser, site: RunningSite, language: str, width: int
) -> None:
    with (
        somebody(browser, site, PLANT, language, width) as plant,
        somebody(browser, site, RECYCLER, language, width) as recycler,
        somebody(browser, site, PARK, language, width) as park,
    ):
        listing = _lists_ash(plant)
        line = _states_a_need(recycler)
        _verifies(park, line)
        _bids(recycler, listing, line)
        _awards(plant, listing)
        today, _ = _rate_of_the_park(park, "park-before")
        published = publishes_a_round(park)
        contract = _read_and_accept(plant, recycler, published)
        assert contract.startswith("/contracts/")
        plant.go(contract, "contract-of-the-plant")
        plant.go(f"{contract}/print", "contract-printed")
        after, forecast = _rate_of_the_park(park, "park-after")

        assert after == today == pytest.approx(51, abs=1)
        assert forecast is not None
        assert forecast > 57
        assert not (faults := plant.faults + recycler.faults + park.faults), "\n".join(faults)
        site.flask("check")


@pytest.mark.parametrize(("language", "width"), [("zh", 390), ("en", 1280)])
def test_every_place_of_the_navigation_in_the_other_widths(
    browser: Browser, demo_site: RunningSite, language: str, width: int
) -> None:
    faults = []

    for who in (PLANT, RECYCLER, PARK, "operator@demo.example", "auditor@demo.example"):
        with somebody(browser, demo_site, who, language, width) as person:
            places = person.page.locator("nav .places a[href]").evaluate_all(
                "each => each.map(link => link.getAttribute('href'))"
            )
            for place in dict.fromkeys(places):
                person.go(place, f"{who.partition('@')[0]}-{place}")
                objects = sorted(_links(person, rf"{re.escape(place)}/\d+"))
                if objects:
                    person.go(objects[0], f"{who.partition('@')[0]}-{objects[0]}")
            assert person.seen > {"/login", "/today"}
            faults += [f"{who} {fault}" for fault in person.faults]

    assert not faults, "\n".join(faults)
