"""The park's page on both databases: exact, the same as a count by hand, and in few SELECTs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from marketplace.domain.errors import Invalid, NotFound
from marketplace.domain.ledger import Figures
from marketplace.domain.quantities import Month
from marketplace.domain.utilization import Gap, in_scope
from marketplace.persistence.database import transaction
from marketplace.persistence.ledger import Posting
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.parks import Park
from marketplace.persistence.rounds import Award, AwardMonth, Round
from marketplace.persistence.streams import WasteStream
from marketplace.queries.parks import park_page
from marketplace.queries.postings import Wanted, postings_page
from tests.conftest import counted
from tests.factories import NOON, Make
from tests.unit.domain.test_ledger import figures

DECEMBER = Month(2026, 12)


def post(
    session: Session, make: Make, stream: WasteStream, organization: Organization, month: Month, each: Figures
) -> None:
    with transaction(session):
        session.add_all(
            Posting(
                organization_id=organization.id,
                site_id=stream.site_id,
                stream_id=stream.id,
                material=stream.material,
                waste_code=stream.waste_code,
                month=month,
                debit=debit,
                credit=credit,
                kg=kg,
                posted_at=NOON,
            )
            for (debit, credit), kg in each.by_pair().items()
            if kg
        )


def plant(make: Make, park: Park, **given: object) -> tuple[Organization, WasteStream]:
    organization = make.organization(park_id=park.id)
    return organization, make.stream(make.site(organization), **given)  # type: ignore[arg-type]


def award(
    session: Session, make: Make, park: Park, stream: WasteStream, months: Iterable[Month], kg: int, **given: object
) -> Award:
    recycler = make.organization()
    line = make.line(make.site(recycler))
    listing = make.listing(stream)
    site = session.get_one(Site, stream.site_id)
    opened = make.round(park, published_at=NOON, result_sha256="0" * 64, closed_at=NOON)
    kept = list(months)
    values = {
        "round_id": opened.id,
        "listing_id": listing.id,
        "line_id": line.id,
        "producer_id": site.organization_id,
        "recycler_id": recycler.id,
        "kg": kg * len(kept),
        "price_fen_per_t": 100,
        "freight_fen_per_t": 100,
        "deduction_fen_per_t": 0,
        "great_circle_m": 1000,
        "road_m": 1300,
        "explanation": {},
        "awarded_at": NOON,
        "answer_by": NOON + timedelta(days=7),
    }
    made = Award(**(values | given))
    with transaction(session):
        session.add(made)
        session.flush()
        session.add_all(AwardMonth(award_id=made.id, month=month, kg=kg) for month in kept)
    return made


def test_the_page_says_the_rate_the_gap_and_what_makes_them(session: Session, make: Make) -> None:
    park = make.park()
    first, ash = plant(make, park)
    second, slag = plant(make, park, material="bf_slag", waste_code="SW01")
    post(session, make, ash, first, DECEMBER,
         Figures(generated_kg=1000, utilized_kg=450, utilized_from_stock_kg=50, stored_kg=500, disposed_kg=100))  # fmt: skip
    post(session, make, slag, second, Month(2026, 11), Figures(generated_kg=500, utilized_kg=300, stored_kg=200))

    page = park_page(session, make.administrator(park), park.id, now=NOON)

    assert (page.period.first, page.period.last, page.period.scope) == (Month(2026, 1), DECEMBER, "bulk")
    assert page.total == Figures(
        generated_kg=1500, utilized_kg=750, utilized_from_stock_kg=50, stored_kg=700, disposed_kg=100
    )
    assert page.rate == Decimal(750) / 1550
    assert page.gap == Gap(134, 311)
    assert page.total.closes
    assert [(row.material, row.figures.generated_kg, row.plants) for row in page.materials] == [
        ("fly_ash", 1000, 1),
        ("bf_slag", 500, 1),
    ]
    assert [(row.organization_id, row.rate, row.latest) for row in page.plants] == [
        (first.id, Decimal(450) / 1050, DECEMBER),
        (second.id, Decimal("0.6"), Month(2026, 11)),
    ]
    assert [row.rate for row in page.months[-2:]] == [Decimal("0.6"), Decimal(450) / 1050]
    assert page.evidence == (("declared", 750),)
    assert page.forecast is None
    assert (page.tasks.plants, page.tasks.late) == (2, 1)


def test_by_products_other_parks_and_codes_out_of_scope_do_not_count(session: Session, make: Make) -> None:
    park = make.park()
    organization, ash = plant(make, park)
    _, sold = plant(make, park, legal_status="by_product")
    _, scrap = plant(make, park, material="scrap_steel", waste_code="SW17")
    elsewhere, other = plant(make, make.park())
    each = Figures(generated_kg=100, utilized_kg=40, stored_kg=60)
    for stream, owner in ((ash, organization), (sold, organization), (scrap, organization), (other, elsewhere)):
        post(session, make, stream, owner, DECEMBER, each)
    administrator = make.administrator(park)

    bulk = park_page(session, administrator, park.id, now=NOON)
    everything = park_page(session, administrator, park.id, scope="all", now=NOON)

    assert bulk.total == each
    assert everything.total == each + each


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2), st.sampled_from(["900-001-S02", "SW17", "060-001-S04"]), st.integers(1, 12), figures()
        ),
        max_size=8,
    ),
    st.sampled_from(["bulk", "all"]),
)
def test_the_page_equals_a_count_by_hand(
    session: Session, make: Make, stated: list[tuple[int, str, int, Figures]], scope: str
) -> None:
    parks = [make.park(), make.park()]
    owners = [make.organization(park_id=parks[number % 2].id) for number in range(3)]
    for number, code, month, each in stated:
        stream = make.stream(make.site(owners[number]), waste_code=code)
        post(session, make, stream, owners[number], Month(2026, month), each)
    last = Month(2026, 9)

    page = park_page(
        session, make.administrator(parks[0]), parks[0].id, first=Month(2026, 3), last=last, scope=scope, now=NOON
    )

    generated = used = old = 0
    for row in session.execute(
        select(Posting.kg, Posting.debit, Posting.credit, Posting.month, Posting.waste_code, Site.park_id).join(
            Site, Site.id == Posting.site_id
        )
    ):
        if row.park_id == parks[0].id and Month(2026, 3) <= row.month <= last and in_scope(row.waste_code, scope):  # type: ignore[arg-type]
            generated += row.kg if row.debit == "process" else 0
            used += row.kg if row.credit == "utilized" else 0
            old += row.kg if (row.debit, row.credit) == ("store", "utilized") else 0
    assert (page.total.generated_kg, page.total.utilized_kg, page.total.utilized_from_stock_kg) == (
        generated,
        used,
        old,
    )
    assert page.rate == (None if generated + old == 0 else Decimal(used) / (generated + old))
    assert page.total.closes
    for split in (page.materials, page.plants, page.months):
        assert sum((row.figures.utilized_kg for row in split), 0) == used
        assert sum((row.figures.generated_kg for row in split), 0) == generated


def test_awards_are_held_against_the_same_months_a_year_earlier(session: Session, make: Make) -> None:
    park = make.park()
    organization, ash = plant(make, park)
    for number in range(1, 13):
        post(session, make, ash, organization, Month(2026, number),
             Figures(generated_kg=1000, utilized_kg=500 + number, stored_kg=500 - number))  # fmt: skip
    window = [Month(2027, 2), Month(2027, 3)]
    award(session, make, park, ash, window, 300)
    award(session, make, park, ash, window[:1], 400)
    administrator = make.administrator(park)

    page = park_page(session, administrator, park.id, now=NOON)

    assert page.forecast is not None
    assert (page.forecast.first, page.forecast.last) == (Month(2027, 2), Month(2027, 3))
    assert (page.forecast.awarded_kg, page.forecast.lift_kg) == (1000, 498 + 300)
    assert (page.forecast.base_rate, page.forecast.rate) == (Decimal("0.5025"), Decimal(1005 + 798) / 2000)
    assert sum(flow.kg for flow in page.ahead) == 1000
    assert page.contracted_kg == 0
    assert page.rate == Decimal(6078) / 12000

    post(session, make, ash, organization, Month(2027, 2), Figures(generated_kg=1000, utilized_kg=1000))
    later = park_page(session, administrator, park.id, now=NOON)

    assert later.forecast is not None
    assert (later.forecast.first, later.forecast.awarded_kg, later.forecast.lift_kg) == (Month(2027, 3), 300, 300)


@pytest.mark.parametrize(
    "given",
    [
        {"declined_at": NOON},
        {"lapsed_at": NOON},
        {"answer_by": NOON - timedelta(seconds=1)},
        {"answer_by": NOON - timedelta(seconds=1), "producer_accepted_at": NOON},
    ],
)
def test_awards_that_fell_away_add_nothing(session: Session, make: Make, given: dict[str, object]) -> None:
    park = make.park()
    organization, ash = plant(make, park)
    post(session, make, ash, organization, Month(2026, 2), Figures(generated_kg=1000, stored_kg=1000))
    award(session, make, park, ash, [Month(2027, 2)], 300, **given)

    page = park_page(session, make.administrator(park), park.id, now=NOON)

    assert page.forecast is None


@pytest.mark.parametrize(
    "given", [{"published_at": None}, {"voided_at": NOON, "void_cause": "x"}, {"kind": "planning"}]
)
def test_only_published_market_rounds_count(session: Session, make: Make, given: dict[str, object]) -> None:
    park = make.park()
    organization, ash = plant(make, park)
    post(session, make, ash, organization, Month(2026, 2), Figures(generated_kg=1000, stored_kg=1000))
    made = award(session, make, park, ash, [Month(2027, 2)], 300)
    with transaction(session):
        opened = session.get_one(Round, made.round_id)
        for name, value in given.items():
            setattr(opened, name, value)

    page = park_page(session, make.administrator(park), park.id, now=NOON)

    assert page.forecast is None


def test_the_page_takes_six_selects_whatever_the_size(session: Session, engine: Engine, make: Make) -> None:
    park = make.park()
    park_id = park.id
    administrator = make.administrator(park)
    sent_at: dict[int, int] = {}
    for count in (5, 50):
        for _ in range(count - len(sent_at) * 5):
            organization, ash = plant(make, park)
            post(session, make, ash, organization, Month(2026, 2), Figures(generated_kg=10, stored_kg=10))
            award(session, make, park, ash, [Month(2027, 2)], 5)
        session.rollback()
        with counted(engine) as sent:
            page = park_page(session, administrator, park_id, now=NOON)
        assert len(page.plants) == count
        assert page.forecast is not None
        assert page.forecast.lift_kg == 5 * count
        sent_at[count] = len([each for each in sent if each.lstrip().upper().startswith("SELECT")])

    assert sent_at == {5: 6, 50: 6}


def test_another_park_and_a_period_without_sense_are_refused(session: Session, make: Make) -> None:
    park = make.park()
    administrator = make.administrator(park)

    for actor, wanted in (
        (administrator, make.park().id),
        (administrator, 999),
        (make.signatory(make.organization()), park.id),
    ):
        with pytest.raises(NotFound):
            park_page(session, actor, wanted, now=NOON)
    with pytest.raises(Invalid, match="before the first"):
        park_page(session, administrator, park.id, first=DECEMBER, last=DECEMBER.plus(-1), now=NOON)
    with pytest.raises(Invalid, match="at most 60"):
        park_page(session, administrator, park.id, first=DECEMBER.plus(-60), last=DECEMBER, now=NOON)
    with pytest.raises(Invalid, match="scope"):
        park_page(session, administrator, park.id, scope="some", now=NOON)


def test_every_figure_opens_the_postings_it_is_made_of(session: Session, make: Make) -> None:
    park = make.park()
    organization, ash = plant(make, park)
    each = Figures(generated_kg=1000, utilized_kg=450, utilized_from_stock_kg=50, stored_kg=500, disposed_kg=100)
    post(session, make, ash, organization, DECEMBER, each)
    administrator = make.administrator(park)
    page = park_page(session, administrator, park.id, now=NOON)
    of = Wanted(park_id=park.id, first=page.period.first, last=page.period.last, bulk=True)

    sums = {
        flow: postings_page(session, administrator, replace(of, flow=flow)).sum_kg
        for flow in ("generated", "utilized", "utilized_from_stock", "stored", "disposed", "discarded")
    }

    assert sums == {
        "generated": 1000, "utilized": 450, "utilized_from_stock": 50, "stored": 500, "disposed": 100, "discarded": 0,
    }  # fmt: skip
    for stranger in (make.administrator(make.park()), make.signatory(organization)):
        with pytest.raises(NotFound):
            postings_page(session, stranger, of)
    with pytest.raises(NotFound):
        postings_page(session, administrator, replace(of, flow="sold"))
    with pytest.raises(NotFound):
        postings_page(session, make.signatory(make.organization()), Wanted(stream_id=ash.id))
