"""A bid's terms under their seal: made into a row, and read from it again."""

from __future__ import annotations

from typing import Any

from marketplace.domain.bids import Terms
from marketplace.domain.sealing import Box, Sealer, bound_to, packed, receipt_of, unpacked
from marketplace.persistence.listings import Bid


def sealed(sealer: Sealer, terms: Terms, *, listing_id: int, line_id: int, revision: int, **columns: Any) -> Bid:
    """
    Return a bid whose terms lie in it sealed alone; it is not yet added to a session.

    Raises Conflict if the key is not there, Invalid if the note is too long.
    """
    bound = bound_to(listing_id, line_id, revision)
    box = sealer.seal(packed(terms), bound)
    return Bid(
        listing_id=listing_id,
        line_id=line_id,
        revision=revision,
        sealed=box.sealed,
        seal_key_id=box.key_id,
        receipt=receipt_of(box, bound),
        **columns,
    )


def unsealed(sealer: Sealer, bid: Bid) -> Terms:
    """
    Return the terms of a bid; those of one that is opened, or was never sealed, from its columns.

    Raises Conflict if the key is not there, Unsealable if the box is not what was sealed for this bid.
    """
    if bid.sealed is None or bid.seal_key_id is None:
        return bid.terms
    box = Box(bid.seal_key_id, bid.sealed)
    return unpacked(sealer.open(box, bound_to(bid.listing_id, bid.line_id, bid.revision)))
