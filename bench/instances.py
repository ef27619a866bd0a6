"""Generated instances: a market in a database, and a round as it is frozen. The same size gives the same instance."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, insert
from sqlalchemy.orm import Session

from marketplace.domain.deductions import Limit
from marketplace.domain.fit import Accepting, Offered
from marketplace.domain.haulage import tariff_for
from marketplace.domain.organizations import valid_credit_code
from marketplace.domain.places import Point
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import Snapshot, SnapshotLine, SnapshotLot
from marketplace.persistence.ledger import Posting
from marketplace.persistence.lines import IntakeLine, LineMaterial
from marketplace.persistence.listings import Listing, ListingMonth
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.parks import Park
from marketplace.persistence.people import Appointment, Person
from marketplace.persistence.streams import LabSheet, LabValue, WasteStream
from marketplace.persistence.tables import Base

MATERIALS = ("fly_ash", "coal_gangue", "bottom_ash", "fgd_gypsum", "steel_slag", "bf_slag", "tailings", "phosphogypsum")
DIVISIONS = ("140200", "140212", "140603", "140681", "150100", "130727", "140902", "140221")
SEED = 20_270_101
MONTHS = 12
MOST_FIRMS = 500
LEDGER_STREAMS = 60
"""Streams that have a ledger; a park has as many plants as it has, however much is listed."""


def market(engine: Engine, listings: int, *, now: datetime) -> dict[str, int]:
    """Fill an empty database with a park and so many listings; return the ids of two people: recycler and park."""
    chance = random.Random(SEED)
    Base.metadata.create_all(engine)
    firms = min(MOST_FIRMS, max(10, listings // 5))
    month = Month.of(now.date())
    old = now - timedelta(days=400)
    park = {"id": 1, "name_zh": "基准园区", "name_en": "Bench park", "division_code": "140200", "created_at": old}
    rows: dict[Any, list[dict[str, Any]]] = {
        Park: [park],
        Organization: [
            {
                "id": number,
                "credit_code": valid_credit_code(f"91140200MA0B{number:05d}"),
                "name_zh": f"企业{number}",
                "name_en": f"Firm {number}",
                "produces": True,
                "recycles": number == 1,
                "park_id": 1,
                "registered_at": old,
                "verified_at": old,
            }
            for number in range(1, firms + 1)
        ],
        Site: [
            {
                "id": number,
                "organization_id": number,
                "park_id": 1,
                "name": f"厂区{number}",
                "division_code": chance.choice(DIVISIONS),
                "lat_udeg": chance.randint(38_500_000, 41_500_000),
                "lon_udeg": chance.randint(111_000_000, 115_000_000),
                "point_origin": "pin",
                "created_at": old,
            }
            for number in range(1, firms + 1)
        ],
        WasteStream: [],
        LabSheet: [],
        LabValue: [],
        Listing: [],
        ListingMonth: [],
        Posting: [],
    }
    for number in range(1, listings + 1):
        _listing(rows, chance, number, firms, month, now)
    for number in range(1, min(listings, LEDGER_STREAMS) + 1):
        _ledger(rows, chance, number, firms, month, now)
    line = {"id": 1, "site_id": 1, "name": "接收线", "route": "cement_admixture", "created_at": old}
    line |= {"capacity_kg_per_month": 20_000_000, "capacity_kg_per_year": 240_000_000, "permit_no": "PWX-BENCH"}
    line |= {"permit_valid_until": date(now.year + 2, 12, 31), "permit_verified_at": old}
    rows[IntakeLine] = [line]
    rows[LineMaterial] = [{"line_id": 1, "material": name, "price_fen_per_t": 6000} for name in MATERIALS[:3]]
    people = {"recycler": 1, "park": 2}
    rows[Person] = [
        {"id": number, "email": f"{who}@bench.example", "display_name": who, "password_hash": "!", "created_at": old}
        | {"password_changed_at": old}
        for who, number in people.items()
    ]
    rows[Appointment] = [
        {"person_id": 1, "role": "signatory", "organization_id": 1, "park_id": None, "granted_at": old},
        {"person_id": 2, "role": "park_administrator", "organization_id": None, "park_id": 1, "granted_at": old},
    ]
    with Session(engine) as session, session.begin():
        for table, values in rows.items():
            session.execute(insert(table), values)
    return people


def _listing(
    rows: dict[Any, list[dict[str, Any]]], chance: random.Random, number: int, firms: int, month: Month, now: datetime
) -> None:
    kg = chance.randint(100, 9000) * 1000
    rows[WasteStream].append(
        {
            "id": number,
            "site_id": number % firms + 1,
            "name": f"废物{number}",
            "material": chance.choice(MATERIALS),
            "waste_code": "900-001-S02",
            "generation_kg_per_month": kg,
            "created_at": now - timedelta(days=300),
        }
    )
    rows[LabSheet].append(
        {
            "id": number,
            "stream_id": number,
            "sheet_no": "1",
            "laboratory": "化验室",
            "sampled_on": now.date() - timedelta(days=30),
            "reported_on": now.date() - timedelta(days=20),
            "entered_at": now - timedelta(days=19),
        }
    )
    rows[LabValue] += [
        {"sheet_id": number, "property": "moisture", "value": Decimal(chance.randint(1, 200)) / 10},
        {"sheet_id": number, "property": "loss_on_ignition", "value": Decimal(chance.randint(10, 90)) / 10},
    ]
    published = now - timedelta(minutes=chance.randint(10, 40_000))
    rows[Listing].append(
        {
            "id": number,
            "stream_id": number,
            "first_month": month.plus(1),
            "last_month": month.plus(3),
            "kg_per_month": kg,
            "asking_fen_per_t": chance.randint(-2000, 6000),
            "disclosure": chance.choice(("open", "members", "masked")),
            "drafted_at": published,
            "published_at": published,
            "expires_at": now + timedelta(days=30),
        }
    )
    rows[ListingMonth] += [
        {"listing_id": number, "month": each, "offered_kg": kg, "reserved_kg": 0, "contracted_kg": 0}
        for each in month.plus(1).until(month.plus(3))
    ]


def _ledger(
    rows: dict[Any, list[dict[str, Any]]], chance: random.Random, number: int, firms: int, month: Month, now: datetime
) -> None:
    stream = rows[WasteStream][number - 1]
    for each in month.plus(-24).until(month.plus(-1)):
        made = chance.randint(1000, 9000) * 1000
        used = made // 2
        for debit, credit, kg in (
            ("process", "yard", made),
            ("yard", "utilized", used),
            ("yard", "store", made - used),
        ):
            rows[Posting].append(
                {
                    "organization_id": number % firms + 1,
                    "site_id": stream["site_id"],
                    "stream_id": number,
                    "material": stream["material"],
                    "waste_code": stream["waste_code"],
                    "month": each,
                    "debit": debit,
                    "credit": credit,
                    "kg": kg,
                    "posted_at": now - timedelta(days=5),
                }
            )


def frozen_round(lots: int, lines: int, months: int = MONTHS) -> Snapshot:
    """Return a round of so many lots and lines over so many months, in a region of 300 km, with room for 0.9 of it."""
    chance = random.Random(SEED)
    window = tuple(Month(2027, 1).until(Month(2027, 1).plus(months - 1)))
    offers = [
        SnapshotLot(
            listing_id=number,
            months=tuple((month, kg) for month in window),
            offered=Offered(
                organization_id=number,
                point=_somewhere(chance),
                division_code="140602",
                material=chance.choice(MATERIALS[:4]),
                waste_code="900-001-S02",
                legal_status="solid_waste",
                kg=kg * months,
                properties={"moisture": Decimal(chance.randint(1, 200)) / 10},
                reserve_fen_per_t=chance.randint(-2000, 1000),
            ),
        )
        for number in range(1, lots + 1)
        for kg in (chance.randint(200, 9000) * 1000,)
    ]
    most = sum(kg for lot in offers for _, kg in lot.months) // months
    takers = [
        SnapshotLine(
            accepting=Accepting(
                line_id=number,
                organization_id=10_000 + number,
                point=_somewhere(chance),
                division_code="140602",
                materials={name: chance.randint(4000, 12_000) for name in chance.sample(MATERIALS[:4], 2)},
                limits=(Limit(property="moisture", maximum=Decimal(chance.randint(8, 20))),),
                radius_m=chance.randint(100_000, 250_000),
                permit_valid_until=date(2030, 12, 31),
                permit_verified=True,
            ),
            months=tuple((month, int(0.9 * most / lines * chance.uniform(0.4, 1.6))) for month in window),
        )
        for number in range(1, lines + 1)
    ]
    return Snapshot(
        round_id=1,
        kind="market",
        objective="utilization",
        months=window,
        max_km=200,
        circuity_permille=1300,
        tariffs=tuple((name, tariff_for(name)) for name in MATERIALS[:4]),
        lots=tuple(offers),
        lines=tuple(takers),
    )


def under_rules(round_: Snapshot) -> Snapshot:
    """Return a round in which no contract is below 500 t, and each line has a permit for 0.7 to 0.9 of its year."""
    chance = random.Random(SEED)
    lots = tuple(replace(lot, offered=replace(lot.offered, least_lot_kg=500_000)) for lot in round_.lots)
    lines = tuple(
        replace(line, year_left_kg=((2027, int(sum(kg for _, kg in line.months) * chance.uniform(0.7, 0.9))),))
        for line in round_.lines
    )
    return replace(round_, lots=lots, lines=lines)


def _somewhere(chance: random.Random) -> Point:
    return Point(chance.randint(38_800_000, 41_200_000), chance.randint(111_300_000, 114_700_000))
