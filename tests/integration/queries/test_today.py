"""What needs doing today, on both databases: the right tasks, and the same number of SELECTs however many there are."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.errors import NotFound
from marketplace.domain.quantities import Month
from marketplace.persistence.database import transaction
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization
from marketplace.persistence.parks import Park
from marketplace.persistence.rounds import Award
from marketplace.queries.today import TodayPage, today_page
from tests.conftest import counted
from tests.factories import NOON, Make

SHEET = {"loss_on_ignition": "4"}


def page(session: Session, actor: Actor, *, now: datetime = NOON) -> TodayPage:
    session.rollback()
    return today_page(session, actor, month=Month.of(now.date()), now=now)


def said(found: TodayPage) -> list[tuple[str, str, str]]:
    return [(task.kind, str(task.state), task.noun) for task in found.tasks]


def award(
    session: Session,
    listing: Listing,
    line: IntakeLine,
    producer: Organization,
    recycler: Organization,
    **given: object,
) -> Award:
    values = {
        "listing_id": listing.id,
        "line_id": line.id,
        "producer_id": producer.id,
        "recycler_id": recycler.id,
        "kg": 5_000_000,
        "price_fen_per_t": 4000,
        "freight_fen_per_t": 1500,
        "deduction_fen_per_t": 0,
        "great_circle_m": 15_000,
        "road_m": 20_000,
        "explanation": {},
        "awarded_at": NOON,
        "answer_by": NOON + timedelta(days=2, hours=5),
    } | given
    row = Award(**values)
    with transaction(session):
        session.add(row)
    return row


def test_a_question_without_an_answer_waits_for_the_plant_and_after_three_days_for_the_park(
    session: Session, make: Make
) -> None:
    plant = make.organization(recycles=False)
    listing = make.listing(make.stream(make.site(plant), values=SHEET, name="干灰", name_en="Dry ash"))
    recycler = make.organization()
    make.question(listing, recycler, asked_at=NOON)
    make.question(listing, recycler, asked_at=NOON + timedelta(days=1))
    make.question(listing, recycler, "可以。", asked_at=NOON)
    clerk = make.actor(make.person("clerk", organization=plant))
    park = make.actor(make.person("park_administrator", park=session.get_one(Park, plant.park_id)))
    at = NOON + timedelta(days=3)

    def asked(actor: Actor, now: datetime) -> list[tuple[str, dict[str, object]]]:
        tasks = page(session, actor, now=now).tasks
        return [
            (task.kind, dict(task.text.values or {})) for task in tasks if str(task.state) in ("Question", "Unanswered")
        ]

    assert [(kind, values["count"]) for kind, values in asked(clerk, at - timedelta(minutes=1))] == [("wait", 2)]
    assert [(kind, values["count"]) for kind, values in asked(clerk, at)] == [("fail", 2)]
    assert asked(park, at) == []
    overdue = asked(park, at + timedelta(minutes=1))
    assert [(kind, values["days"], values["stream_named"]) for kind, values in overdue] == [
        ("wait", 3, ("干灰", "Dry ash"))
    ]
    closed = NOON + timedelta(days=14)
    assert asked(clerk, closed) == asked(park, closed) == []


def test_a_plant_sees_its_store_fill_up_and_what_its_streams_lack(session: Session, make: Make) -> None:
    plant = make.organization(recycles=False)
    site = make.site(plant)
    make.stream(site, values=SHEET, name="干灰", stock_kg=9_000_000, storage_limit_kg=10_000_000)
    make.stream(site, name="湿灰", created_at=datetime(2026, 6, 1, tzinfo=NOON.tzinfo))
    clerk = make.actor(make.person("clerk", organization=plant))

    found = page(session, clerk, now=datetime(2027, 3, 10, tzinfo=NOON.tzinfo))

    assert [(store.name_zh, store.share, store.days_to_full) for store in found.storages] == [("干灰", 0.9, 3)]
    assert said(found) == [
        ("fail", "Store fills up", "streams"),
        ("wait", "Ledger", "ledger"),
        ("wait", "Lab sheet", "streams"),
    ]
    ledger = found.tasks[1].text.values
    assert ledger == {"count": 2, "first_month": "2027-01"}


def test_months_that_are_entered_are_not_asked_for(session: Session, make: Make) -> None:
    plant = make.organization(recycles=False)
    stream = make.stream(make.site(plant), values=SHEET)
    make.posting(stream, plant, month=Month(2027, 1))
    clerk = make.actor(make.person("clerk", organization=plant))

    found = page(session, clerk, now=datetime(2027, 2, 10, tzinfo=NOON.tzinfo))

    assert said(found) == []


def test_only_one_task_is_red_and_the_most_urgent_one(session: Session, make: Make) -> None:
    plant = make.organization(recycles=False)
    site = make.site(plant)
    make.stream(site, values=SHEET, name="甲", stock_kg=9_000_000, storage_limit_kg=10_000_000)
    make.stream(site, values=SHEET, name="乙", stock_kg=9_900_000, storage_limit_kg=10_000_000)

    found = page(session, make.actor(make.person("clerk", organization=plant)))

    assert [(task.kind, task.text.values["days"]) for task in found.tasks if task.text.values] == [
        ("fail", 0),
        ("wait", 3),
    ]


def test_both_sides_see_the_award_until_they_answer(session: Session, make: Make) -> None:
    plant, works = make.organization(recycles=False), make.organization(produces=False)
    stream = make.stream(make.site(plant), values=SHEET)
    listing, line = make.listing(stream), make.line(make.site(works))
    bid = make.bid(listing, line, works)
    award(session, listing, line, plant, works, bid_id=bid.id, producer_accepted_at=NOON)

    plants = page(session, make.signatory(plant))
    works_page = page(session, make.signatory(works))

    assert said(plants) == []
    assert said(works_page) == [("wait", "To answer", "awards")]
    assert str(works_page.tasks[0].text.values["left"]) == "2 d 5 h left"  # type: ignore[index]
    soon = page(session, make.signatory(works), now=NOON + timedelta(days=2))
    assert said(soon)[0] == ("fail", "Answer soon", "awards")
    late = page(session, make.signatory(works), now=NOON + timedelta(days=3))
    assert [task for task in late.tasks if task.noun == "awards"] == []


@pytest.mark.parametrize("round_given", [{"published_at": None}, {"kind": "planning"}])
def test_nobody_answers_what_is_not_published_or_only_planned(
    session: Session, make: Make, round_given: dict[str, object]
) -> None:
    plant, works = make.organization(recycles=False), make.organization(produces=False)
    listing, line = make.listing(make.stream(make.site(plant), values=SHEET)), make.line(make.site(works))
    published = {"published_at": NOON, "result_sha256": "x"} | round_given
    made = make.round(make.park(), closed_at=NOON, solved_at=NOON, **published)
    price = None if round_given.get("kind") == "planning" else 4000
    award(session, listing, line, plant, works, round_id=made.id, price_fen_per_t=price)

    assert said(page(session, make.signatory(works))) == []


def test_a_weigher_is_not_told_of_awards(session: Session, make: Make) -> None:
    plant, works = make.organization(recycles=False), make.organization(produces=False)
    listing, line = make.listing(make.stream(make.site(plant), values=SHEET)), make.line(make.site(works))
    award(session, listing, line, plant, works, bid_id=make.bid(listing, line, works).id)
    weigher = make.actor(make.person("weigher", organization=works, site=make.site(works)))

    assert said(page(session, weigher)) == []


def test_bids_that_are_in_wait_for_a_decision_and_old_listings_run_out(session: Session, make: Make) -> None:
    plant, works = make.organization(recycles=False), make.organization(produces=False)
    site = make.site(plant)
    decided, runs_out = (make.stream(site, values=SHEET, name=name) for name in ("甲", "乙"))
    listing = make.listing(decided, bids_close_at=NOON - timedelta(hours=1))
    make.bid(listing, make.line(make.site(works)), works, received_at=NOON - timedelta(days=1))
    make.listing(runs_out, expires_at=NOON + timedelta(days=6), bids_close_at=None)

    sealed = page(session, make.signatory(plant))
    make.opened(listing)
    found = page(session, make.signatory(plant))

    assert said(sealed) == [("wait", "To open", "listings"), ("info", "Runs out", "listings")]
    assert said(found) == [("wait", "To award", "listings"), ("info", "Runs out", "listings")]


def test_a_recycler_sees_permits_results_and_what_fits(session: Session, make: Make) -> None:
    works = make.organization(produces=False)
    site = make.site(works)
    over, soon, fine = date(2027, 1, 14), date(2027, 3, 1), date(2027, 3, 17)
    lines = [make.line(site, permit_valid_until=until) for until in (over, soon, fine)]
    make.line(site, permit_verified_at=None)
    listing = make.listing(bids_decided_at=NOON - timedelta(days=1))
    make.bid(listing, lines[0], works)
    make.listing(make.stream(material="coal_gangue", waste_code="900-001-S05"))

    found = page(session, make.signatory(works))

    assert said(found) == [
        ("fail", "Permit", "lines"),
        ("wait", "Permit", "lines"),
        ("info", "Permit", "lines"),
        ("info", "Result", "bids"),
    ]
    assert [(str(count.label), count.count) for count in found.counts] == [
        ("Open listings of what your lines take in", 1)
    ]


def test_a_park_sees_who_waits_and_what_stalls(session: Session, make: Make) -> None:
    park = make.park()
    waiting = make.organization(park_id=park.id, verified_at=None)
    plant = make.organization(park_id=park.id)
    make.line(make.site(plant), permit_verified_at=None)
    old = NOON - timedelta(days=15)
    make.listing(make.stream(make.site(plant)), published_at=old, bids_close_at=None)
    make.listing(make.stream(make.site(plant)), published_at=old)  # that nobody has bid is sealed too
    make.round(park, opened_at=NOON - timedelta(days=9), closes_at=NOON - timedelta(hours=1))
    make.organization(verified_at=None)

    found = page(session, make.administrator(park))

    assert said(found) == [
        ("wait", "Round", "rounds"),
        ("wait", "To verify", "organizations"),
        ("wait", "Permit", "organizations"),
        ("wait", "Stalled", "listings"),
    ]
    assert [task.id for task in found.tasks if str(task.state) == "To verify"] == [waiting.id]
    assert [count.count for count in found.counts] == [1, 2]


def test_the_operator_sees_parks_without_administrators_and_a_missing_worker(session: Session, make: Make) -> None:
    make.park()

    found = page(session, make.actor(make.person("operator")))

    assert said(found) == [("fail", "Worker", "platform"), ("wait", "Park", "platform")]


def test_whoever_is_appointed_to_nothing_is_told_so(session: Session, make: Make) -> None:
    suspended = make.organization(suspended_at=NOON)
    person = make.person("clerk", organization=suspended)

    found = page(session, make.actor(person))

    assert (found.tasks, found.idle, found.suspended) == ((), False, ((suspended.name_zh, suspended.name_en),))
    assert page(session, make.actor(make.person())).idle
    with pytest.raises(NotFound):
        page(session, Actor())


def test_the_number_of_selects_does_not_grow(session: Session, make: Make, engine: Engine) -> None:
    park = make.park()
    firm = make.organization(park_id=park.id)
    actor = make.signatory(firm)
    administrator = make.administrator(park)
    both = Actor(actor.person_id, "both", actor.appointments + administrator.appointments)
    counts = []

    for times in (1, 4):
        for _ in range(times):
            site = make.site(firm)
            listing, line = make.listing(make.stream(site)), make.line(site, permit_verified_at=None)
            make.bid(listing, line, firm)
            make.organization(park_id=park.id, verified_at=None)
            make.round(park)
        session.rollback()
        with counted(engine) as sent:
            page(session, both)
        counts.append(sum(statement.lstrip().upper().startswith("SELECT") for statement in sent))

    assert counts[0] == counts[1]
    assert counts[0] <= 22
