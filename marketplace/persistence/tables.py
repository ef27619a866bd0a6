"""All tables, so that whoever needs the whole schema imports one name."""

from marketplace.persistence import (
    amendments,
    audit,
    ledger,
    lines,
    listings,
    organizations,
    outbox,
    parks,
    people,
    questions,
    roundoffers,
    rounds,
    salerules,
    signatures,
    standby,
    streams,
    workdays,
)
from marketplace.persistence.base import Base

__all__ = [
    "Base",
    "amendments",
    "audit",
    "ledger",
    "lines",
    "listings",
    "organizations",
    "outbox",
    "parks",
    "people",
    "questions",
    "roundoffers",
    "rounds",
    "salerules",
    "signatures",
    "standby",
    "streams",
    "workdays",
]
