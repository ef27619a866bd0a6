"""A lorry from the plan to the use, in two browsers: weighed on a phone, through a line that breaks, and read at a desk."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from marketplace.domain.listings import month_at
from marketplace.services.carried import day_at
from tests.functional.browser import RunningSite, Walker, somebody

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PLANT, RECYCLER = "plant@demo.example", "recycler@demo.example"
PLATES = {"zh": "晋F20260", "en": "晋F20261"}


def _plans(plant: Walker, plate: str) -> str:
    """Plan a lorry under the contract of the demo world for today, and return the shipment's address."""
    plant.go("/contracts", "contracts")
    contract = plant.follow(
        r"/contracts/\d+", "shipment-contract", containing="北辰" if plant.language == "zh" else "Beichen"
    )
    plant.follow(rf"{contract}/shipments/new", "shipment-plan")
    plant.fill("day", day_at(datetime.now(UTC)).isoformat())
    for field, value in (
        ("planned_kg", "32"),
        ("plate", plate.lower()),
        ("driver", "张三"),
        ("carrier", "云泉运输"),
    ):
        plant.fill(field, value)
    plant.press("form button[type=submit]", "shipment-planned")
    return plant.path


def _weighs(who: Walker, address: str, place: str, number: str, gross: str, tare: str, name: str) -> None:
    who.go("/weighing", f"{name}-list")
    assert who.page.locator(f"main a[href='{address}/weigh/{place}']").count() == 1
    who.go(f"{address}/weigh/{place}", f"{name}-form")
    who.fill("number", number)
    who.fill("gross_kg", gross)
    who.fill("tare_kg", tare)
    assert f"{int(gross) - int(tare):,}" in who.page.locator(".net").inner_text()
    who.press("#weigh button[type=submit]", f"{name}-weighed")
    assert who.path == address


@pytest.mark.parametrize(("language", "width"), [("zh", 390), ("en", 1280)])
def test_a_lorry_from_the_plan_to_the_use(browser: Browser, site: RunningSite, language: str, width: int) -> None:
    with ExitStack() as people:
        plant, recycler = (
            people.enter_context(somebody(browser, site, email, language, width)) for email in (PLANT, RECYCLER)
        )
        address = _plans(plant, PLATES[language])
        _weighs(plant, address, "origin", f"A-{language}-1", "49260", "15480", "shipment-out")
        assert "33.780" in plant.text()
        plant.go(f"{address}/note", "shipment-note")
        assert plant.page.locator("svg.segno").count() == 1
        _weighs(recycler, address, "destination", f"B-{language}-1", "49180", "15480", "shipment-in")
        recycler.press(f"form[action='{address}/receive'] button", "shipment-received")
        assert "33.700" in recycler.text()
        recycler.fill("month", str(month_at(datetime.now(UTC))))
        recycler.press(f"form[action='{address}/use'] button[type=submit]", "shipment-used")
        plant.go("/shipments", "shipments")
        assert PLATES[language] in plant.text()
        for each in (plant, recycler):
            assert each.faults == []
        site.flask("check")


def test_a_ticket_is_not_lost_where_the_line_breaks(browser: Browser, site: RunningSite) -> None:
    with somebody(browser, site, PLANT, "zh", 390) as plant:
        address = _plans(plant, "晋F20262")
        plant.go(f"{address}/weigh/origin", "shipment-offline-form")
        plant.fill("number", "C-1")
        plant.fill("gross_kg", "48000")
        plant.fill("tare_kg", "15000")
        plant.page.context.set_offline(True)
        plant.page.locator("#weigh button[type=submit]").click()
        plant.page.locator(".weigh-state", has_text="没有网络").wait_for()
        plant.page.context.set_offline(False)
        plant.page.goto(f"{site.url}{address}/weigh/origin")  # closed and opened again: what is kept is sent by itself
        plant.page.wait_for_url(f"**{address}")
        plant.look("shipment-offline-sent")
        assert "33.000" in plant.text()
        assert "C-1" in plant.text()
        assert (
            plant.page.evaluate("() => Object.keys(localStorage).filter((key) => key.startsWith('huiyong-ticket'))")
            == []
        )
        site.flask("check")
