"""The demo world, row by row: the park, its people, what they keep, what they offer and what they wrote down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from marketplace.cli.demo import figures
from marketplace.cli.demo.deal import load_deal, signatory
from marketplace.cli.demo.tables import Row, decimal, fen, kg, rows
from marketplace.domain.actors import SYSTEM, Actor
from marketplace.domain.bids import Terms
from marketplace.domain.deductions import judge
from marketplace.domain.grades import grade_of
from marketplace.domain.haulage import haul, tariff_for
from marketplace.domain.hazards import questions
from marketplace.domain.organizations import valid_credit_code
from marketplace.domain.quantities import Month
from marketplace.domain.sealing import Sealer
from marketplace.domain.wastes import material
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.fit import accepting, offered
from marketplace.persistence.ledger import OpeningStock, Posting
from marketplace.persistence.lines import AcceptanceLimit, Filing, IntakeLine, LineMaterial
from marketplace.persistence.listings import Listing, ListingMonth
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.parks import Park
from marketplace.persistence.people import Appointment, Person
from marketplace.persistence.questions import Answer, Question
from marketplace.persistence.rounds import Round
from marketplace.persistence.streams import LabSheet, LabValue, WasteStream
from marketplace.services.opensales import in_plain_sight
from marketplace.services.seals import sealed

PASSWORD: Final = "huiyong-demo"
SHEETS: Final = 8
"""Lab sheets of each stream, one a quarter."""

CIRCUITY_PERMILLE: Final = 1300
NAMED: Final = {"sg": ("plant", "李敏", "Li Min"), "bc": ("recycler", "王振", "Wang Zhen")}
"""The organizations whose signatory is one of the demo people."""


@dataclass(frozen=True)
class Loaded:
    """What was loaded."""

    organizations: int
    postings: int


def is_settled(session: Session) -> bool:
    """Return whether the database already holds organizations or people."""
    return bool(session.scalar(select(func.count(Organization.id)))) or bool(
        session.scalar(select(func.count(Person.id)))
    )


def load(session: Session, password_hash: str, *, sealer: Sealer, now: datetime) -> Loaded:
    """
    Load the world as seen at ``now``: the same instant gives the same rows, but for how the bids look sealed.

    Everybody in it has the password that ``password_hash`` was made of.
    """
    world = _World(session, password_hash, sealer, now)
    with transaction(session):
        loaded = world.load()
        ends = world.signatory("sg"), world.signatory("bc"), world.streams["sg_fa"].id, world.lines["bc_1"].id
    seller, buyer, stream_id, line_id = ends
    load_deal(session, seller=seller, buyer=buyer, stream_id=stream_id, line_id=line_id, now=now)
    return loaded


class _World:
    def __init__(self, session: Session, password_hash: str, sealer: Sealer, now: datetime) -> None:
        self.session, self.password_hash, self.sealer, self.now = session, password_hash, sealer, now
        self.today = now.date()
        self.this_month = Month.of(self.today)
        self.organizations: dict[str, Organization] = {}
        self.sites: dict[str, Site] = {}
        self.streams: dict[str, WasteStream] = {}
        self.lines: dict[str, IntakeLine] = {}
        self.listings: dict[str, Listing] = {}
        self.signatories: dict[str, Person] = {}

    def load(self) -> Loaded:
        self._park()
        self._people()
        self._organizations()
        self._streams()
        self._lines()
        self._filing()
        self._listings()
        self._bids()
        self._questions()
        self._round()
        postings = self._ledger()
        record(self.session, SYSTEM, "demo.load", "park", self.park.id, now=self.now, park_id=self.park.id)
        return Loaded(len(self.organizations), postings)

    def signatory(self, key: str) -> Actor:
        """Return the signatory of an organization as the use cases know them."""
        person, of = self.signatories[key], self.organizations[key]
        return signatory(person.id, person.display_name, of.id, produces=of.produces, recycles=of.recycles)

    def _keep(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row

    def _ago(self, **time: float) -> datetime:
        return self.now - timedelta(**time)

    def _park(self) -> None:
        self.park: Park = self._keep(
            Park(
                name_zh="桑干河循环经济园",
                name_en="Sanggan River Circular Economy Park",
                division_code="140681",
                goal_permille=570,
                goal_source="工信部联规〔2023〕258 号：2027 年大宗工业固体废物综合利用率超过 57 %",
                goal_source_en="MIIT and others, No. 258 of 2023: more than 57 % of bulk industrial solid waste by 2027",
                created_at=self._ago(days=900),
                demo=True,
            )
        )

    def _person(self, email: str, name: str) -> Person:
        made: Person = self._keep(
            Person(
                email=email,
                display_name=name,
                password_hash=self.password_hash,
                created_at=self._ago(days=800),
                password_changed_at=self._ago(days=800),
            )
        )
        return made

    def _appoint(self, person: Person, role: str, **place: int) -> None:
        self._keep(Appointment(person_id=person.id, role=role, granted_at=self._ago(days=800), **place))

    def _people(self) -> None:
        self.administrator = self._person("park@demo.example", "赵岚")
        self._appoint(self.administrator, "park_administrator", park_id=self.park.id)
        self._appoint(self._person("operator@demo.example", "孙平"), "operator")
        self._appoint(self._person("auditor@demo.example", "周立"), "auditor")

    def _organizations(self) -> None:
        for row in rows("organizations"):
            waiting = row["state"] == "waiting"
            registered = self._ago(days=3 if waiting else 780)
            organization: Organization = self._keep(
                Organization(
                    credit_code=valid_credit_code(row["credit_body"]),
                    name_zh=row["name_zh"],
                    name_en=row["name_en"],
                    produces=row["produces"] == "1",
                    recycles=row["recycles"] == "1",
                    park_id=self.park.id,
                    contact_name="演示联系人",
                    contact_phone="0349-000 0000",
                    registered_at=registered,
                    verified_at=None if waiting else registered + timedelta(days=2),
                    verified_by=None if waiting else self.administrator.id,
                    demo=True,
                )
            )
            key = row["key"]
            self.organizations[key] = organization
            self.sites[key] = self._keep(
                Site(
                    organization_id=organization.id,
                    park_id=self.park.id if row["in_park"] == "1" else None,
                    name=row["site_zh"],
                    name_en=row["site_en"],
                    division_code=row["division_code"],
                    lat_udeg=int(decimal(row["lat"]) * 1_000_000),  # type: ignore[operator]  # no cell is empty
                    lon_udeg=int(decimal(row["lon"]) * 1_000_000),  # type: ignore[operator]
                    entered_point=f"{row['lat']}, {row['lon']}",
                    point_origin="coordinates",
                    created_at=registered,
                )
            )
            name, who = (NAMED[key][0], NAMED[key][1]) if key in NAMED else (key, "演示签约人")
            self.signatories[key] = self._person(f"{name}@demo.example", who)
            self._appoint(self.signatories[key], "signatory", organization_id=organization.id)

    def _streams(self) -> None:
        values: dict[str, list[Row]] = {}
        for row in rows("lab"):
            values.setdefault(row["stream"], []).append(row)
        for row in rows("streams"):
            self.streams[row["key"]] = self._stream(row, values.get(row["key"], []))

    def _stream(self, row: Row, lab: list[Row]) -> WasteStream:
        found = {value["property"]: figures.lab_value(value, 0) for value in lab}
        boiler, ash_class = row["boiler"] or None, row["ash_class"] or None
        grading = grade_of(row["material"], found, ash_class=ash_class, boiler=boiler)
        stream: WasteStream = self._keep(
            WasteStream(
                site_id=self.sites[row["organization"]].id,
                name=row["name_zh"],
                name_en=row["name_en"],
                material=row["material"],
                waste_code=material(row["material"]).waste_code,
                origin_process=row["origin_process"],
                boiler=row["boiler"],
                ash_class=row["ash_class"],
                generation_kg_per_month=kg(row["generation_t"]),
                stock_kg=kg(row["opening_stock_t"]),
                storage_limit_kg=kg(row["storage_limit_t"]),
                origin_answers={question.code: False for question in questions(row["material"])},
                grade=(grading.grade or "") if grading else "",
                created_at=self._ago(days=770),
            )
        )
        for number in range(SHEETS if lab else 0):
            sampled = self.today - timedelta(days=24 + 91 * number)
            self._keep(
                LabSheet(
                    stream_id=stream.id,
                    sheet_no=f"HY-{sampled:%y%m}-{stream.id:02d}",
                    laboratory="朔同检测（演示）",
                    accredited=True,
                    sampled_on=sampled,
                    reported_on=sampled + timedelta(days=4),
                    entered_at=self.now - timedelta(days=19 + 91 * number),
                    entered_by=None,
                    values=[
                        LabValue(
                            property=value["property"], value=figures.lab_value(value, number), method=value["method"]
                        )
                        for value in lab
                    ],
                )
            )
        return stream

    def _lines(self) -> None:
        materials, limits = rows("line_materials"), rows("limits")
        for row in rows("lines"):
            verified = row["permit_verified"] == "1"
            self.lines[row["key"]] = self._keep(
                IntakeLine(
                    site_id=self.sites[row["organization"]].id,
                    name=row["name_zh"],
                    name_en=row["name_en"],
                    route=row["route"],
                    capacity_kg_per_month=kg(row["capacity_t"]),
                    capacity_kg_per_year=kg(row["year_t"]),
                    closed_months=row["closed_months"].replace("|", ","),
                    radius_m=int(row["radius_km"]) * 1000,
                    least_lot_kg=kg(row["least_lot_t"]),
                    storage_kg=kg(row["storage_t"]),
                    storage_fen_per_t=fen(row["storage_yuan"]),
                    unloading_hours="08:00–18:00",
                    permit_no=row["permit_no"],
                    permit_valid_until=self.today + timedelta(days=int(row["permit_days"])),
                    permit_verified_at=self._ago(days=300) if verified else None,
                    permit_verified_by=self.administrator.id if verified else None,
                    created_at=self._ago(days=700),
                    materials=[
                        LineMaterial(material=taken["material"], price_fen_per_t=fen(taken["price_yuan"]))
                        for taken in materials
                        if taken["line"] == row["key"]
                    ],
                    limits=[_limit(limit) for limit in limits if limit["line"] == row["key"]],
                )
            )

    def _filing(self) -> None:
        """Make the one filing across provinces: the power station's ash to the alumina line in the next province."""
        for year in (self.today.year, self.today.year + 1):
            self._keep(
                Filing(
                    stream_id=self.streams["sg_fa"].id,
                    receiving_site_id=self.sites["nm"].id,
                    filing_no=f"晋备-演示-{year}-017",
                    filed_kg=16_000_000,
                    filed_trips=520,
                    valid_from=date(year, 1, 1),
                    valid_to=date(year, 12, 31),
                    entered_at=self._ago(days=30),
                )
            )

    def _listings(self) -> None:
        first = self.this_month.plus(1)
        last = first.plus(11)
        for row in rows("listings"):
            published = self._ago(days=int(row["published_days"]))
            deadline = self.now + timedelta(days=int(row["deadline_days"])) if row["deadline_days"] else None
            self.listings[row["stream"]] = self._keep(
                Listing(
                    stream_id=self.streams[row["stream"]].id,
                    first_month=first,
                    last_month=last,
                    kg_per_month=kg(row["tonnes"]),
                    asking_fen_per_t=fen(row["asking_yuan"]),
                    reserve_fen_per_t=fen(row["reserve_yuan"]),
                    least_lot_kg=kg(row["least_lot_t"]),
                    storage_kg=kg(row["storage_t"]),
                    storage_fen_per_t=fen(row["storage_yuan"]),
                    disclosure=row["disclosure"],
                    note=row["note_zh"],
                    loading_hours="08:00–20:00",
                    bids_close_at=deadline,
                    sale_kind="ascending" if row["sale_kind"] == "ascending" else "sealed",
                    drafted_at=published,
                    published_at=published,
                    expires_at=published + timedelta(days=60),
                    months=[
                        ListingMonth(month=month, offered_kg=kg(row["tonnes"]), reserved_kg=0, contracted_kg=0)
                        for month in first.until(last)
                    ],
                )
            )

    def _bids(self) -> None:
        takes = accepting(self.session, None)
        offers = offered(self.session, [stream.id for stream in self.streams.values()], now=self.now)
        for row in rows("bids"):
            listing, line = self.listings[row["listing"]], self.lines[row["line"]]
            offer, taking = offers[listing.stream_id], takes[line.id]
            journey = haul(
                offer.point, taking.point, tariff=tariff_for(offer.material), circuity_permille=CIRCUITY_PERMILLE
            )
            judged = [
                judge(limit, offer.properties.get(limit.property))
                for limit in taking.limits
                if limit.material in {None, offer.material}
            ]
            terms = Terms(
                price_fen_per_t=fen(row["price_yuan"]),
                kg_per_month=kg(row["tonnes"]),
                transport=row["transport"],
                freight_fen_per_t=journey.freight_fen_per_t,
                deduction_fen_per_t=sum(judgment.deduction_fen_per_t for judgment in judged),
            )
            columns: dict[str, Any] = {
                "listing_id": listing.id,
                "line_id": line.id,
                "organization_id": taking.organization_id,
                "revision": 1,
                "road_m": journey.road_m,
                "received_at": listing.drafted_at + timedelta(hours=int(row["hours_after"])),
            }
            in_sight = listing.ascending is not None
            self._keep(in_plain_sight(terms, **columns) if in_sight else sealed(self.sealer, terms, **columns))

    def _questions(self) -> None:
        for row in rows("questions"):
            listing, asked = self.listings[row["listing"]], self._ago(days=int(row["days_ago"]))
            question = self._keep(
                Question(
                    listing_id=listing.id,
                    organization_id=self.organizations[row["organization"]].id,
                    text=row["question"],
                    asked_at=asked,
                    asked_by=self.signatories[row["organization"]].id,
                )
            )
            if row["answer"]:
                at = asked + timedelta(hours=int(row["hours_to_answer"]))
                self._keep(Answer(question_id=question.id, version=1, text=row["answer"], answered_at=at))

    def _round(self) -> None:
        first = self.this_month.plus(1)
        self._keep(
            Round(
                park_id=self.park.id,
                number=1,
                first_month=first,
                last_month=first.plus(11),
                max_m=200_000,
                circuity_permille=CIRCUITY_PERMILLE,
                opened_at=self._ago(days=8),
                opened_by=self.administrator.id,
                closes_at=self.now + timedelta(days=2),
                answer_by=self.now + timedelta(days=7),
            )
        )

    def _ledger(self) -> int:
        last = self.this_month.plus(-1)
        made = 0
        for row in rows("streams"):
            stream = self.streams[row["key"]]
            organization = self.organizations[row["organization"]]
            self.session.add(
                OpeningStock(
                    site_id=stream.site_id,
                    stream_id=stream.id,
                    month=last.plus(1 - figures.MONTHS),
                    kg=kg(row["opening_stock_t"]),
                    entered_at=self._ago(days=760),
                )
            )
            stock = kg(row["opening_stock_t"])
            told = [
                {
                    "organization_id": organization.id,
                    "site_id": stream.site_id,
                    "stream_id": stream.id,
                    "material": stream.material,
                    "waste_code": stream.waste_code,
                    "month": month.month,
                    "debit": debit,
                    "credit": credit,
                    "kg": mass,
                    "evidence": "declared",
                    "note": "",
                    "posted_at": self._told_at(month.month),
                    "posted_by": self.signatories[row["organization"]].id,
                }
                for month in figures.months(row, last)
                if not (row["missing_last_month"] == "1" and month.month == last)
                for debit, credit, mass in figures.moves(month)
                if mass
            ]
            for posting in told:
                stock += posting["kg"] if posting["credit"] == "store" else 0  # type: ignore[operator]
                stock -= posting["kg"] if posting["debit"] == "store" else 0  # type: ignore[operator]
            stream.stock_kg = stock
            self.session.execute(insert(Posting), told)
            made += len(told)
        return made

    def _told_at(self, month: Month) -> datetime:
        """Figures of a month are told on the fifth of the next."""
        day = month.plus(1).first_day + timedelta(days=4)
        told = datetime.combine(day, self.now.timetz().replace(hour=2, minute=0, second=0, microsecond=0))
        return min(told, self.now)


def _limit(row: Row) -> AcceptanceLimit:
    return AcceptanceLimit(
        material=row["material"],
        property=row["property"],
        minimum=decimal(row["minimum"]),
        maximum=decimal(row["maximum"]),
        deduction_fen_per_unit=fen(row["deduction_yuan"]) if row["deduction_yuan"] else None,
        stop_value=decimal(row["stop_value"]),
    )
