"""Reads: contracts, and one with the text that both sides signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.amendments import ContractState, contract_state
from marketplace.domain.contracts import Side, Terms, terms
from marketplace.domain.errors import NotFound
from marketplace.domain.listings import month_at
from marketplace.domain.quantities import payable_fen
from marketplace.persistence.listings import Listing
from marketplace.persistence.rounds import Award, Contract
from marketplace.persistence.signatures import ContractSignature as Signed
from marketplace.queries.amendments import (
    Ended,
    Signature,
    Version,
    ended_of,
    in_force,
    signatures_of,
    terminated,
    versions_of,
)
from marketplace.queries.deals import Deal, deal, deals, read_deals, readable
from marketplace.queries.listed import Listed, Wish, page_of


@dataclass(frozen=True)
class Row:
    """A contract in the list."""

    deal: Deal
    side: Side | None
    kg: int
    """By the version in force."""
    price_fen_per_t: int | None
    terminated: bool


@dataclass(frozen=True)
class IndexPage:
    """Contracts, newest first."""

    listed: Listed[Row]
    own: bool


@dataclass(frozen=True)
class ContractPage:
    """One contract: a version of its text as signed, by whom and when, and whether its bytes are those that were signed."""

    id: int
    number: str
    made_at: datetime
    terms: Terms
    terms_sha256: str
    intact: bool
    deal: Deal
    side: Side | None
    signatures: tuple[Signature, ...]
    version: int
    in_force: int
    """The version in force; another is only read."""
    versions: tuple[Version, ...]
    ended: Ended | None
    state: ContractState
    may_change: bool
    stream_id: int
    may_repeat: bool
    """Whether its goods can be listed again."""

    @property
    def proposal(self) -> Version | None:
        """The version that waits for signatures."""
        return next((each for each in self.versions if each.state in ("open", "half")), None)

    @property
    def total_fen(self) -> int:
        """What the waste costs over all months, at the producer's gate."""
        return payable_fen(self.terms.kg, self.terms.price_fen_per_t)


def contracts_index(session: Session, actor: Actor, wish: Wish, *, now: datetime) -> IndexPage:
    """Return the contracts that an actor may see, newest first. Four SELECTs."""
    listed = page_of(
        session,
        deals().where(readable(actor, "contract.read"), Contract.id.is_not(None)),
        Wish(wish.search, wish.sort or "-made", wish.number),
        sorts={"made": Contract.made_at, "kg": Contract.kg, "price": Contract.price_fen_per_t},
        last=Contract.id.desc(),
    )
    found = read_deals(listed.rows, now)
    ids = [each.contract_id for each in found if each.contract_id is not None]
    changed, ended = in_force(session, ids), terminated(session, ids)
    rows = tuple(
        Row(each, each.side_of(actor), *changed.get(each.contract_id or 0, (each.kg, each.price_fen_per_t)),
            (each.contract_id or 0) in ended)
        for each in found
    )  # fmt: skip
    shown: Listed[Row] = Listed(rows, listed.number, listed.pages, listed.total, listed.sort, listed.search)
    return IndexPage(shown, own=bool(actor.organization_ids))


def contract_page(
    session: Session, actor: Actor, contract_id: int, *, version: int | None = None, now: datetime
) -> ContractPage:
    """Return one contract, by the version in force or an earlier one. Raises NotFound. Five SELECTs."""
    signed = session.execute(
        select(
            Contract.award_id,
            Contract.number,
            Contract.made_at,
            Contract.terms,
            Contract.terms_sha256,
            Listing.stream_id,
        )
        .join(Award, Contract.award_id == Award.id)
        .join(Listing, Award.listing_id == Listing.id)
        .where(Contract.id == contract_id)
    ).one_or_none()
    if signed is None:
        raise NotFound
    found = deal(session.execute(deals().where(Award.id == signed.award_id)).one(), now)
    actor.must("contract.read", found.belonging())
    versions = versions_of(session, contract_id)
    made = {each.version: each for each in versions if each.made_at is not None}
    newest = max(made, default=1)
    shown = newest if version is None else version
    if shown != 1 and shown not in made:
        raise NotFound
    text = terms(signed.terms) if shown == 1 else made[shown].terms
    digest = signed.terms_sha256 if shown == 1 else made[shown].terms_sha256
    ended = ended_of(session, contract_id)
    side = found.side_of(actor)
    newest_text = text if shown == newest else made[newest].terms
    last = max((month for month, _ in newest_text.months), default=None)
    return ContractPage(
        id=contract_id,
        number=signed.number,
        made_at=signed.made_at,
        terms=text,
        terms_sha256=digest,
        intact=text.sha256 == digest,
        deal=found,
        side=side,
        signatures=_signatures(session, signed.award_id) if shown == 1 else signatures_of(session, made[shown].id),
        version=shown,
        in_force=newest,
        versions=versions,
        ended=ended,
        state=contract_state(month_at(now), last_month=last, terminated_at=ended.at if ended else None),
        may_change=side is not None and actor.may("contract.change", found.belonging()),
        stream_id=signed.stream_id,
        may_repeat=side == "producer" and actor.may("listing.draft", found.belonging()),
    )


def _signatures(session: Session, award_id: int) -> tuple[Signature, ...]:
    rows = session.execute(
        select(Signed.side, Signed.person_name, Signed.signed_at, Signed.sha256)
        .where(Signed.award_id == award_id)
        .order_by(Signed.id)
    )
    return tuple(Signature("producer" if row[0] == "producer" else "recycler", *row[1:]) for row in rows)
