"""Reads: contracts, and one with the text that both sides signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.contracts import Side, Terms, terms
from marketplace.domain.errors import NotFound
from marketplace.domain.quantities import payable_fen
from marketplace.persistence.rounds import Award, Contract
from marketplace.persistence.signatures import ContractSignature as Signed
from marketplace.queries.deals import Deal, deal, deals, read_deals, readable
from marketplace.queries.listed import Listed, Wish, page_of


@dataclass(frozen=True)
class Row:
    """A contract in the list."""

    deal: Deal
    side: Side | None


@dataclass(frozen=True)
class IndexPage:
    """Contracts, newest first."""

    listed: Listed[Row]
    own: bool


@dataclass(frozen=True)
class Signature:
    """Who signed for a side, over which hash."""

    side: Side
    name: str
    at: datetime
    sha256: str


@dataclass(frozen=True)
class ContractPage:
    """One contract: the text as signed, by whom and when, and whether its bytes are those that were signed."""

    id: int
    number: str
    made_at: datetime
    terms: Terms
    terms_sha256: str
    intact: bool
    deal: Deal
    side: Side | None
    signatures: tuple[Signature, ...]

    @property
    def total_fen(self) -> int:
        """What the waste costs over all months, at the producer's gate."""
        return payable_fen(self.terms.kg, self.terms.price_fen_per_t)


def contracts_index(session: Session, actor: Actor, wish: Wish, *, now: datetime) -> IndexPage:
    """Return the contracts that an actor may see, newest first. Two SELECTs."""
    listed = page_of(
        session,
        deals().where(readable(actor, "contract.read"), Contract.id.is_not(None)),
        Wish(wish.search, wish.sort or "-made", wish.number),
        sorts={"made": Contract.made_at, "kg": Contract.kg, "price": Contract.price_fen_per_t},
        last=Contract.id.desc(),
    )
    rows = tuple(Row(each, each.side_of(actor)) for each in read_deals(listed.rows, now))
    shown: Listed[Row] = Listed(rows, listed.number, listed.pages, listed.total, listed.sort, listed.search)
    return IndexPage(shown, own=bool(actor.organization_ids))


def contract_page(session: Session, actor: Actor, contract_id: int, *, now: datetime) -> ContractPage:
    """Return one contract. Raises NotFound. Three SELECTs."""
    signed = session.execute(
        select(Contract.award_id, Contract.number, Contract.made_at, Contract.terms, Contract.terms_sha256).where(
            Contract.id == contract_id
        )
    ).one_or_none()
    if signed is None:
        raise NotFound
    found = deal(session.execute(deals().where(Award.id == signed.award_id)).one(), now)
    actor.must("contract.read", found.belonging())
    text = terms(signed.terms)
    return ContractPage(
        id=contract_id,
        number=signed.number,
        made_at=signed.made_at,
        terms=text,
        terms_sha256=signed.terms_sha256,
        intact=text.sha256 == signed.terms_sha256,
        deal=found,
        side=found.side_of(actor),
        signatures=_signatures(session, signed.award_id),
    )


def _signatures(session: Session, award_id: int) -> tuple[Signature, ...]:
    rows = session.execute(
        select(Signed.side, Signed.person_name, Signed.signed_at, Signed.sha256)
        .where(Signed.award_id == award_id)
        .order_by(Signed.id)
    )
    return tuple(Signature("producer" if row[0] == "producer" else "recycler", *row[1:]) for row in rows)
