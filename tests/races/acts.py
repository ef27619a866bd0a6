"""What the processes of a race do, and how each protection is switched off so that the race shows its fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, update
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.bids import NewBid
from marketplace.domain.errors import Conflict
from marketplace.domain.holds import NewHold
from marketplace.domain.listings import NewListing
from marketplace.domain.roundoffers import LineOffer
from marketplace.domain.sealing import Sealer
from marketplace.domain.tickets import NewTicket, Weighed
from marketplace.persistence import database
from marketplace.persistence import listings as tables
from marketplace.persistence.rounds import Award, Contract, Round
from marketplace.persistence.shipments import Shipment
from marketplace.services import (
    awarding,
    awards,
    bids,
    capacities,
    counters,
    holds,
    listings,
    opening,
    roundoffers,
    rounds,
    runs,
    shipments,
    weighing,
)
from marketplace.solver.engines import engine
from tests.factories import SEALER, accept
from tests.races.contest import meet


def reserve(session: Session, share: counters.Share) -> None:
    """Take kilograms out of the counters, in a transaction of its own."""
    with database.transaction(session):
        counters.reserve(session, share)


def lower_or_move(session: Session, wanted: tuple[str, Any]) -> None:
    """Lower the capacity of a line; or award, decline or give back some of it meanwhile."""
    what, given = wanted
    if what == "lower":
        actor, line_id, new, now = given
        capacities.lower_capacity(session, actor, line_id, new, now=now)
    elif what == "release":
        with database.transaction(session):
            counters.release(session, given)
    elif what == "award":
        award(session, given)
    else:
        let_go(session, given)


def award(session: Session, wanted: tuple[Actor, int, int, datetime]) -> int:
    """Award a bid through the service that a view calls."""
    actor, bid_id, kg_per_month, now = wanted
    return awarding.award_bid(session, actor, bid_id, kg_per_month, now=now)


def open_bids(session: Session, wanted: tuple[Actor, int, Sealer, datetime]) -> None:
    """Open the sealed bids of a listing."""
    actor, listing_id, sealer, now = wanted
    opening.open_bids(session, actor, listing_id, sealer=sealer, now=now)


def bid_or_open(session: Session, wanted: tuple[Actor, int | NewBid, Sealer, datetime]) -> None:
    """Open the sealed bids of a listing, or bid on it by a clock that says that there is time."""
    actor, what, sealer, now = wanted
    if isinstance(what, NewBid):
        bids.submit_bid(session, actor, what, sealer=sealer, now=now)
    else:
        opening.open_bids(session, actor, what, sealer=sealer, now=now)


def hand_in_or_run(session: Session, wanted: tuple[Actor, int | tuple[int, int, LineOffer], Sealer, datetime]) -> None:
    """Run a round, which opens what was handed in; or hand in an offer by a clock that says that there is time."""
    actor, what, sealer, now = wanted
    if isinstance(what, tuple):
        roundoffers.hand_in_offer(session, actor, *what, sealer=sealer, now=now)
        return
    sessions = database.sessions_of(session.get_bind())  # type: ignore[arg-type]
    session.close()
    runs.run_round(sessions, actor, what, engine=engine("scipy"), engine_name="scipy", sealer=sealer, now=lambda: now)


def let_go(session: Session, wanted: tuple[Actor | None, int, datetime]) -> None:
    """Decline an award; or, with nobody to decline it, sweep what has lapsed."""
    actor, award_id, now = wanted
    if actor is None:
        awards.lapse_due(session, now)
    else:
        awards.decline_award(session, actor, award_id, "检修停窑。", now=now)


def hold(session: Session, wanted: tuple[Actor, NewHold, datetime]) -> int:
    """Hold tonnes at a fixed price."""
    actor, new, now = wanted
    return holds.hold_tonnes(session, actor, new, now=now)


def accept_or_lapse(session: Session, wanted: tuple[Actor | None, int, datetime]) -> None:
    """Accept an award; or, with nobody to accept it, sweep what has lapsed."""
    actor, award_id, now = wanted
    if actor is None:
        awards.lapse_due(session, now)
    else:
        accept(session, actor, award_id, now=now)


def sign(session: Session, wanted: tuple[Actor, int, datetime]) -> int | None:
    """Sign an award for the actor's side."""
    actor, award_id, now = wanted
    return accept(session, actor, award_id, now=now)


def withdraw_or_open(session: Session, wanted: tuple[Actor, int, Sealer | None, datetime]) -> None:
    """Open the bids of a listing; or, with nothing to open them with, withdraw a bid."""
    actor, object_id, sealer, now = wanted
    if sealer is None:
        bids.withdraw_bid(session, actor, object_id, now=now)
    else:
        opening.open_bids(session, actor, object_id, sealer=sealer, now=now)


def run(session: Session, wanted: tuple[Actor, int, datetime]) -> str:
    """Run a round; whoever holds it solves only when all have tried to."""
    actor, round_id, now = wanted
    solve = runs.clear

    def solve_when_all_have_tried(*given: Any, **named: Any) -> Any:
        meet()
        return solve(*given, **named)

    runs.clear = solve_when_all_have_tried
    try:
        return _run(session, actor, round_id, now)
    except Conflict:
        meet()
        raise


def run_and_publish(session: Session, wanted: tuple[Actor, int, datetime]) -> int:
    """Run a round and publish what was found."""
    actor, round_id, now = wanted
    run(session, wanted)
    return rounds.publish_round(session, actor, round_id, now=now)


def publish(session: Session, wanted: tuple[Actor, int, datetime]) -> int:
    """Publish a round that is solved."""
    actor, round_id, now = wanted
    return rounds.publish_round(session, actor, round_id, now=now)


def sleep_or_take_over(session: Session, wanted: tuple[str, Actor, int, datetime]) -> str:
    """Hold a round and sleep past the lease; or take it over meanwhile, solve it, and only then wake the sleeper."""
    what, actor, round_id, now = wanted
    if what == "take over":
        meet()
        try:
            return _run(session, actor, round_id, now + 2 * runs.LEASE)
        finally:
            meet()
    solve = runs.clear

    def solve_after_sleep(*given: Any, **named: Any) -> Any:
        meet()
        meet()
        return solve(*given, **named)

    runs.clear = solve_after_sleep
    return _run(session, actor, round_id, now)


def change_or_bid(session: Session, wanted: tuple[Actor, NewBid | tuple[int, NewListing], Sealer, datetime]) -> object:
    """Bid on a sale, or change its goods, which voids what was bid."""
    actor, what, sealer, now = wanted
    if isinstance(what, NewBid):
        return bids.submit_bid(session, actor, what, sealer=sealer, now=now)
    listing_id, new = what
    return listings.edit_listing(session, actor, listing_id, new, confirmed=True, now=now)


def _run(session: Session, actor: Actor, round_id: int, now: datetime) -> str:
    sessions = database.sessions_of(session.get_bind())  # type: ignore[arg-type]
    session.close()
    return runs.run_round(
        sessions, actor, round_id, engine=engine("scipy"), engine_name="scipy", sealer=SEALER, now=lambda: now
    ).sha256


def weigh_out(session: Session, wanted: tuple[Actor, int, NewTicket, datetime]) -> int:
    """Weigh a lorry out, and return its ticket."""
    actor, shipment_id, ticket, now = wanted
    return shipments.dispatch(session, actor, shipment_id, ticket, now=now)


def _no_shipped_counter() -> None:
    """Let a lorry leave whatever the contract holds: the condition of the UPDATE is gone."""

    def take_out(session: Session, row: Shipment, kg: int, **_: object) -> None:
        more = update(Contract).where(Contract.id == row.contract_id).values(shipped_kg=Contract.shipped_kg + kg)
        session.execute(more, execution_options={"synchronize_session": False})

    shipments.take_out = take_out


def _no_held_scale() -> None:
    """Hold neither site nor shipment: all have looked for a ticket of that number before any writes its own."""
    _no_lock()
    read = weighing._before

    def read_together(session: Session, row: Shipment, new: NewTicket) -> list[Weighed]:
        found = read(session, row, new)
        meet()
        return found

    weighing._before = read_together
    shipments.take_out = lambda *_, **__: (
        None
    )  # its UPDATE holds the contract's row, and would let one in after another


def _no_counter() -> None:
    counters._room = lambda *_: ()
    _meet_before_reserving()


def _no_lock() -> None:
    Select.with_for_update = lambda self, **_: self  # type: ignore[method-assign,assignment]  # the control: no lock
    database._begin_sqlite = lambda _: None  # type: ignore[assignment]  # each statement stands alone, as the driver has it
    _meet_before_reserving()


def _no_hold_of_the_listing() -> None:
    """Hold neither listing nor award, so that all who let an award go have read that it stands before any writes."""
    _no_lock()
    read = awards._locked

    def read_together(session: Session, award_id: int) -> Award | None:
        award = read(session, award_id)
        meet()
        return award

    awards._locked = read_together


def _no_hold_of_the_award() -> None:
    """Let both sides read that the other has not signed before either signs."""
    _no_hold_of_the_listing()


def _no_held_listing() -> None:
    """Hold no listing: all who bid have read the rules before the goods are changed, and write after that."""
    Select.with_for_update = lambda self, **_: self  # type: ignore[method-assign,assignment]  # the control: no lock
    database._begin_sqlite = lambda _: None  # type: ignore[assignment]  # the control: no transaction holds the file
    read, change = bids.rules_in_force, listings.edit_listing

    def read_and_wait(*given: Any, **named: Any) -> Any:
        rules = read(*given, **named)
        meet()
        meet()
        return rules

    def change_between(*given: Any, **named: Any) -> None:
        meet()
        change(*given, **named)
        meet()

    bids.rules_in_force, listings.edit_listing = read_and_wait, change_between


def _no_held_line() -> None:
    """Hold no line: who gives back has read its capacity before that is lowered, and writes after it."""
    Select.with_for_update = lambda self, **_: self  # type: ignore[method-assign,assignment]  # the control: no lock
    database._begin_sqlite = lambda _: None  # type: ignore[assignment]  # the control: no transaction holds the file
    read, lower = counters._held_capacities, capacities.lower_capacity

    def read_and_wait(*given: Any) -> Any:
        found = read(*given)
        meet()
        meet()
        return found

    def lower_between(*given: Any, **named: Any) -> None:
        meet()
        lower(*given, **named)
        meet()

    counters._held_capacities, capacities.lower_capacity = read_and_wait, lower_between


def _no_immediate() -> None:
    database._begin_sqlite = lambda connection: connection.exec_driver_sql("BEGIN")  # type: ignore[assignment]
    _meet_before_reserving()


def _meet_before_reserving() -> None:
    """Let everybody read before anybody writes, so that the fault must show."""
    taken = awarding.reserve

    def reserve_together(session: Session, share: counters.Share) -> None:
        meet()
        taken(session, share)

    if taken is counters.reserve:
        awarding.reserve = holds.reserve = reserve_together


def _no_opening_lock() -> None:
    """Let everybody read that the bids are sealed before anybody opens them."""
    Select.with_for_update = lambda self, **_: self  # type: ignore[method-assign,assignment]  # the control: no lock
    database._begin_sqlite = lambda _: None  # type: ignore[assignment]  # the control: no transaction holds the file
    due = opening._is_due

    def due_together(listing: Any, now: datetime) -> bool:
        answer = due(listing, now)
        meet()
        return answer

    opening._is_due = due_together


def _no_hold_of_the_sale() -> None:
    """Let everybody read what stands in an open sale before anybody bids."""
    Select.with_for_update = lambda self, **_: self  # type: ignore[method-assign,assignment]  # the control: no lock
    database._begin_sqlite = lambda _: None  # type: ignore[assignment]  # the control: no transaction holds the file
    better = bids.must_better_what_stands

    def better_together(*given: Any) -> None:
        better(*given)
        meet()

    bids.must_better_what_stands = better_together


def _no_end() -> None:
    """Take bids by the clock of the request alone, whether or not they have been opened since."""
    read = tables.bidding_of
    tables.bidding_of = lambda now, **given: read(now, **(given | {"bids_opened_at": None}))


def _no_opened() -> None:
    """Take offers by the clock of the request alone, whether or not a run has opened what was there."""
    roundoffers._must_collect = lambda *_: None


def _no_hold() -> None:
    """Hold a round whoever holds it: the condition of the UPDATE is gone."""

    def hold(session: Session, actor: Actor, round_id: int, *, recourse: bool, now: datetime) -> runs.Run:
        with database.transaction(session):
            session.execute(update(Round).where(Round.id == round_id).values(solving_at=now, attempt=Round.attempt + 1))
            of = session.get_one(Round, round_id, populate_existing=True)
        return runs.Run(round_id, of.park_id, of.attempt, recourse)

    runs._hold = hold


def _no_attempt() -> None:
    """Write down what a run found whether or not it is still the newest."""
    runs._mine = lambda run: update(Round).where(Round.id == run.round_id)


def _no_once() -> None:
    """Publish whatever the state; all read before anybody writes."""

    def take(session: Session, of: Round, actor: Actor, now: datetime) -> None:
        meet()
        session.execute(update(Round).where(Round.id == of.id).values(published_at=now, published_by=actor.person_id))

    rounds._take = take
    rounds.must_go = lambda *_: None


SWITCHES: Final[dict[str, Callable[[], None]]] = {
    "counter": _no_counter,
    "lock": _no_lock,
    "ladder": _no_hold_of_the_listing,
    "signing": _no_hold_of_the_award,
    "rules": _no_held_listing,
    "line": _no_held_line,
    "immediate": _no_immediate,
    "opening": _no_opening_lock,
    "sale": _no_hold_of_the_sale,
    "end": _no_end,
    "opened": _no_opened,
    "hold": _no_hold,
    "attempt": _no_attempt,
    "once": _no_once,
    "shipped": _no_shipped_counter,
    "scale": _no_held_scale,
}
"""``counter``: the condition of the UPDATE; ``lock``: the row lock, and on SQLite the transaction; ``ladder``: that,
where awards are let go; ``signing``: that, where both sides sign; ``rules``: that, for which bids and changes of the goods wait; ``line``: that, for which a
lowered capacity waits; ``immediate``: SQLite's BEGIN IMMEDIATE; ``opening``: the lock under which bids are opened;
``sale``: that, under which they are bettered; ``end``: that none is taken once they are; ``opened``: that, of what is handed in to a round; ``hold``: one run
at a time; ``attempt``: a run's number; ``once``: one publication; ``shipped``: the counter of what leaves under a contract; ``scale``: the lock under which tickets are numbered."""
