"""Sealed bids: what is sealed, to the byte; what a seal is bound to; what a bidder holds as a receipt."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Final, Protocol

from marketplace.domain.bids import TRANSPORTS, Terms
from marketplace.domain.errors import Invalid

LENGTH: Final = 8192
"""Bytes of every bid before it is sealed, so that its length tells nothing of the price or the note."""


class Unsealable(Exception):
    """
    A box cannot be opened, or holds no bid, though the key is there: it was changed, or moved from another bid.

    ``code`` is what is kept of the reason.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True)
class Box:
    """Sealed bytes, and which key opens them."""

    key_id: str
    sealed: bytes


class Sealer(Protocol):
    """
    Seals and opens with a key that is kept outside the database.

    Both raise Conflict, in words for the reader, if the key is not there; `open` raises Unsealable if the box is not
    what was sealed for exactly these ``bound`` bytes.
    """

    def seal(self, plain: bytes, bound: bytes) -> Box:
        """Seal bytes, bound to others that are no secret."""

    def open(self, box: Box, bound: bytes) -> bytes:
        """Return the bytes that were sealed."""

    def ready(self, key_ids: Iterable[str]) -> bool:
        """Say whether it could seal now, and has the keys that what is still to be opened was sealed under."""


def bound_to(listing_id: int, line_id: int, revision: int) -> bytes:
    """Return what a seal is bound to: a box that is put into another bid's row does not open there."""
    return f"huiyong bid 1 listing {listing_id} line {line_id} revision {revision}".encode()


def packed(terms: Terms) -> bytes:
    """Return what is sealed of a bid, always `LENGTH` bytes. Raises Invalid if the note is too long for that."""
    plain = json.dumps(asdict(terms), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    if len(plain) > LENGTH:
        raise Invalid("The note is too long to be sealed with the bid.", field="note")
    return plain.ljust(LENGTH)


def unpacked(plain: bytes) -> Terms:
    """Return the bid that was sealed. Raises Unsealable if the bytes are none."""
    try:
        terms = Terms(**json.loads(plain))
    except (ValueError, TypeError):
        raise Unsealable("unreadable") from None  # the cause would tell what was read
    whole = (terms.price_fen_per_t, terms.kg_per_month, terms.freight_fen_per_t, terms.deduction_fen_per_t)
    if not all(type(number) is int for number in whole) or not isinstance(terms.note, str):
        raise Unsealable("unreadable")
    if terms.kg_per_month <= 0 or terms.transport not in TRANSPORTS:
        raise Unsealable("unreadable")
    return terms


def receipt_of(box: Box, bound: bytes) -> str:
    """
    Return the hash that a bidder holds: of the box as it lies in the database, not of the price, which could be guessed.

    Whoever has the row can compute it again, before the opening and after.
    """
    return sha256(b"\n".join((bound, box.key_id.encode(), box.sealed))).hexdigest()


def digest_of(receipts: Iterable[str]) -> str:
    """Return the hash of all receipts of one opening, whatever their order."""
    return sha256("\n".join(sorted(receipts)).encode()).hexdigest()
