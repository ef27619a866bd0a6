"""Of what was acknowledged: it lies there to the byte, and each act has its audit row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.canonical import sha256
from marketplace.domain.contracts import terms
from marketplace.domain.sealing import Box, bound_to, receipt_of
from marketplace.persistence.amendments import Amendment
from marketplace.persistence.invariants.kinds import Invariant
from marketplace.persistence.listings import Bid
from marketplace.persistence.rounds import Contract, RoundFile
from marketplace.persistence.salerules import StatedRules

AT_ONCE: Final = 500
"""Rows that are read at once, so that a large database is looked through in little memory."""


def _bids_unlike_their_receipt(session: Session) -> Iterator[str]:
    rows = session.execute(
        select(Bid.id, Bid.listing_id, Bid.line_id, Bid.revision, Bid.seal_key_id, Bid.sealed, Bid.receipt)
        .where(Bid.sealed.is_not(None), Bid.invalid_because == "")  # what was changed was found out at the opening
        .execution_options(yield_per=AT_ONCE)
    )
    for row in rows:
        box = Box(row.seal_key_id, row.sealed)
        if receipt_of(box, bound_to(row.listing_id, row.line_id, row.revision)) != row.receipt:
            yield f"bid {row.id}"


def _contracts_unlike_their_hash(session: Session) -> Iterator[str]:
    rows = session.execute(
        select(Contract.id, Contract.terms, Contract.terms_sha256, Contract.kg, Contract.price_fen_per_t)
        .execution_options(yield_per=AT_ONCE)
    )  # fmt: skip
    for row in rows:
        agreed = terms(row.terms)
        if (agreed.sha256, agreed.kg, agreed.price_fen_per_t) != (row.terms_sha256, row.kg, row.price_fen_per_t):
            yield f"contract {row.id}"
    versions = session.execute(
        select(Amendment.id, Amendment.terms, Amendment.terms_sha256, Amendment.kg, Amendment.price_fen_per_t)
        .execution_options(yield_per=AT_ONCE)
    )  # fmt: skip
    for row in versions:
        proposed = terms(row.terms)
        if (proposed.sha256, proposed.kg, proposed.price_fen_per_t) != (
            row.terms_sha256, row.kg, row.price_fen_per_t
        ):  # fmt: skip
            yield f"amendment {row.id}"


def _texts_unlike_their_hash(session: Session) -> Iterator[str]:
    for id_, content, stated in session.execute(
        select(RoundFile.id, RoundFile.content, RoundFile.sha256).execution_options(yield_per=20)
    ):
        if sha256(content) != stated:
            yield f"file of a round {id_}"
    for id_, content, stated in session.execute(
        select(StatedRules.id, StatedRules.text, StatedRules.sha256).execution_options(yield_per=AT_ONCE)
    ):
        if sha256(content) != stated:
            yield f"rules {id_}"


TRAIL: Final = (
    Invariant(
        "I11a",
        "What lies of a bid is to the byte what its receipt acknowledged.",
        look=_bids_unlike_their_receipt,
    ),
    Invariant(
        "I11b",
        "What lies of a contract is to the byte the text that both sides accepted.",
        look=_contracts_unlike_their_hash,
    ),
    Invariant(
        "I11c",
        "What a round read and found, and the rules of a sale, are what their hashes say.",
        look=_texts_unlike_their_hash,
    ),
    Invariant(
        "I21a",
        "What a person bid has its audit row, and of one revision there is one.",
        """
        select 'bid ' || b.id from bids b
        left join audit_log a on a.object_kind = 'bid' and a.object_id = b.id and a.action = 'bid.submit'
        where b.received_from is not null group by b.id having count(a.id) <> 1
        union all
        select 'audit row ' || a.id from audit_log a left join bids b on b.id = a.object_id
        where a.object_kind = 'bid' and a.action = 'bid.submit' and b.id is null
        """,
    ),
)
