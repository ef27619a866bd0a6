"""What of the lines of a park is committed: exact, over all producers, without prices, in few SELECTs, for its park alone."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Appointed
from marketplace.domain.capacities import LoweredCapacity
from marketplace.domain.commitments import Capacity
from marketplace.domain.errors import NotAllowed, NotFound
from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.organizations import Organization
from marketplace.persistence.parks import Park
from marketplace.persistence.rounds import Contract
from marketplace.queries.commitments import commitment_page, commitments_page, over_committed
from marketplace.services.awarding import award_bid
from marketplace.services.capacities import lower_capacity
from tests.conftest import counted
from tests.factories import NOON, Make, accept

LATER = NOON + timedelta(days=15)
FEBRUARY = Month(2027, 2)
T = 1000


class Region:
    """A park with a works and a plant, and another park with both."""

    def __init__(self, make: Make) -> None:
        self.make, self.session = make, make.session
        self.park, self.other = make.park(name_en="Here"), make.park(name_en="There")
        self.works, self.line = self.recycler(self.park)
        self.works_away, self.line_away = self.recycler(self.other)
        self.plant = make.organization(park_id=self.park.id, recycles=False)
        self.plant_away = make.organization(park_id=self.other.id, recycles=False)
        self.administrator = make.administrator(self.park)

    def recycler(self, park: Park, **line: Any) -> tuple[Organization, IntakeLine]:
        recycler = self.make.organization(park_id=park.id, produces=False)
        return recycler, self.make.line(self.make.site(recycler), **line)

    def award(
        self, plant: Organization, works: Organization, line: IntakeLine, kg: int, *, signed: bool = False
    ) -> int:
        make = self.make
        listing = make.listing(make.stream(make.site(plant), values={"moisture": "0.4"}), kg_per_month=kg)
        bid = make.bid(listing, line, works, kg_per_month=kg)
        make.opened(listing)
        seller = make.signatory(plant)
        award_id = award_bid(self.session, seller, bid.id, kg, now=LATER)
        if signed:
            for side in (seller, make.signatory(works)):
                accept(self.session, side, award_id, now=LATER)
        return award_id

    def lower(self, line: IntakeLine, month: int) -> None:
        new = LoweredCapacity(capacity_kg_per_month=month, capacity_kg_per_year=100_000 * T, because="停一台磨。")
        lower_capacity(self.session, self.administrator, line.id, new, now=LATER)


@pytest.fixture
def region(make: Make) -> Region:
    return Region(make)


def test_what_all_producers_send_stands_in_one_sum(region: Region) -> None:
    region.award(region.plant, region.works, region.line, 6_000 * T, signed=True)
    region.award(region.plant_away, region.works, region.line, 3_000 * T)

    page = commitments_page(region.session, region.administrator, region.park.id, first=FEBRUARY, now=LATER)

    (line,) = page.lines
    assert (page.month, page.months[-1]) == (FEBRUARY, Month(2028, 1))
    assert line.at(FEBRUARY) == Capacity(20_000 * T, 3_000 * T, 6_000 * T)
    assert line.at(Month(2027, 5)) == Capacity(20_000 * T, 0, 0)
    assert line.committed.years == (
        (2027, Capacity(240_000 * T, 9_000 * T, 18_000 * T)),
        (2028, Capacity(240_000 * T, 0, 0)),
    )
    assert line.committed.free_kg(FEBRUARY) == 11_000 * T
    assert (page.over, page.uncovered, page.outside) == (0, 0, ())


def test_a_line_outside_is_known_by_what_the_own_plants_send(region: Region) -> None:
    region.award(region.plant, region.works_away, region.line_away, 4_000 * T, signed=True)
    region.award(region.plant_away, region.works_away, region.line_away, 7_000 * T)

    page = commitments_page(region.session, region.administrator, region.park.id, first=FEBRUARY, now=LATER)

    (other,) = page.outside
    assert (other.line_id, other.at(FEBRUARY)) == (region.line_away.id, Capacity(0, 0, 4_000 * T))
    assert other.ahead == Capacity(0, 0, 12_000 * T)
    alone = commitment_page(region.session, region.administrator, region.park.id, region.line_away.id, now=LATER)
    assert alone.line is None
    assert [(held.producer_zh, held.kg) for held in alone.held] == [(region.plant.name_zh, 12_000 * T)]
    assert not alone.may_lower


def test_over_committed_lines_come_first_then_those_without_a_permit(region: Region) -> None:
    _, empty = region.recycler(region.park)
    ends, expiring = region.recycler(region.park, permit_valid_until=date(2027, 4, 30))
    full, fullest = region.recycler(region.park)
    region.award(region.plant, region.works, region.line, 6_000 * T)
    region.award(region.plant, ends, expiring, 5_000 * T)
    region.award(region.plant, full, fullest, 20_000 * T)
    region.session.get_one(IntakeLine, expiring.id).permit_valid_until = date(2027, 3, 31)
    region.session.commit()
    region.lower(region.line, 4_500 * T)

    page = commitments_page(region.session, region.administrator, region.park.id, now=LATER)

    assert [line.line_id for line in page.lines] == [region.line.id, expiring.id, fullest.id, empty.id]
    assert page.lines[0].committed.over_months == tuple((Month(2027, number), 1_500 * T) for number in (2, 3, 4))
    assert page.lines[0].committed.free_kg(FEBRUARY) == 0
    assert page.lines[1].committed.uncovered == ((Month(2027, 4), 5_000 * T),)
    assert (page.over, page.uncovered) == (1, 1)


def test_a_line_is_drilled_down_to_its_contracts_without_a_price(region: Region) -> None:
    region.award(region.plant, region.works, region.line, 6_000 * T, signed=True)
    waiting = region.award(region.plant_away, region.works, region.line, 3_000 * T)

    page = commitment_page(region.session, region.administrator, region.park.id, region.line.id, now=LATER)

    contract = region.session.query(Contract).one()
    assert [(each.contract_number, each.award_id, each.producer_zh, each.kg) for each in page.held] == [
        (contract.number, contract.award_id, region.plant.name_zh, 18_000 * T),
        (None, waiting, region.plant_away.name_zh, 9_000 * T),
    ]
    assert page.held[0].months == tuple((Month(2027, number), 6_000 * T) for number in (2, 3, 4))
    assert page.may_lower
    assert not [name for name in _names(page) if "price" in name or "fen" in name]


def _names(thing: object) -> list[str]:
    if isinstance(thing, tuple):
        return [name for each in thing for name in _names(each)]
    if not is_dataclass(thing):
        return []
    return [name for each in fields(thing) for name in (each.name, *_names(getattr(thing, each.name)))]


def test_what_was_declined_or_belongs_to_nobody_here_is_not_there(region: Region) -> None:
    region.award(region.plant_away, region.works_away, region.line_away, 4_000 * T)

    page = commitments_page(region.session, region.administrator, region.park.id, now=LATER)

    assert [line.line_id for line in page.lines] == [region.line.id]
    assert page.outside == ()
    for line_id in (region.line_away.id, 2**31 - 1):
        with pytest.raises(NotFound):
            commitment_page(region.session, region.administrator, region.park.id, line_id, now=LATER)


def test_only_the_park_and_an_auditor_see_it(region: Region) -> None:
    strangers = (
        region.make.administrator(region.other),
        region.make.signatory(region.works),
        region.make.signatory(region.plant),
    )

    for actor in strangers:
        with pytest.raises(NotFound):
            commitments_page(region.session, actor, region.park.id, now=LATER)
        with pytest.raises(NotFound):
            commitment_page(region.session, actor, region.park.id, region.line.id, now=LATER)
    auditor = Actor(1, "auditor", (Appointed("auditor"),))
    assert len(commitments_page(region.session, auditor, region.park.id, now=LATER).lines) == 1
    with pytest.raises(NotFound):
        commitments_page(region.session, auditor, 2**31 - 1, now=LATER)


def test_who_administers_the_park_sees_the_own_line_and_does_not_lower_it(region: Region) -> None:
    signs = region.make.signatory(region.works)
    both = Actor(signs.person_id, "both", signs.appointments + region.administrator.appointments)

    page = commitments_page(region.session, both, region.park.id, now=LATER)

    assert [line.line_id for line in page.lines] == [region.line.id]
    assert not commitment_page(region.session, both, region.park.id, region.line.id, now=LATER).may_lower
    new = LoweredCapacity(capacity_kg_per_month=1, capacity_kg_per_year=1, because="停一台磨。")
    with pytest.raises(NotAllowed):
        lower_capacity(region.session, both, region.line.id, new, now=LATER)


def test_a_retired_line_stays_while_something_is_committed(region: Region) -> None:
    _, idle = region.recycler(region.park)
    region.award(region.plant, region.works, region.line, 6_000 * T, signed=True)
    for line in (region.line, idle):
        region.session.get_one(IntakeLine, line.id).retired_at = LATER
    region.session.commit()

    page = commitments_page(region.session, region.administrator, region.park.id, now=LATER)

    assert [line.line_id for line in page.lines] == [region.line.id]
    assert page.lines[0].committed.free_kg(FEBRUARY) == 0


def test_a_month_that_is_past_is_shown_as_this_one(region: Region) -> None:
    page = commitments_page(region.session, region.administrator, region.park.id, first=Month(2020, 1), now=LATER)

    assert page.month == Month(2027, 1)


def test_the_day_begins_with_what_is_over_committed(region: Region) -> None:
    region.award(region.plant, region.works, region.line, 6_000 * T)
    people = region.administrator, region.make.signatory(region.works)
    stranger = region.make.administrator(region.other)
    assert [list(over_committed(region.session, actor, now=LATER)) for actor in people] == [[], []]

    region.lower(region.line, 4_500 * T)

    for actor in people:
        (task,) = over_committed(region.session, actor, now=LATER)
        assert (task.kind, task.noun, task.id) == ("fail", "lines", region.line.id)
        assert isinstance(task.text, Sentence)
        assert (task.text.values or {})["over_kg"] == 1_500 * T
    assert list(over_committed(region.session, stranger, now=LATER)) == []


def test_the_number_of_selects_does_not_grow(region: Region, session: Session, engine: Engine) -> None:
    counts = []
    park_id = region.park.id
    for _ in range(2):
        works, line = region.recycler(region.park)
        away, line_away = region.recycler(region.other)
        region.award(region.plant, works, line, 1_000 * T)
        region.award(region.plant, away, line_away, 1_000 * T)
        line_id = line.id
        session.rollback()
        with counted(engine) as sent:
            commitments_page(session, region.administrator, park_id, now=LATER)
            listed = len(sent)
            commitment_page(session, region.administrator, park_id, line_id, now=LATER)
        selects = [statement.lstrip().upper().startswith("SELECT") for statement in sent]
        counts.append((sum(selects[:listed]), sum(selects[listed:])))

    assert counts == [(5, 7), (5, 7)]
