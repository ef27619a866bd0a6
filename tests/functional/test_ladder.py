"""The award ladder and the calendar of business days in the browser."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.rounds import Award
from marketplace.web.i18n import speaking
from tests.factories import Make
from tests.functional.market import NOW, Browse, World, text


@pytest.fixture
def world(app_make: Make) -> World:
    return World(app_make)


def test_an_award_that_is_declined_passes_to_the_runner_up(world: World, browse: Browse, app: Flask) -> None:
    opened = world.close()
    second_of, third_of = (
        world.make.organization(name_en="Second Works"),
        world.make.organization(name_en="Third Works"),
    )
    second, third = (world.make.person("signatory", organization=each) for each in (second_of, third_of))
    first_bid = world.new_bid(
        world.recycler, world.line, price_fen_per_t=3000, kg_per_month=5_000_000, opened_at=opened
    )
    second_bid = world.new_bid(
        second_of, world.make.line(world.make.site(second_of)), price_fen_per_t=2000, opened_at=opened
    )
    third_bid = world.new_bid(
        third_of, world.make.line(world.make.site(third_of)), price_fen_per_t=400, opened_at=opened
    )
    seller, bids = browse(world.seller.id, language="en"), f"/listings/{world.listing.id}/bids"
    assert seller.post(f"{bids}/{first_bid.id}/award", data={"kg_per_month": "5000"}).status_code == 303

    page = text(seller, bids)
    assert "number 2, Second Works" in page
    assert "is called next" in page
    own = text(browse(second.id, language="en"), f"/bids/{second_bid.id}")
    assert "On standby until" in own
    assert "None on standby ranks before yours." in own
    assert "Beichen" not in own
    assert "1 bid on standby ranks before yours." in text(browse(third.id, language="en"), f"/bids/{third_bid.id}")

    award_id = world.make.session.scalars(select(Award.id)).one()
    winner = browse(world.buyer.id, language="en")
    assert "counted in business days" in text(winner, f"/awards/{award_id}")
    assert "the next on standby is called by itself" in text(winner, f"/awards/{award_id}/decline")
    assert winner.post(f"/awards/{award_id}/decline", data={"reason": "Kiln repair."}).status_code == 303

    world.make.session.rollback()
    called = world.make.session.scalars(select(Award.id).where(Award.bid_id == second_bid.id)).one()
    won = text(browse(second.id, language="en"), f"/awards/{called}")
    assert "An award before yours was declined on" in won
    assert "Beichen" not in won
    assert "called for 6,000 t" in text(seller, f"/awards/{award_id}")
    page = text(seller, bids)
    assert "It nets you less than your reserve" in page
    assert "let go" in page
    assert "award came to nothing" in text(winner, f"/bids/{first_bid.id}")
    assert "reserve" not in text(browse(third.id, language="en"), f"/bids/{third_bid.id}")
    assert "called for" not in text(winner, f"/awards/{award_id}")
    _mails_are_written(world, app)


def _mails_are_written(world: World, app: Flask) -> None:
    rows = world.make.session.scalars(select(OutboxMail).where(OutboxMail.kind == "called")).all()
    assert {row.values["side"] for row in rows} == {"producer", "recycler"}
    for row in rows:
        for language, word in (("en", "standby"), ("zh_Hans_CN", "递补")):
            with app.app_context(), speaking(language):
                subject, _, body = (
                    app.jinja_env.get_template(f"mail/{row.kind}.txt")
                    .render(public_url="http://here", **row.values)
                    .strip()
                    .partition("\n")
                )
            assert word in subject
            assert f"http://here/awards/{row.values['award_id']}" in body


def test_the_producer_ends_the_standby(world: World, browse: Browse) -> None:
    opened = world.close()
    other = world.make.organization()
    loser = world.make.person("signatory", organization=other)
    bid = world.new_bid(world.recycler, world.line, price_fen_per_t=3000, kg_per_month=5_000_000, opened_at=opened)
    lost = world.new_bid(other, world.make.line(world.make.site(other)), price_fen_per_t=2000, opened_at=opened)
    seller, bids = browse(world.seller.id, language="en"), f"/listings/{world.listing.id}/bids"
    seller.post(f"{bids}/{bid.id}/award", data={"kg_per_month": "5000"})
    assert "Nobody stands by any more" in text(seller, bids)

    assert seller.post(f"{bids}/end", data={"reason": "Thank you."}).status_code == 303

    assert "Thank you." in text(browse(loser.id, language="en"), f"/bids/{lost.id}")
    assert "Bids stand by until" not in text(seller, bids)
    assert seller.post(f"{bids}/end", data={"reason": "Again."}).status_code == 409


def test_the_operator_keeps_the_calendar(app_make: Make, browse: Browse) -> None:
    operator = browse(app_make.person("operator").id, language="en")
    auditor = browse(app_make.person("auditor").id, language="en")
    day = date(NOW.year + 1, 3, 3)
    form = {"day": str(day), "works": "no" if day.weekday() < 5 else "yes", "name": "Outage", "confidence": "low"}

    refused = operator.post("/platform/calendar", data=form)
    kept = operator.post("/platform/calendar", data=form | {"source": "Notice of the grid, 2026-11"})
    again = operator.post("/platform/calendar", data=form | {"source": "Notice of the grid, 2026-11"})

    assert (refused.status_code, kept.status_code, again.status_code) == (422, 303, 409)
    assert kept.headers["Location"] == f"/platform/calendar?year={day.year}"
    page = text(operator, f"/platform/calendar?year={day.year}")
    assert "Outage" in page
    assert "to be confirmed" in page
    assert "Notice of the grid, 2026-11" in text(auditor, f"/platform/calendar?year={day.year}")
    assert "Enter a day" not in text(auditor, "/platform/calendar")
    assert auditor.post("/platform/calendar", data=form).status_code == 403
    assert operator.post("/platform/calendar/1/take-back").status_code == 303
    assert "Outage" not in text(operator, f"/platform/calendar?year={day.year}")
    assert "National Day" in text(operator, "/platform/calendar?year=2026")
