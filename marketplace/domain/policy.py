"""
The policy table: which role may do what to what; what is not written here is refused.

A route names one of these actions or the application does not start, and the tests are made from this table, with
every cell that is empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Relation(Enum):
    """How an actor stands to an object."""

    ANY = "any"
    OWN = "own"
    """It is the own organization's."""
    PARTY = "party"
    """The own organization is on the other side of the deal."""
    SITE = "site"
    """It lies at the own site."""
    PARK = "park"
    """It is overseen by the own park, and the own organization has no part in it."""


EVERYBODY: Final = "person"
"""The role that everybody has who is signed in."""

ROLES: Final = (
    "visitor",
    EVERYBODY,
    "clerk",
    "signatory",
    "weigher",
    "park_administrator",
    "operator",
    "auditor",
    "system",
)


@dataclass(frozen=True)
class Action:
    """One row of the table. ``writes`` says whether it may be bound to a verb that changes something."""

    writes: bool
    cells: dict[str, frozenset[Relation]]


def _row(*, writes: bool = False, **cells: str) -> Action:
    return Action(writes, {role: frozenset(Relation(word) for word in words.split()) for role, words in cells.items()})


def noun_of(action: str) -> str:
    """Return the first half of an action's name, such as ``listing``."""
    return action.partition(".")[0]


POLICY: Final[dict[str, Action]] = {
    # the own account
    "account.read": _row(person="any"),
    "account.sign_in": _row(writes=True, visitor="any"),
    "account.sign_out": _row(writes=True, visitor="any"),
    "account.reset": _row(writes=True, visitor="any"),
    "account.language": _row(writes=True, visitor="any"),
    "account.manage": _row(writes=True, person="any"),
    "account.mail_off": _row(writes=True, visitor="any"),
    "search.read": _row(person="any"),
    "search.manage": _row(writes=True, person="any"),
    "account.today": _row(person="any"),
    # organizations and their members
    "organization.register": _row(writes=True, visitor="any"),
    "organization.read": _row(
        clerk="own", signatory="own", weigher="own", park_administrator="park", operator="any", auditor="any"
    ),
    "organization.edit": _row(writes=True, signatory="own"),
    "organization.verify": _row(writes=True, park_administrator="park"),
    "member.read": _row(clerk="own", signatory="own", park_administrator="park", operator="any", auditor="any"),
    "member.invite": _row(writes=True, signatory="own"),
    "member.remove": _row(writes=True, signatory="own"),
    "member.join": _row(writes=True, visitor="any"),
    # what an organization keeps
    "site.read": _row(clerk="own", signatory="own", weigher="own", park_administrator="park", auditor="any"),
    "site.keep": _row(writes=True, clerk="own", signatory="own"),
    "stream.read": _row(clerk="own", signatory="own", weigher="own", park_administrator="park", auditor="any"),
    "stream.keep": _row(writes=True, clerk="own", signatory="own"),
    "line.read": _row(clerk="own", signatory="own", weigher="own", park_administrator="park", auditor="any"),
    "line.keep": _row(writes=True, clerk="own", signatory="own"),
    "permit.verify": _row(writes=True, park_administrator="park"),
    "filing.read": _row(clerk="own", signatory="own", park_administrator="park", auditor="any"),
    "filing.keep": _row(writes=True, clerk="own", signatory="own"),
    # the market
    "board.read": _row(visitor="any"),
    "listing.read": _row(clerk="own", signatory="own", weigher="own", park_administrator="park", auditor="any"),
    "listing.draft": _row(writes=True, clerk="own", signatory="own"),
    "listing.publish": _row(writes=True, signatory="own"),
    "listing.withdraw": _row(writes=True, signatory="own"),
    "listing.open": _row(writes=True, clerk="own", signatory="own", system="any"),
    "listing.award": _row(writes=True, signatory="own"),
    "bid.read": _row(clerk="own party", signatory="own party", auditor="any"),
    "bid.submit": _row(writes=True, signatory="own"),
    "bid.withdraw": _row(writes=True, signatory="own"),
    "question.ask": _row(writes=True, clerk="own", signatory="own"),
    "question.answer": _row(writes=True, clerk="own", signatory="own"),
    "question.oversee": _row(park_administrator="park", auditor="any"),
    "award.read": _row(clerk="own party", signatory="own party", park_administrator="park", auditor="any"),
    "award.answer": _row(writes=True, signatory="own party"),
    "contract.read": _row(clerk="own party", signatory="own party", park_administrator="park", auditor="any"),
    "contract.change": _row(writes=True, signatory="own party"),
    # shipments and tickets
    "shipment.read": _row(
        clerk="own party", signatory="own party", weigher="site", park_administrator="park", auditor="any"
    ),
    "shipment.plan": _row(writes=True, clerk="own party", signatory="own party"),
    "shipment.weigh": _row(writes=True, clerk="own", signatory="own", weigher="site"),
    "shipment.receive": _row(writes=True, clerk="own", signatory="own", weigher="site"),
    "shipment.agree": _row(writes=True, signatory="own party"),
    "shipment.use": _row(writes=True, signatory="own"),
    # rounds
    "offer.read": _row(clerk="own", signatory="own"),
    "offer.hand_in": _row(writes=True, signatory="own"),
    "offer.take_back": _row(writes=True, signatory="own"),
    "round.browse": _row(person="any"),
    "round.read": _row(park_administrator="park", auditor="any", system="any"),
    "round.ask": _row(park_administrator="park"),
    "round.open": _row(writes=True, park_administrator="park"),
    "round.close": _row(writes=True, park_administrator="park", system="any"),
    "round.run": _row(writes=True, park_administrator="park", system="any"),
    "round.stop": _row(writes=True, park_administrator="park", system="any"),
    "round.publish": _row(writes=True, park_administrator="park"),
    "round.void": _row(writes=True, park_administrator="park"),
    # ledger, parks, the platform
    "ledger.read": _row(clerk="own", signatory="own", weigher="own", park_administrator="park", auditor="any"),
    "ledger.keep": _row(writes=True, clerk="own", signatory="own"),
    "park.read": _row(park_administrator="park", auditor="any"),
    "park.public": _row(visitor="any"),
    "platform.read": _row(operator="any", auditor="any"),
    "platform.keep": _row(writes=True, operator="any"),
    "audit.read": _row(auditor="any"),
    "reference.read": _row(visitor="any"),
    "health.read": _row(visitor="any"),
}
