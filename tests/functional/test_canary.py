"""A canary bid through the browser: no page of the route map shows it to any role before the opening, nor does a log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from marketplace.domain.sealing import Sealer
from marketplace.persistence.database import transaction
from marketplace.persistence.listings import Bid, Listing
from marketplace.web import context
from tests.canary import KG, NOTE, PRICE_FEN, Bare, found, stores
from tests.functional.conftest import Site
from tests.functional.routes import routes
from tests.functional.world import LANGUAGES, ROLES, paths

BIDDER = "signatory of the recycler"
SELLER = "signatory of the producer"
FORM = {
    "price": f"{PRICE_FEN // 100}.{PRICE_FEN % 100}",
    "kg_per_month": f"{KG // 1000}.{KG % 1000}",
    "transport": "recycler",
    "note": NOTE,
    "confirmed": "y",
}


@pytest.fixture
def session(own_site: Site) -> Iterator[Session]:
    with own_site.app.extensions["marketplace"].sessions() as opened:
        yield opened


def sealed_with(site: Site, sealer: Sealer) -> None:
    parts: context.Parts = site.app.extensions["marketplace"]
    site.app.extensions["marketplace"] = replace(parts, sealer=sealer)


def open_listing(session: Session) -> tuple[int, int]:
    """Return the listing on which bids are taken, and the line that bids."""
    row = session.execute(
        select(Bid.listing_id, Bid.line_id)
        .join(Listing, Listing.id == Bid.listing_id)
        .where(Listing.bids_opened_at.is_(None), Listing.bids_decided_at.is_(None))
        .order_by(Listing.bids_close_at.desc())
        .limit(1)
    ).one()
    session.rollback()
    return row.listing_id, row.line_id


def place(site: Site, session: Session) -> tuple[int, str]:
    """Bid the canary in the browser and return the listing and the address of the bid."""
    listing_id, line_id = open_listing(session)
    answer = site.browser(BIDDER, "en").post(f"/board/{listing_id}/bid?line={line_id}", data=FORM)
    assert answer.status_code == 303, answer.text
    return listing_id, answer.headers["Location"]


def told(site: Site, bid: str) -> set[tuple[str, str]]:
    """Return who is shown the canary, and where: every role on every page there is."""
    met = set()
    for who in ROLES:
        browser = site.browser(who, LANGUAGES[0])
        for path in {bid} | {path for route in routes() if route.reads for path, _ in paths(site.world, route)}:
            if found(browser.get(path).data):
                met.add((who, path))
    return met


def close(session: Session, listing_id: int) -> None:
    with transaction(session):
        last = session.scalars(select(Bid.received_at).order_by(Bid.received_at.desc()).limit(1)).one()
        closes = last + timedelta(microseconds=1)
        session.execute(update(Listing).where(Listing.id == listing_id).values(bids_close_at=closes))


def test_no_role_is_shown_it_before_the_opening_and_the_parties_are_after(
    own_site: Site, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        listing_id, bid = place(own_site, session)
        before = told(own_site, bid)
    assert before == set()
    assert found(caplog.text.encode()) == []
    assert {name for name, content in stores(own_site.engine).items() if found(content)} == set()
    close(session, listing_id)
    assert told(own_site, bid) == set()  # the deadline alone opens nothing

    answer = own_site.browser(SELLER, "en").post(f"/listings/{listing_id}/bids/open")

    assert answer.status_code == 303
    award = f"/listings/{listing_id}/bids"
    after = {(who, path) for who, path in told(own_site, bid) if path in {bid, award}}
    assert {who for who, path in after if path == award} == {
        SELLER,
        "clerk of the producer",
        "auditor",
    }
    assert {who for who, path in after if path == bid} == {BIDDER, "auditor"}
    assert own_site.breaches() == []


def test_with_the_seal_off_the_stores_hold_it(own_site: Site, session: Session) -> None:
    sealed_with(own_site, Bare())

    place(own_site, session)

    assert {name for name, content in stores(own_site.engine).items() if found(content)} >= {"wal", "dump"}


class _Broken(Bare):
    def seal(self, plain: bytes, bound: bytes) -> object:  # type: ignore[override]  # the control: it seals nothing
        raise RuntimeError("no room on the device")


def test_an_error_in_the_middle_tells_nothing_of_it(
    own_site: Site, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    sealed_with(own_site, _Broken())
    listing_id, line_id = open_listing(session)

    with caplog.at_level(logging.DEBUG):
        answer = own_site.browser(BIDDER, "en").post(f"/board/{listing_id}/bid?line={line_id}", data=FORM)

    assert answer.status_code == 500
    assert "no room on the device" in caplog.text
    assert found(answer.data) == []
    assert found(caplog.text.encode()) == []
