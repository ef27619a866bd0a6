"""What if: asked of the frozen files of a run, on both databases; nothing is written, and nobody else may ask."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from marketplace.domain.errors import Conflict, Invalid, NotFound
from marketplace.domain.places import Point
from marketplace.domain.whatif import (
    Drier,
    LineMore,
    ListingMore,
    Moved,
    PairDeclined,
    Question,
    RadiusWider,
    RoomMore,
    TooLarge,
)
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.rounds import RoundFile
from marketplace.queries.whatif import told, whatif_page
from marketplace.services import whatif
from marketplace.services.whatif import ask
from tests.factories import Make
from tests.integration.services.rounds_world import AFTER, World, published, solve, world


def full(make: Make) -> World:
    """Return a park whose plants offer 21,000 t a month for a line with room for 20,000."""
    made = world(make)
    made.plant(kg_per_month=16_000_000)
    return made


def questions(made: World) -> dict[str, tuple[Question, int]]:
    """Return each question with how many kilograms more it moves in three months."""
    here = Point(40_150_000, 113_400_000)
    return {
        "room": (RoomMore(made.lines[0].id, 500_000), 1_500_000),
        "line": (LineMore(here, "140202", ("fly_ash",), 2_000_000), 3_000_000),
        "radius": (RadiusWider(10), 0),
        "moisture": (Drier(made.listings[0].id, Decimal("0.1")), 0),
        "listing": (ListingMore(made.listings[0].id, 1_000_000), 0),
        "declined": (PairDeclined(made.listings[1].id, made.lines[0].id), -45_000_000),
    }


@pytest.mark.parametrize("name", ["room", "line", "radius", "moisture", "listing", "declined"])
def test_a_question_is_answered_and_writes_nothing(session: Session, make: Make, name: str) -> None:
    made = full(make)
    of = made.round()
    published(session, made, of)
    question, more_kg = questions(made)[name]
    before = [session.scalar(select(func.count()).select_from(table)) for table in (RoundFile, AuditRow)]

    found = ask(session, made.administrator, of.id, question, now=AFTER)

    assert (found.before_kg, found.after_kg - found.before_kg) == (60_000_000, more_kg)
    assert [session.scalar(select(func.count()).select_from(table)) for table in (RoundFile, AuditRow)] == before


def test_a_result_that_waits_to_be_published_is_asked_too(session: Session, make: Make) -> None:
    made = full(make)
    of = made.round()
    solve(session, made.administrator, of)

    found = ask(session, made.administrator, of.id, RoomMore(made.lines[0].id, 500_000), now=AFTER)

    assert found.after_kg - found.before_kg == 1_500_000


def test_a_wider_radius_reaches_lines_that_the_round_did_not_read(session: Session, make: Make) -> None:
    """Given a line 22 km away and a round of 5 km; when it reaches 30 km further; then the line takes all."""
    made = world(make)
    of = made.round(max_m=5_000)
    published(session, made, of)

    near = ask(session, made.administrator, of.id, RadiusWider(1), now=AFTER)
    far = ask(session, made.administrator, of.id, RadiusWider(30), now=AFTER)

    assert (near.after_kg, far.before_kg, far.after_kg) == (0, 0, 15_000_000)
    rows = told(session, far).rows
    assert [(row.lot and row.lot.id, row.line and row.line.id) for row in rows] == [
        (made.listings[0].id, made.lines[0].id)
    ]


def test_what_was_sold_since_does_not_change_the_comparison(session: Session, make: Make) -> None:
    """Given a published round, whose tonnes are reserved; the answer still speaks of the round as it was frozen."""
    made = world(make)
    of = made.round()
    published(session, made, of)
    session.execute(update(IntakeLine).values(retired_at=AFTER))
    session.commit()

    found = ask(session, made.administrator, of.id, ListingMore(made.listings[0].id, 5_000_000), now=AFTER)

    assert found.after_kg - found.before_kg == 15_000_000
    assert found.moved == (Moved(None, made.lines[0].id, 0, 15_000_000),)


def test_nobody_else_may_ask(session: Session, make: Make) -> None:
    made = full(make)
    of = made.round()
    published(session, made, of)
    others = (
        make.administrator(make.park()),
        make.actor(make.person("signatory", organization=made.plants[0])),
        make.actor(make.person("operator")),
    )
    round_id = of.id

    for who in others:
        with pytest.raises(NotFound):
            ask(session, who, round_id, RoomMore(made.lines[0].id, 1000), now=AFTER)
        with pytest.raises(NotFound):
            whatif_page(session, who, round_id, now=AFTER)
    with pytest.raises(NotFound):
        ask(session, made.administrator, round_id + 100, RoomMore(made.lines[0].id, 1000), now=AFTER)


def test_a_round_without_an_answer_has_none(session: Session, make: Make) -> None:
    made = full(make)
    of = made.round()

    page = whatif_page(session, made.administrator, of.id, now=AFTER)

    assert (page.answered, page.lots) == (False, ())
    with pytest.raises(Conflict):
        ask(session, made.administrator, of.id, RoomMore(made.lines[0].id, 1000), now=AFTER)


def test_a_round_for_the_greatest_surplus_is_not_asked(session: Session, make: Make) -> None:
    made = full(make)
    of = made.round(objective="surplus")
    published(session, made, of)

    page = whatif_page(session, made.administrator, of.id, now=AFTER)

    assert (page.answered, page.lots, page.lines, page.contracts) == (True, (), (), ())
    with pytest.raises(Invalid):
        ask(session, made.administrator, of.id, RoomMore(made.lines[0].id, 1000), now=AFTER)


def test_a_round_that_is_too_large_is_not_read(session: Session, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    made = full(make)
    of = made.round()
    published(session, made, of)
    monkeypatch.setattr(whatif, "MOST_CHARACTERS", 100)

    with pytest.raises(TooLarge):
        ask(session, made.administrator, of.id, RoomMore(made.lines[0].id, 1000), now=AFTER)


def test_the_page_offers_what_takes_part(session: Session, make: Make) -> None:
    made = full(make)
    of = made.round()
    published(session, made, of)

    page = whatif_page(session, made.administrator, of.id, now=AFTER)

    assert {each.id for each in page.lots} == {each.id for each in made.listings}
    assert [each.id for each in page.lines] == [made.lines[0].id]
    assert [(each.lot.id, each.kg) for each in page.contracts] == [
        (made.listings[1].id, 45_000_000),
        (made.listings[0].id, 15_000_000),
    ]
    assert page.materials == ("fly_ash",)
