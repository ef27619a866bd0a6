"""Acts of the park and of those who keep lines: rounds, suspensions, capacities."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy import select

from marketplace.domain.actors import SYSTEM
from marketplace.domain.capacities import LoweredCapacity
from marketplace.domain.errors import Conflict
from marketplace.domain.lines import NewLine
from marketplace.domain.listings import month_at
from marketplace.domain.rounds import NewRound
from marketplace.persistence.database import sessions_of
from marketplace.persistence.rounds import Award
from marketplace.services.capacities import lower_capacity
from marketplace.services.lines import edit_line
from marketplace.services.organizations import resume, suspend
from marketplace.services.permits import verify_permit
from marketplace.services.rounds import close_round, open_round, publish_round, run_round, settle_due, void_round
from marketplace.solver.engines import engine
from tests.factories import SEALER
from tests.machine.base import DAY
from tests.machine.selling import NUMBER, Selling


class Governing(Selling):
    """What the park's administrator does, and a recycler with its line."""

    def _round(self, number: int, *states: str) -> int | None:
        now = self.states()
        fit = [each for each in self.rounds if now["round", each] in states]
        found: int | None = self.pick(number, fit, self.rounds)
        return found

    @rule(
        objective=st.sampled_from(("utilization", "surplus")),
        kind=st.sampled_from(("market", "market", "market", "planning")),
        first=st.integers(1, 6),
        days=st.integers(1, 3),
        stranger=NUMBER,
    )
    def open_round(self, objective: str, kind: str, first: int, days: int, stranger: int) -> None:
        if len(self.rounds) > 3:
            return
        month = month_at(self.now).plus(first)
        new = NewRound(
            park_id=self.park_id,
            kind=kind,  # type: ignore[arg-type]
            objective=objective if kind == "market" else "utilization",  # type: ignore[arg-type]
            first_month=month,
            last_month=month.plus(3),
            opens_at=self.now,
            closes_at=self.now + days * DAY,
            answers_until=self.now + days * DAY + 5 * DAY,
            max_km=200,
            circuity=Decimal("1.3"),
        )
        made = self.act(
            "open round",
            lambda actor: open_round(self.session, actor, new, now=self.now),
            self.actor(self.administrator),
            expect=True,
            stranger=stranger,
        )
        if made is not None:
            self.rounds.append(made)

    @precondition(lambda self: bool(self.rounds))
    @rule(number=NUMBER, stranger=NUMBER)
    def close_round(self, number: int, stranger: int) -> None:
        round_id = self._round(number, "collecting")
        if round_id is not None:
            self.act(
                "close round",
                lambda actor: close_round(self.session, actor, round_id, now=self.now),
                self.actor(self.administrator),
                expect=self.states()["round", round_id] == "collecting",
                stranger=stranger,
                again=True,
            )

    @precondition(lambda self: bool(self.rounds))
    @rule(number=NUMBER, recourse=st.booleans())
    def run(self, number: int, recourse: bool) -> None:
        round_id = self._round(number, "published" if recourse else "closed")
        if round_id is None:
            return
        state = self.states()["round", round_id]
        expect = None if state in (("published",) if recourse else ("closed", "solved")) else False

        def run_it(actor: object) -> bool:
            self.session.close()
            run_round(
                sessions_of(self.engine),
                actor,  # type: ignore[arg-type]
                round_id,
                engine=engine("scipy"),
                engine_name="scipy",
                sealer=SEALER,
                recourse=recourse,
                now=lambda: self.now,
            )
            return True

        if expect is None:  # it may fail for want of a plan, which is written down as the reason
            try:
                run_it(self.actor(self.administrator))
            except Conflict:
                self.told["recourse" if recourse else "run round", "refused"] += 1
            else:
                self.told["recourse" if recourse else "run round", "done"] += 1
            self.absorb()
        else:
            self.act("run out of turn", run_it, self.actor(self.administrator), expect=False)

    @precondition(lambda self: bool(self.rounds))
    @rule(number=NUMBER, stranger=NUMBER)
    def publish_round(self, number: int, stranger: int) -> None:
        round_id = self._round(number, "solved")
        if round_id is None:
            return
        before = len(self.deals)
        solved = self.states()["round", round_id] == "solved"

        def publish_it(actor: object) -> bool:
            try:
                publish_round(self.session, actor, round_id, now=self.now)  # type: ignore[arg-type]
            except Conflict as refusal:
                if "has been sold since" in str(refusal):  # then it is closed again, with the reason
                    return False
                raise
            return True

        self.act(
            "publish round",
            publish_it,
            self.actor(self.administrator),
            expect=None if solved else False,
            stranger=stranger,
            again=True,
        )
        if not solved:
            assert len(self.deals) == before

    @precondition(lambda self: bool(self.rounds))
    @rule(number=NUMBER, sure=st.integers(0, 3), stranger=NUMBER)
    def void(self, number: int, sure: int, stranger: int) -> None:
        round_id = self._round(number, "collecting", "solved", "published")
        if round_id is None or sure:
            return
        mine = self.session.scalars(select(Award.id).where(Award.round_id == round_id)).all()
        self.session.rollback()
        voided = self.act(
            "void round",
            lambda actor: void_round(self.session, actor, round_id, "计量设备故障。", now=self.now) or True,
            self.actor(self.administrator),
            expect=False if any(len(self.deals[each].accepted) == 2 for each in mine if each in self.deals) else None,
            stranger=stranger,
            again=True,
        )
        if voided:
            for each in mine:
                if each in self.deals:
                    self.deals[each].over = True

    @precondition(lambda self: bool(self.rounds))
    @rule(number=st.integers(0, 2))
    def settle(self, number: int) -> None:
        if number:
            return
        self.act("settle", lambda _: settle_due(self.session, self.now) or True, SYSTEM, expect=True, again=True)

    @rule(number=NUMBER, stranger=NUMBER)
    def suspend(self, number: int, stranger: int) -> None:
        firms = [*self.producers, *self.recyclers]
        firm = firms[number % len(firms)]
        if number % 3:
            return
        done = self.act(
            "suspend",
            lambda actor: suspend(self.session, actor, firm, "许可证复核。", now=self.now) or True,
            self.actor(self.administrator),
            expect=firm not in self.suspended,
            stranger=stranger,
            again=True,
        )
        if done:
            self.suspended.add(firm)

    @precondition(lambda self: bool(self.suspended))
    @rule(number=NUMBER, stranger=NUMBER)
    def resume(self, number: int, stranger: int) -> None:
        firm = self.pick(number, sorted(self.suspended), [*self.producers, *self.recyclers])
        done = self.act(
            "resume",
            lambda actor: resume(self.session, actor, firm, now=self.now) or True,
            self.actor(self.administrator),
            expect=firm in self.suspended,
            stranger=stranger,
            again=True,
        )
        if done:
            self.suspended.discard(firm)

    @rule(number=NUMBER, capacity=st.integers(1, 7), stranger=NUMBER)
    def change_capacity(self, number: int, capacity: int, stranger: int) -> None:
        """Change what a line takes: refused where more is committed from this month on."""
        line_id = list(self.lines)[number % len(self.lines)]
        firm, kg = self.lines[line_id], capacity * 1_000_000
        new = NewLine(
            site_id=self.line_site[line_id],
            name=self.names[line_id],
            route="cement_admixture",
            materials=(("fly_ash", 6000),),
            capacity_kg_per_month=kg,
            capacity_kg_per_year=60_000_000,
            permit_no="PWX-TEST",
            permit_valid_until=date(2029, 12, 31),
        )
        held: dict[object, int] = {}
        for deal in self.deals.values():
            if deal.line == line_id and not deal.over:
                for month, part in deal.months.items():
                    if month >= month_at(self.now + timedelta(hours=-8)):
                        held[month] = held.get(month, 0) + part
        done = self.act(
            "change capacity",
            lambda actor: edit_line(self.session, actor, line_id, new, now=self.now) or True,
            self.of(firm),
            expect=firm not in self.suspended and (kg >= self.capacity[line_id] or max(held.values(), default=0) <= kg),
            stranger=stranger,
        )
        if done:
            if kg > self.capacity[line_id]:
                self.unverified.add(line_id)
            self.capacity[line_id] = kg
            if number % 4:
                self.verify(number, stranger)

    @precondition(lambda self: bool(self.unverified))
    @rule(number=NUMBER, stranger=NUMBER)
    def verify(self, number: int, stranger: int) -> None:
        """The park verifies a line whose capacity was raised."""
        line_id = self.pick(number, sorted(self.unverified), self.lines)
        done = self.act(
            "verify",
            lambda actor: verify_permit(self.session, actor, line_id, now=self.now) or True,
            self.actor(self.administrator),
            expect=line_id in self.unverified,
            stranger=stranger,
        )
        if done:
            self.unverified.discard(line_id)

    @rule(number=NUMBER, capacity=st.integers(1, 7), stranger=NUMBER)
    def lower_capacity(self, number: int, capacity: int, stranger: int) -> None:
        """The park states that a line takes less, whatever is committed."""
        line_id = list(self.lines)[number % len(self.lines)]
        kg = capacity * 1_000_000
        new = LoweredCapacity(capacity_kg_per_month=kg, capacity_kg_per_year=60_000_000, because="磨机检修。")
        if number % 3:
            return
        done = self.act(
            "lower capacity",
            lambda actor: lower_capacity(self.session, actor, line_id, new, now=self.now) or True,
            self.actor(self.administrator),
            expect=kg < self.capacity[line_id],
            stranger=stranger,
        )
        if done:
            self.capacity[line_id] = kg
