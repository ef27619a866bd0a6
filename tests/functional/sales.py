"""What browser journeys share: a listing of a running site is found, its deadline moved, and a round published."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.sql import ColumnElement

from marketplace.persistence import tables  # noqa: F401  # all of them, or foreign keys find no table
from marketplace.persistence.database import connect, sessions_of, transaction
from marketplace.persistence.listings import Listing
from tests.functional.browser import RunningSite, Walker


def listing_where(site: RunningSite, *conditions: ColumnElement[bool]) -> Listing:
    """Return the one listing of a running site for which this holds."""
    engine = connect(site.database_url)
    with sessions_of(engine)() as session:
        found = session.scalars(select(Listing).where(*conditions)).one()
    engine.dispose()
    return found


def change_listing(site: RunningSite, number: int, **values: object) -> None:
    """Write values of a listing, as if time had passed."""
    engine = connect(site.database_url)
    with sessions_of(engine)() as session, transaction(session):
        session.execute(update(Listing).where(Listing.id == number).values(**values))
    engine.dispose()


def publishes_a_round(park: Walker) -> str:
    """The park closes its round, has it run by the worker, and publishes what is proved; return its address."""
    park.go("/rounds", "rounds")
    address = park.follow(r"/rounds/\d+", "round-collecting")
    park.press(f"form[action='{address}/close'] button", "round-closed")
    park.page.locator(
        f"main form[action='{address}/run'] button"
    ).click()  # the page moves on by itself when it is solved
    park.page.locator(f"main form[action='{address}/publish'] button").wait_for(timeout=60_000)
    park.go(address, "round-solved")
    park.press(f"form[action='{address}/publish'] button", "round-published")
    return address
