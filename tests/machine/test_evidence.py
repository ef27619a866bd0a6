"""
Lorries of several contracts act at random while the clock moves, plants state months, and a model in plain Python knows what
the ledger must say: after each act every kilogram is where it says, and every invariant holds.

``HUIYONG_MACHINE_STEPS`` asks for more acts than a run of the suite makes.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from marketplace.domain.errors import MarketplaceError
from marketplace.domain.ledger import NOTHING, Figures, MonthFigures
from marketplace.domain.listings import month_at
from marketplace.domain.quantities import Month
from marketplace.domain.tickets import NewTicket
from marketplace.persistence.database import connect, sessions_of
from marketplace.persistence.invariants import broken
from marketplace.queries.ledger import stream_ledger
from marketplace.services import evidence, shipments
from marketplace.services.ledger import state_month
from tests.factories import Make
from tests.integration.services.deeds import IN_MARCH
from tests.integration.services.lorries import Lorries, ticket
from tests.machine.base import acts_wanted

DEALS = 3
ACTS_OF_ONE_WORLD = 60
LAST = Month(2027, 4)

NUMBER = st.integers(0, 10**6)


@dataclass
class Lorry:
    """A lorry as the model has it."""

    id: int
    deal: int
    state: str = "planned"
    out: int = 0
    into: int = 0
    counted: int = 0
    left: Month | None = None
    received: Month | None = None
    used: Month | None = None
    proposed: tuple[str, int] | None = None
    at: datetime | None = None


@dataclass
class Told:
    """What a plant has stated of a month beside its lorries: own use, and what it stored."""

    used: int = 0
    stored: int = 0


@dataclass
class Book:
    """A deal, and what its plant has stated."""

    world: Lorries
    stream_id: int
    months: dict[Month, Told] = field(default_factory=dict)


class Evidence(RuleBasedStateMachine):
    """The acts, each with what the model expects of it."""

    new_database: ClassVar[Callable[[], str]]
    told: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.engine = connect(type(self).new_database())
        self.session = sessions_of(self.engine)()
        self.now = IN_MARCH
        self.lorries: list[Lorry] = []
        self.numbers = itertools.count(1)
        self.books: list[Book] = []
        make = Make(self.session)
        for _ in range(DEALS):
            world = Lorries(make)
            row = world.row(world.first)
            self.books.append(Book(world, row.stream_id))
            self.lorries.append(Lorry(row.id, len(self.books) - 1))
        for place in range(2 * DEALS):  # so that there is something to act on
            self.weigh_out(1, 30_000 + 1000 * place)
            self.plan(place % DEALS)

    def teardown(self) -> None:
        self.session.close()
        self.engine.dispose()

    @contextmanager
    def _expects(self, act: str, *, allowed: bool) -> Iterator[None]:
        """Do an act that the model lets through, or that it knows is refused."""
        refusal = ""
        try:
            yield
        except MarketplaceError as refused:
            self.session.rollback()
            refusal = str(refused)
        assert allowed is not bool(refusal), f"{act}: {refusal or 'was let through'}"
        self.told[f"{act} refused" if refusal else act] += 1

    def _one(self, number: int, *wanted: str) -> tuple[Lorry, Lorries]:
        """Return a lorry, four times of five one with which it can be done, if there is one."""
        fitting = [lorry for lorry in self.lorries if lorry.state in wanted]
        among = fitting if fitting and number % 5 else self.lorries
        lorry = among[number // 5 % len(among)]
        return lorry, self.books[lorry.deal].world

    @rule(hours=st.integers(1, 60))
    def the_clock_moves(self, hours: int) -> None:
        if month_at(self.now + timedelta(hours=hours)) <= LAST:
            self.now += timedelta(hours=hours)

    @rule(deal=st.integers(0, DEALS - 1))
    def plan(self, deal: int) -> None:
        if sum(lorry.state == "planned" for lorry in self.lorries) > DEALS:
            return
        world = self.books[deal].world
        made = world.plan(now=self.now, plate=f"晋F{next(self.numbers) % 90000 + 10000}")
        self.lorries.append(Lorry(made, deal))
        self.told["plan"] += 1

    @rule(number=NUMBER, kg=st.integers(20_000, 40_000))
    def weigh_out(self, number: int, kg: int) -> None:
        lorry, world = self._one(number, "planned")
        with self._expects("weigh out", allowed=lorry.state == "planned"):
            shipments.dispatch(self.session, world.weigher_out, lorry.id, self._ticket(kg), now=self.now)
            lorry.state, lorry.out, lorry.left, lorry.at = "dispatched", kg, month_at(self.now), self.now

    @rule(number=NUMBER, off=st.sampled_from([0, -40, 60, -700, 900]))
    def weigh_in(self, number: int, off: int) -> None:
        lorry, world = self._one(number, "dispatched")
        kg = max(1000, lorry.out + off)
        with self._expects("weigh in", allowed=lorry.state == "dispatched"):
            shipments.arrive(self.session, world.weigher_in, lorry.id, self._ticket(kg), now=self.now)
            lorry.state, lorry.into = "arrived", kg

    @rule(number=NUMBER)
    def receive(self, number: int) -> None:
        lorry, world = self._one(number, "arrived")
        again = lorry.state in ("received", "disputed")
        with self._expects("receive", allowed=lorry.state == "arrived" or again):
            found = shipments.receive(self.session, world.taker, lorry.id, now=self.now)
            if not again:
                lorry.state = "disputed" if abs(lorry.out - lorry.into) * 1000 > 3 * lorry.out else "received"
                if lorry.state == "received":
                    self._count(lorry, lorry.into)
            assert found == lorry.state

    @rule(number=NUMBER, side=st.sampled_from(["producer", "recycler"]), share=st.sampled_from([0, 50, 100, 130]))
    def propose(self, number: int, side: str, share: int) -> None:
        lorry, world = self._one(number, "disputed")
        kg = lorry.out + (lorry.into - lorry.out) * share // 100
        low, high = sorted((lorry.out, lorry.into))
        who = world.seller if side == "producer" else world.taker
        with self._expects("propose", allowed=lorry.state == "disputed" and low <= kg <= high):
            shipments.propose_weight(self.session, who, lorry.id, kg, now=self.now)
            if lorry.proposed is not None and lorry.proposed[0] != side and lorry.proposed[1] == kg:
                lorry.state = "received"
                self._count(lorry, kg)
            else:
                lorry.proposed = (side, kg)

    @rule(number=NUMBER)
    def reject(self, number: int) -> None:
        lorry, world = self._one(number, "arrived")
        with self._expects("reject", allowed=lorry.state in ("arrived", "rejected")):
            shipments.reject(self.session, world.taker, lorry.id, "湿。", now=self.now)
            lorry.state = "rejected"

    @rule(number=NUMBER)
    def take_back(self, number: int) -> None:
        lorry, world = self._one(number, "rejected")
        with self._expects("take back", allowed=lorry.state in ("rejected", "returned")):
            shipments.take_back(self.session, world.seller, lorry.id, now=self.now)
            lorry.state = "returned"

    @rule(number=NUMBER, month=st.sampled_from([Month(2027, 2), Month(2027, 3), LAST, Month(2027, 5)]))
    def use(self, number: int, month: Month) -> None:
        lorry, world = self._one(number, "received")
        fits = lorry.received is not None and lorry.received <= month <= month_at(self.now)
        same = lorry.state == "utilized" and lorry.used == month
        with self._expects("use", allowed=same or (lorry.state == "received" and fits)):
            shipments.use(self.session, world.taker, lorry.id, month, now=self.now)
            lorry.state, lorry.used = "utilized", month

    @rule(number=NUMBER, kg=st.integers(20_000, 40_000))
    def correct_out(self, number: int, kg: int) -> None:
        lorry, world = self._one(number, "disputed", "dispatched")
        under_way = lorry.state in ("dispatched", "arrived", "disputed")
        with self._expects("correct", allowed=under_way):
            stands = shipments.standing_ticket(self.session, lorry.id, "origin")
            self.session.rollback()
            right = ticket(
                stands.number if stands else "none", kg, at=lorry.at or self.now, key=f"right-key-{next(self.numbers)}",
                reason="录错。",
            )  # fmt: skip
            shipments.correct_ticket(self.session, world.weigher_out, lorry.id, "origin", right, now=self.now)
            lorry.out = kg
            if lorry.state == "disputed" and abs(kg - lorry.into) * 1000 <= 3 * kg:
                lorry.state = "received"
                self._count(lorry, lorry.into)

    @rule(deal=st.integers(0, DEALS - 1), back=st.integers(0, 1), used=st.integers(0, 9), stored=st.integers(0, 9))
    def state(self, deal: int, back: int, used: int, stored: int) -> None:
        book, month = self.books[deal], month_at(self.now).plus(-back)
        own = Told(used * 1000, stored * 1000)
        lorries = self._moved(deal, month)
        figures = lorries + Figures(generated_kg=own.used + own.stored, utilized_kg=own.used, stored_kg=own.stored)
        with self._expects("state", allowed=lorries.stored_kg + own.stored >= 0):
            new = MonthFigures(stream_id=book.stream_id, month=month, figures=figures, reason="月报。")
            state_month(self.session, book.world.seller, new, now=self.now)
            book.months[month] = own

    @invariant()
    def every_kilogram_is_where_it_says(self) -> None:
        for deal, book in enumerate(self.books):
            self.session.rollback()
            page = stream_ledger(self.session, book.world.seller, book.stream_id, 2027, now=self.now)
            for row in page.stream.months:
                own = book.months.get(row.month, Told())
                stated = Figures(generated_kg=own.used + own.stored, utilized_kg=own.used, stored_kg=own.stored)
                assert row.figures == self._moved(deal, row.month) + stated, (deal, str(row.month))
            assert page.stream.total.closes
            rate = page.stream.rate
            assert rate is None or 0 <= rate <= 1
        assert [(each.invariant.code, each.places) for each in broken(self.session)] == []
        self.session.rollback()

    def _count(self, lorry: Lorry, kg: int) -> None:
        lorry.counted, lorry.received, lorry.proposed = kg, month_at(self.now), None

    def _moved(self, deal: int, month: Month) -> Figures:
        """Return what the lorries of a deal moved in a month, from the model alone."""
        found, carried = NOTHING, Counter[Month]()
        for lorry in self.lorries:
            if lorry.deal != deal or lorry.left is None or lorry.state == "returned":
                continue
            kg = lorry.counted or lorry.out
            if lorry.left == month:
                found += Figures(generated_kg=kg, stored_kg=kg)
            if lorry.used == month and lorry.left == month:
                found += Figures(utilized_kg=kg, stored_kg=-kg)
            elif lorry.used == month:
                found += Figures(utilized_kg=kg, utilized_from_stock_kg=kg)
                carried[lorry.left] += kg
        return found + Figures(carried=tuple(sorted(carried.items())))

    def _ticket(self, kg: int) -> NewTicket:
        number = next(self.numbers)
        return ticket(f"T{number}", kg, at=self.now, key=f"random-key-{number}")


def _run(empty: Path, folder: Path, acts: int) -> Counter[str]:
    numbers = itertools.count()

    def new() -> str:
        file = folder / f"evidence{next(numbers)}.db"
        shutil.copy(empty, file)
        return f"sqlite:///{file}"

    Evidence.new_database, Evidence.told = staticmethod(new), Counter()
    run_state_machine_as_test(
        Evidence,
        settings=settings(
            max_examples=max(1, acts // ACTS_OF_ONE_WORLD),
            stateful_step_count=ACTS_OF_ONE_WORLD,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.generate, Phase.shrink) if os.environ.get("HUIYONG_MACHINE_SHRINK") else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
    return Evidence.told


def test_whatever_lorries_do_the_ledger_says_where_every_kilogram_is(empty_sqlite: Path, tmp_path: Path) -> None:
    told = _run(empty_sqlite, tmp_path, acts_wanted(600))

    done = {act for act in told if "refused" not in act}
    assert done >= {"plan", "weigh out", "weigh in", "receive", "use", "state", "correct"}, told


def test_a_ledger_that_does_not_follow_is_found(
    empty_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what is received with another weight is not taken back in the ledger."""
    post = evidence.post_sent

    def forgets(*given: object, **named: object) -> None:
        if named.get("evidence") != "both_ends":
            post(*given, **named)  # type: ignore[arg-type]  # handed on as it came

    monkeypatch.setattr(shipments, "post_sent", forgets)
    with pytest.raises(AssertionError):
        _run(empty_sqlite, tmp_path, 600)
