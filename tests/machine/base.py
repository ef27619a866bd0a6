"""
A market that is acted on at random: who there is, what a plain model expects, and what is asked after each act.

Rules stand in files of their own, each a mixin of `Market`; `test_machine` puts them together. A further kind of act is a
further file: rules that call `act`, and where it moves tonnes a `deal` in the model.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, TypeVar

import pytest
from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from marketplace.domain import transitions
from marketplace.domain.actors import VISITOR, Actor
from marketplace.domain.errors import MarketplaceError, NotAllowed, NotFound
from marketplace.domain.hazards import questions
from marketplace.domain.listings import state_of
from marketplace.domain.quantities import Month
from marketplace.domain.roundstates import TRANSITIONS
from marketplace.persistence.database import connect, sessions_of
from marketplace.persistence.invariants import broken
from marketplace.persistence.lines import IntakeLine, LineMonth
from marketplace.persistence.listings import Bid, Listing, ListingMonth
from marketplace.persistence.people import Person
from marketplace.persistence.rounds import Award, AwardMonth, Round
from marketplace.persistence.tables import Base
from marketplace.queries.accounts import account
from marketplace.services.rounds import state_of_round
from tests.factories import NOON, Make

Thing = TypeVar("Thing")

DAY: Final = timedelta(days=1)
HARMLESS: Final = {question.code: False for question in questions("fly_ash")}
ROUND_STEPS: Final = tuple(
    transitions.Step(each.source, each.target, "clock" if each.by == "clock" else "act") for each in TRANSITIONS
)
NOTED: Final = frozenset({"audit_log", "outbox", "notices", "jobs"})
"""Tables that tell of acts and are no effect of theirs."""


@dataclass
class Sale:
    """A listing as the model has it."""

    id: int
    producer: int
    stream: int
    kg_per_month: int
    closes_at: datetime | None
    since: datetime | None = None
    """When its rules were stated last; none: a draft."""
    withdrawn: bool = False
    opened: bool = False
    live: dict[int, int] = field(default_factory=dict)
    """The bid that stands, by line."""


@dataclass
class Deal:
    """An award as the model has it."""

    id: int
    listing: int
    line: int
    producer: int
    recycler: int
    months: dict[Month, int]
    answer_by: datetime
    accepted: set[str]
    over: bool = False
    kg_bid: int = 0
    """What was asked for a month, of a hold at a fixed price."""
    ended_at: datetime | None = None
    """When it came to nothing by its recycler."""

    def waits(self, now: datetime) -> bool:
        """Whether somebody has to answer."""
        return not self.over and len(self.accepted) < 2 and now < self.answer_by


class Market(RuleBasedStateMachine):
    """Three producers, four recyclers, one park; strangers from elsewhere."""

    new_database: ClassVar[Callable[[], str]]
    told: ClassVar[Counter[tuple[str, str]]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.engine: Engine = connect(type(self).new_database())
        self.session: Session = sessions_of(self.engine)()
        self.now = NOON
        self.sales: dict[int, Sale] = {}
        self.deals: dict[int, Deal] = {}
        self.rounds: list[int] = []
        self.suspended: set[int] = set()
        self.capacity: dict[int, int] = {}
        self.unverified: set[int] = set()
        """Lines whose permit the park has to verify anew."""
        self.last: tuple[str, Callable[[], object]] | None = None
        self._settle()

    def _settle(self) -> None:
        make = Make(self.session)
        park = make.park()
        self.park_id = park.id
        self.signatory: dict[int, int] = {}
        self.producers, self.recyclers = [], []
        self.streams: dict[int, int] = {}
        self.lines: dict[int, int] = {}
        self.line_site: dict[int, int] = {}
        for _ in range(3):
            firm = make.organization(park_id=park.id, recycles=False)
            site = make.site(firm)
            self.producers.append(firm.id)
            self.streams |= {make.stream(site, origin_answers=HARMLESS).id: firm.id for _ in range(2)}
            self.signatory[firm.id] = make.person("signatory", organization=firm).id
        for number in range(4):
            firm = make.organization(park_id=park.id, produces=False)
            site = make.site(firm, lat_udeg=40_200_000, lon_udeg=113_450_000 + number * 10_000)
            line = make.line(site, capacity_kg_per_month=6_000_000, capacity_kg_per_year=60_000_000)
            self.recyclers.append(firm.id)
            self.lines[line.id], self.line_site[line.id] = firm.id, site.id
            self.capacity[line.id] = 6_000_000
            self.signatory[firm.id] = make.person("signatory", organization=firm).id
        self.administrator = make.person("park_administrator", park=park).id
        stranger = make.organization()
        self.strangers = [
            make.person("signatory", organization=stranger).id,
            make.person("clerk", organization=stranger).id,
            make.person("park_administrator", park=make.park()).id,
        ]
        self.names = {line.id: line.name for line in make.session.scalars(select(IntakeLine))}
        self.session.rollback()

    def actor(self, person_id: int) -> Actor:
        """Return a person with the rights of this moment, as a request has them."""
        actor = account(self.session, self.session.get_one(Person, person_id)).actor
        self.session.rollback()
        return actor

    def of(self, organization_id: int) -> Actor:
        """Return the signatory of an organization."""
        return self.actor(self.signatory[organization_id])

    @staticmethod
    def pick(number: int, *choices: Any) -> Any:
        """Return one of the first choices that are any; every sixth time of the last ones."""
        order = reversed(choices) if number % 6 == 0 else choices
        for each in order:
            found = list(each)
            if found:
                return found[number // 6 % len(found)]
        return None

    def act(
        self,
        name: str,
        call: Callable[[Actor], Thing],
        actor: Actor,
        *,
        expect: bool | None = None,
        stranger: int | None = None,
        again: bool = False,
    ) -> Thing | None:
        """
        Do something as an actor and return what came of it; none if it was refused.

        ``expect``: whether it must be taken, where the model knows. What is refused writes nothing, but that awards lapse
        which were overdue. A stranger who tries the same is refused before. ``again``: done twice it has one effect.
        """
        if stranger is not None and stranger % 3 == 0:
            self._refuse_stranger(name, call, stranger // 3)
        before, states = self.written(), self.states()
        overdue = any(self._overdue(deal) for deal in self.deals.values())
        said, value = "", None
        try:
            value = call(actor)
        except MarketplaceError as refusal:
            said = f"{type(refusal).__name__}: {refusal}"
        self.session.rollback()
        self.told[name, "refused" if said else "done"] += 1
        if said and os.environ.get("HUIYONG_MACHINE_TELL"):
            print(name, said)
        if expect is not None:
            assert (not said) == expect, (name, said, self.now)
        if said:
            assert overdue or self.written() == before, f"{name} was refused and has written: {said}"
        self.absorb()
        self._may_go(states, clock=False, name=name)
        if not said:
            self.last = (name, lambda: call(actor)) if again else None
        return None if said else value

    def repeat(self) -> None:
        """Do the last act once more: taken or refused, it has no further effect."""
        if self.last is None:
            return
        before = self.written(but=NOTED)
        with suppress(MarketplaceError):
            self.last[1]()
        self.session.rollback()
        self.told[f"again: {self.last[0]}", "done"] += 1
        assert self.written(but=NOTED) == before, f"{self.last[0]} twice has two effects"

    def _refuse_stranger(self, name: str, call: Callable[[Actor], object], number: int) -> None:
        chosen = number % (len(self.strangers) + 1)
        stranger = VISITOR if chosen == len(self.strangers) else self.actor(self.strangers[chosen])
        before = self.written()
        with pytest.raises((NotFound, NotAllowed)):
            call(stranger)
        self.session.rollback()
        self.told[f"stranger: {name}", "refused"] += 1
        assert self.written() == before, f"{name} of a stranger has written"

    def _overdue(self, deal: Deal) -> bool:
        return not deal.over and len(deal.accepted) < 2 and self.now >= deal.answer_by

    def written(self, but: frozenset[str] = frozenset()) -> str:
        """Return a hash of all that the database holds."""
        digest = hashlib.sha256()
        for table in Base.metadata.sorted_tables:
            if table.name not in but:
                rows = self.session.execute(text(f'select * from "{table.name}" order by 1')).all()
                if rows:
                    digest.update(f"{table.name}{[tuple(row) for row in rows]}".encode())
        self.session.rollback()
        return digest.hexdigest()

    def move(self, by: timedelta) -> None:
        """Move the clock; back it goes as a process's clock may, and what was written does not follow it."""
        before = self.states()
        self.now, self.last = max(self.now + by, NOON - DAY), None
        self._may_go(before, clock=True, back=by < timedelta(), name="clock")
        self.told["clock", "back" if by < timedelta() else "on"] += 1

    def states(self) -> dict[tuple[str, int], str]:
        """Return the state of everything, at this moment."""
        found: dict[tuple[str, int], str] = {}
        session, now = self.session, self.now
        left = {
            row[0]: row[1]
            for row in session.execute(
                text(
                    "select listing_id, sum(offered_kg - reserved_kg - contracted_kg) from listing_months group by listing_id"
                )
            )
        }
        for listing in session.scalars(select(Listing).execution_options(populate_existing=True)):
            found["listing", listing.id] = state_of(
                now,
                published_at=listing.published_at,
                withdrawn_at=listing.withdrawn_at,
                expires_at=listing.expires_at,
                remaining_kg=int(left.get(listing.id, 1)),
            )
            if listing.published_at is not None and listing.withdrawn_at is None:
                found["bidding", listing.id] = listing.bidding(now)
        for award in session.scalars(select(Award).execution_options(populate_existing=True)):
            found["award", award.id] = award.state(now)
        for bid in session.scalars(select(Bid).execution_options(populate_existing=True)):
            found["bid", bid.id] = _state_of_bid(bid)
        for of in session.scalars(select(Round).execution_options(populate_existing=True)):
            found["round", of.id] = state_of_round(of, now)
        session.rollback()
        return found

    TABLES: ClassVar = {
        "listing": transitions.LISTING,
        "bidding": transitions.BIDDING,
        "award": transitions.AWARD,
        "bid": transitions.BID,
        "round": ROUND_STEPS,
    }

    def _may_go(self, before: dict[tuple[str, int], str], *, clock: bool, back: bool = False, name: str) -> None:
        for (kind, id_), target in self.states().items():
            source = before.get((kind, id_))
            if source is None or source == target:
                continue
            start, end = (target, source) if back else (source, target)
            legal = transitions.reached(self.TABLES[kind], start, clock=clock)
            if name in ("run round", "recourse") and kind == "round":  # held, solved and published in one call
                legal |= frozenset({"closed", "solved", "published", "settled"})
            if kind == "bidding" and end in ("open", "none") and not clock:
                assert not self._was_bid_on(id_), f"{name}: bids on listing {id_} were taken anew"
            assert end in legal, f"{name}: {kind} {id_} went from {source} to {target}"

    def _was_bid_on(self, listing_id: int) -> bool:
        found = self.session.scalar(select(Bid.id).where(Bid.listing_id == listing_id).limit(1)) is not None
        self.session.rollback()
        return found

    def absorb(self) -> None:
        """Take over into the model what was written: awards that were made, and that lapsed."""
        for award in self.session.scalars(select(Award).order_by(Award.id).execution_options(populate_existing=True)):
            if award.price_fen_per_t is None:
                continue
            known = self.deals.get(award.id)
            if known is None:
                months = self.session.execute(
                    select(AwardMonth.month, AwardMonth.kg).where(AwardMonth.award_id == award.id)
                )
                self.deals[award.id] = Deal(
                    award.id,
                    award.listing_id,
                    award.line_id,
                    award.producer_id,
                    award.recycler_id,
                    {row.month: row.kg for row in months},
                    award.answer_by,
                    {side for side in ("producer", "recycler") if getattr(award, f"{side}_accepted_at")},
                )
            elif award.lapsed_at is not None and not known.over:
                assert self.now >= known.answer_by, "it lapsed before its deadline"
                assert len(known.accepted) < 2, "a contract has lapsed"
                known.over = True
                known.ended_at = None if "recycler" in known.accepted else known.answer_by
            elif not known.over:
                later = award.answer_by - known.answer_by
                assert not later or (known.kg_bid and award.recycler_accepted_at), "a deadline was moved"
                known.answer_by = award.answer_by
        self.session.rollback()

    def ask_everything(self) -> None:
        """Ask every invariant, and whether the counters hold what the model says."""
        found = [(each.invariant.code, each.places) for each in broken(self.session)]
        assert found == [], found
        listings: Counter[tuple[int, Month]] = Counter()
        lines: Counter[tuple[int, Month]] = Counter()
        for deal in self.deals.values():
            if not deal.over:
                for month, kg in deal.months.items():
                    listings[deal.listing, month] += kg
                    lines[deal.line, month] += kg
        rows = self.session.execute(
            select(ListingMonth.listing_id, ListingMonth.month, ListingMonth.reserved_kg + ListingMonth.contracted_kg)
        )
        assert {(row[0], row[1]): row[2] for row in rows if row[2]} == +listings
        rows = self.session.execute(
            select(LineMonth.line_id, LineMonth.month, LineMonth.reserved_kg + LineMonth.contracted_kg)
        )
        assert {(row[0], row[1]): row[2] for row in rows if row[2]} == +lines
        live = {
            (row.listing_id, row.line_id): row.id
            for row in self.session.execute(
                select(Bid.listing_id, Bid.line_id, Bid.id)
                .join(Listing, Listing.id == Bid.listing_id)
                .where(Bid.replaced_at.is_(None), Bid.withdrawn_at.is_(None), Listing.sale_kind != "fixed")
            )
        }
        assert live == {(sale.id, line): bid for sale in self.sales.values() for line, bid in sale.live.items()}
        self.session.rollback()

    def teardown(self) -> None:
        """Close the database."""
        self.session.close()
        self.engine.dispose()


def _state_of_bid(bid: Bid) -> str:
    if bid.voided_at is not None:
        return "void"
    if bid.withdrawn_at is not None:
        return "withdrawn"
    if bid.replaced_at is not None:
        return "replaced"
    if bid.opened_at is None:
        return "sealed"
    return "invalid" if bid.invalid_because else "opened"


def acts_wanted(usual: int) -> int:
    """Return how many acts a run makes; ``HUIYONG_MACHINE_STEPS`` asks for more."""
    return int(os.environ.get("HUIYONG_MACHINE_STEPS", usual))
