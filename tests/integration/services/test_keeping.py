"""Sites, streams, lines and filings are written whole or not at all, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from marketplace.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from marketplace.domain.lines import NewFiling, NewLimit, NewLine
from marketplace.domain.quantities import Month
from marketplace.domain.sites import NewSite
from marketplace.domain.streams import NewSheet, NewStream, NewValue
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.lines import AcceptanceLimit, Filing, IntakeLine, LineMaterial, LineMonth, LineYear
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.streams import LabSheet, WasteStream
from marketplace.queries.filings import filings_page
from marketplace.queries.lines import line_page, lines_page
from marketplace.queries.listed import Wish
from marketplace.queries.sites import sites_page
from marketplace.queries.streams import stream_page, streams_page
from marketplace.services.filings import add_filing, end_filing
from marketplace.services.lines import add_line, edit_line, retire_line
from marketplace.services.sites import add_site, close_site, edit_site
from marketplace.services.streams import add_sheet, add_stream, edit_stream, retire_stream, void_sheet
from tests.conftest import counted
from tests.factories import NOON, Make

GOOD = {
    "residue_45um": "10.2", "water_demand_ratio": "94", "loss_on_ignition": "4.1", "moisture": "0.3", "so3": "1.2",
    "free_cao": "0.6", "sum_si_al_fe_oxides": "82", "density": "2.3", "activity_index_28d": "78", "soundness": "1",
    "caso3_half_h2o": "1.0",
}  # fmt: skip


def ash(site: Site, **given: object) -> NewStream:
    values = {
        "site_id": site.id, "name": "一号灰库", "material": "fly_ash", "waste_code": "900-001-S02", "boiler": "pulverized",
        "generation_kg_per_month": 12_000_000, "origin_answers": {"burns_waste": False},
    }  # fmt: skip
    return NewStream(**(values | given))  # type: ignore[arg-type]


def sheet(stream_id: int, values: dict[str, str], **given: object) -> NewSheet:
    rest = {
        "sheet_no": "2027-01",
        "laboratory": "晋北检测",
        "sampled_on": date(2027, 1, 4),
        "reported_on": date(2027, 1, 6),
    }
    found = tuple(NewValue(property=code, value=Decimal(value)) for code, value in values.items())
    return NewSheet(stream_id=stream_id, values=found, **(rest | given))  # type: ignore[arg-type]


def mill(site: Site, **given: object) -> NewLine:
    values = {
        "site_id": site.id, "name": "二号磨", "route": "cement_admixture", "materials": (("fly_ash", -1250),),
        "limits": (NewLimit(property="moisture", maximum=Decimal(1)),),
        "capacity_kg_per_month": 8_000_000, "capacity_kg_per_year": 60_000_000,
        "permit_no": "PWX-1", "permit_valid_until": date(2029, 12, 31),
    }  # fmt: skip
    return NewLine(**(values | given))  # type: ignore[arg-type]


def audited(session: Session) -> list[str]:
    return list(session.scalars(select(AuditRow.action).order_by(AuditRow.id)))


def count(session: Session, table: type) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def own(make: Make) -> Organization:
    return make.organization()


def test_a_site_is_kept_changed_and_closed(session: Session, make: Make, own: Organization) -> None:
    actor = make.signatory(own)
    new = NewSite(
        organization_id=own.id, name="一号厂区", division_code="140200", lat="40.08", lon="113.3", datum="gcj02"
    )

    site_id = add_site(session, actor, new, now=NOON)
    edit_site(session, actor, site_id, replace(new, name="主厂区", in_park=False), now=NOON)
    close_site(session, actor, site_id, now=NOON)

    site = session.get_one(Site, site_id)
    assert (site.name, site.park_id, site.entered_point, site.closed_at) == ("主厂区", None, "40.08, 113.3", NOON)
    assert audited(session) == ["site.add", "site.edit", "site.close"]
    with pytest.raises(Conflict, match="closed"):
        edit_site(session, actor, site_id, new, now=NOON)


def test_a_filed_site_does_not_move_to_another_province(session: Session, make: Make, own: Organization) -> None:
    site, actor = make.site(own), make.signatory(own)
    make.filing(make.stream(site), make.site(division_code="130700"))
    elsewhere = NewSite(organization_id=own.id, name="新址", division_code="130700")

    with pytest.raises(Conflict, match="filing"):
        edit_site(session, actor, site.id, elsewhere, now=NOON)

    assert session.scalar(select(Site.division_code).where(Site.id == site.id)) == "140212"


def test_strangers_and_weighers_keep_nothing(session: Session, make: Make, own: Organization) -> None:
    site = make.site(own)
    stranger = make.signatory(make.organization())
    weigher = make.actor(make.person("weigher", organization=own))

    with pytest.raises(NotFound):
        add_stream(session, stranger, ash(site), now=NOON)
    with pytest.raises(NotAllowed):
        add_stream(session, weigher, ash(site), now=NOON)
    with pytest.raises(NotFound):
        add_line(session, stranger, mill(site), now=NOON)

    assert (count(session, WasteStream), count(session, IntakeLine), count(session, AuditRow)) == (0, 0, 0)


def test_the_grade_follows_the_newest_sheet_that_counts(session: Session, make: Make, own: Organization) -> None:
    actor = make.signatory(own)
    stream_id = add_stream(session, actor, ash(make.site(own)), now=NOON)
    grades = []

    add_sheet(session, actor, sheet(stream_id, GOOD), now=NOON)
    grades.append(session.get_one(WasteStream, stream_id).grade)
    worse = add_sheet(
        session, actor,
        sheet(stream_id, GOOD | {"loss_on_ignition": "6.5"}, sheet_no="2027-02", sampled_on=date(2027, 1, 5)), now=NOON,
    )  # fmt: skip
    grades.append(session.get_one(WasteStream, stream_id).grade)
    void_sheet(session, actor, stream_id, worse, now=NOON)
    grades.append(session.get_one(WasteStream, stream_id).grade)

    assert grades == ["I", "II", "I"]
    assert audited(session) == ["stream.add", "sheet.add", "sheet.add", "sheet.void"]


def test_a_hazardous_value_is_refused_at_the_sheet_and_at_the_stream(
    session: Session, make: Make, own: Organization
) -> None:
    site, actor = make.site(own), make.signatory(own)
    stream = make.stream(site, origin_answers={"burns_waste": False})

    with pytest.raises(Invalid, match="By its test value"):
        add_sheet(session, actor, sheet(stream.id, {"leach_acid_pb": "7"}), now=NOON)
    assert count(session, LabSheet) == 0

    make.sheet(stream, {"leach_acid_pb": "7"})
    with pytest.raises(Invalid, match="By its test value"):
        edit_stream(session, actor, stream.id, ash(site), now=NOON)
    assert audited(session) == []


def test_a_stream_with_a_draft_is_not_retired(session: Session, make: Make, own: Organization) -> None:
    stream, actor = make.stream(make.site(own)), make.signatory(own)
    make.listing(stream, published_at=None, expires_at=None)

    with pytest.raises(Conflict, match="listing or a draft"):
        retire_stream(session, actor, stream.id, now=NOON)

    assert session.scalar(select(WasteStream.retired_at)) is None


def test_a_producer_alone_keeps_no_line(session: Session, make: Make) -> None:
    organization = make.organization(recycles=False)

    with pytest.raises(Conflict, match="producer only"):
        add_line(session, make.signatory(organization), mill(make.site(organization)), now=NOON)

    assert count(session, IntakeLine) == 0


def test_editing_a_line_replaces_its_rows_and_moves_its_counters(
    session: Session, make: Make, own: Organization
) -> None:
    site, actor = make.site(own), make.signatory(own)
    line_id = add_line(session, actor, mill(site), now=NOON)
    make._add(LineMonth(line_id=line_id, month=Month(2026, 12), capacity_kg=8_000_000, contracted_kg=8_000_000))
    make._add(LineMonth(line_id=line_id, month=Month(2027, 2), capacity_kg=8_000_000, contracted_kg=5_000_000))
    make._add(LineYear(line_id=line_id, year=2027, capacity_kg=60_000_000, contracted_kg=5_000_000))

    edit_line(
        session, actor, line_id,
        mill(site, materials=(("bf_slag", 6000),), limits=(), capacity_kg_per_month=5_000_000, capacity_kg_per_year=30_000_000),
        now=NOON,
    )  # fmt: skip

    months = session.execute(select(LineMonth.month, LineMonth.capacity_kg).order_by(LineMonth.month)).all()
    assert [tuple(row) for row in months] == [(Month(2026, 12), 8_000_000), (Month(2027, 2), 5_000_000)]
    assert session.scalar(select(LineYear.capacity_kg)) == 30_000_000
    assert session.scalars(select(LineMaterial.material)).all() == ["bf_slag"]
    assert count(session, AcceptanceLimit) == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"capacity_kg_per_month": 4_999_999}, "one month"),
        ({"capacity_kg_per_year": 8_500_000}, "one year"),
        ({"closed_months": frozenset({2})}, "stand still"),
    ],
)
def test_a_line_promises_no_less_than_it_has_promised(
    session: Session, make: Make, own: Organization, given: dict[str, object], said: str
) -> None:
    site, actor = make.site(own), make.signatory(own)
    line_id = add_line(session, actor, mill(site), now=NOON)
    make._add(LineMonth(line_id=line_id, month=Month(2027, 2), capacity_kg=8_000_000, reserved_kg=5_000_000))
    make._add(LineYear(line_id=line_id, year=2027, capacity_kg=60_000_000, reserved_kg=9_000_000))

    with pytest.raises(Conflict, match=said):
        edit_line(session, actor, line_id, mill(site, **given), now=NOON)
    with pytest.raises(Conflict, match="Awards reserve"):
        retire_line(session, actor, line_id, now=NOON)

    session.expire_all()
    assert session.get_one(IntakeLine, line_id).capacity_kg_per_month == 8_000_000
    assert session.scalar(select(LineMonth.capacity_kg)) == 8_000_000
    assert audited(session) == ["line.add"]


def test_only_a_changed_permit_is_verified_again(session: Session, make: Make, own: Organization) -> None:
    site, actor = make.site(own), make.signatory(own)
    line = make.line(site, permit_no="PWX-1", permit_valid_until=date(2029, 12, 31))

    edit_line(session, actor, line.id, mill(site), now=NOON)
    kept = line.permit_verified_at
    edit_line(session, actor, line.id, mill(site, permit_valid_until=date(2030, 12, 31)), now=NOON)

    assert (kept, line.permit_verified_at) == (NOON, None)


def test_a_filing_needs_solid_waste_and_another_province(session: Session, make: Make, own: Organization) -> None:
    stream, actor = make.stream(make.site(own)), make.signatory(own)
    product = make.stream(make.site(own), legal_status="by_product")
    near, far = make.site(), make.site(division_code="130700")

    def new(stream: WasteStream, site: Site) -> NewFiling:
        return NewFiling(
            stream_id=stream.id, receiving_site_id=site.id, filing_no="晋固备2027-018", filed_kg=1_000, filed_trips=1,
            valid_from=date(2027, 1, 1), valid_to=date(2027, 12, 31),
        )  # fmt: skip

    with pytest.raises(Invalid, match="within a province"):
        add_filing(session, actor, new(stream, near), now=NOON)
    with pytest.raises(Invalid, match="only solid waste"):
        add_filing(session, actor, new(product, far), now=NOON)
    assert count(session, Filing) == 0
    filing_id = add_filing(session, actor, new(stream, far), now=NOON)
    with pytest.raises(Conflict, match="kept already"):
        add_filing(session, actor, new(stream, far), now=NOON)
    end_filing(session, actor, filing_id, now=NOON)

    assert audited(session) == ["filing.add", "filing.end"]


def test_lists_and_pages_ask_a_constant_number_of_questions(
    session: Session, make: Make, own: Organization, engine: Engine
) -> None:
    actor, site = make.signatory(own), make.site(own)

    def fill() -> None:
        stream = make.stream(site, values={"moisture": "0.4"})
        make.line(site)
        make.filing(stream, make.site(division_code="130700"))
        make.site(own)

    def ask() -> int:
        stream_id = session.scalar(select(func.min(WasteStream.id))) or 0
        line_id = session.scalar(select(func.min(IntakeLine.id))) or 0
        with counted(engine) as sent:
            sites_page(session, actor, Wish())
            streams_page(session, actor, Wish(), now=NOON)
            lines_page(session, actor, Wish(), now=NOON)
            filings_page(session, actor, Wish(), today=NOON.date())
            stream_page(session, actor, stream_id, now=NOON)
            line_page(session, actor, line_id, now=NOON)
        return len([text for text in sent if text.startswith("SELECT")])

    fill()
    few = ask()
    for _ in range(4):
        fill()

    assert ask() == few


def test_a_list_is_searched_sorted_and_turned(session: Session, make: Make, own: Organization) -> None:
    actor, site = make.signatory(own), make.site(own)
    for number in range(30):
        make.stream(site, name=f"灰库{number:02d}", stock_kg=number)
    make.stream(site, name="石膏库", material="fgd_gypsum")

    found = streams_page(session, actor, Wish(search="脱硫石膏"), now=NOON).listed
    last = streams_page(session, actor, Wish(search="灰库", sort="-stock", number=99), now=NOON).listed

    assert [row.name for row in found.rows] == ["石膏库"]
    assert (last.number, last.pages, last.total) == (2, 2, 30)
    assert [row.stock_kg for row in last.rows] == [4, 3, 2, 1, 0]
