"""Contracts that were there before both sides had to sign: excepted by what is written down, never by a date."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from marketplace.persistence import migration
from marketplace.persistence.database import connect, sessions_of, transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.rounds import Award, Contract
from marketplace.services.awarding import award_bid
from marketplace.settings import ROOT
from tests.factories import NOON, Make, accept
from tests.integration.persistence.test_migrations import bare_url

__all__ = ["bare_url"]

MIGRATIONS = ROOT / "migrations"
LATER = NOON + timedelta(days=14)


def _before(url: str) -> None:
    """Make a contract that both signed, one that was only accepted, and an award accepted by a click, and go back."""
    migration.upgrade(MIGRATIONS, url)
    engine = connect(url)
    with sessions_of(engine)() as session:
        make = Make(session)
        plant = make.organization(recycles=False)
        listing, seller = make.listing(make.stream(make.site(plant))), make.signatory(plant)
        firms = [make.organization(produces=False) for _ in range(3)]
        bids = [make.bid(listing, make.line(make.site(firm)), firm, kg_per_month=1_000_000) for firm in firms]
        make.opened(listing, at=LATER)
        awards = [award_bid(session, seller, bid.id, 1_000_000, now=LATER) for bid in bids]
        for award_id, firm in list(zip(awards, firms, strict=True))[:2]:
            for signatory in (seller, make.signatory(firm)):
                accept(session, signatory, award_id, now=LATER)
    engine.dispose()
    migration.downgrade(MIGRATIONS, url, "0012")
    engine = connect(url)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("set local session_replication_role = replica"))
        else:
            connection.execute(text("drop trigger contract_signatures_only_grows_delete"))
        connection.execute(text("delete from contract_signatures where award_id = :id"), {"id": awards[1]})
        connection.execute(
            text("update awards set producer_accepted_at = awarded_at where id = :id"), {"id": awards[2]}
        )
    engine.dispose()


def _told(session: Session) -> tuple[list[str], list[tuple[bool, bool]], list[str]]:
    awards = session.execute(select(Award.producer_accepted_at, Award.recycler_accepted_at).order_by(Award.id)).all()
    return (
        list(session.scalars(select(Contract.concluded_by).order_by(Contract.id))),
        [(row[0] is not None, row[1] is not None) for row in awards],
        [breach.invariant.code for breach in broken(session)],
    )


def test_old_contracts_are_excepted_and_an_old_click_is_to_be_signed(bare_url: str) -> None:
    _before(bare_url)

    migration.upgrade(MIGRATIONS, bare_url)

    engine = connect(bare_url)
    with sessions_of(engine)() as session:
        assert _told(session) == (
            ["signatures", "acceptances"], [(True, True), (True, True), (False, False)], []
        )  # fmt: skip
        with transaction(session):
            session.execute(text("update contracts set concluded_by = 'signatures'"))
        assert _told(session)[2] == ["I20b", "I20c"]
    engine.dispose()
