"""Rounds to test with: every default fits, so that a test names only what it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from marketplace.domain.deductions import Limit
from marketplace.domain.fit import Accepting, Filing, Offered
from marketplace.domain.haulage import Band, Tariff
from marketplace.domain.places import Point
from marketplace.domain.pricesteps import PriceStep
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import Snapshot, SnapshotFiling, SnapshotLine, SnapshotLot

JANUARY, FEBRUARY = Month(2027, 1), Month(2027, 2)

TARIFF = Tariff(
    code="test",
    name_zh="试验",
    name_en="Test",
    fixed_fen_per_t=1000,
    bands=(Band(0, 50),),
    payload_kg=30_000,
    source="test",
    date="2027-01",
    confidence="high",
)

PLANT = Point(39_500_000, 112_500_000)


def north(meters: int) -> Point:
    """Return the point so far north of the plant; a millionth of a degree is 11.12 cm."""
    return Point(PLANT.lat_udeg + round(meters / 0.111195), PLANT.lon_udeg)


def offered(**changes: object) -> Offered:
    """Return 100 t of fly ash at the plant, for 20 yuan per tonne at least."""
    ash = Offered(
        organization_id=1,
        point=PLANT,
        division_code="140602",
        material="fly_ash",
        waste_code="900-001-S02",
        legal_status="solid_waste",
        kg=100_000,
        reserve_fen_per_t=2000,
    )
    return replace(ash, **changes)


def accepting(line_id: int = 1, **changes: object) -> Accepting:
    """Return a line 20 km away that pays 70 yuan per tonne delivered."""
    line = Accepting(
        line_id=line_id,
        organization_id=100 + line_id,
        point=north(20_000),
        division_code="140602",
        materials={"fly_ash": 7000},
        permit_valid_until=date(2030, 12, 31),
        permit_verified=True,
    )
    return replace(line, **changes)


def lot(
    listing_id: int = 1, kg: int = 100_000, months: tuple[tuple[Month, int], ...] = (), **changes: object
) -> SnapshotLot:
    """Return a lot of so many kilograms in January, or in the months given."""
    months = months or ((JANUARY, kg),)
    return SnapshotLot(
        listing_id=listing_id, months=months, offered=offered(kg=sum(mass for _, mass in months), **changes)
    )


def line(
    line_id: int = 1, kg: int = 100_000, months: tuple[tuple[Month, int], ...] = (), **changes: object
) -> SnapshotLine:
    """Return a line with so much room in January, or in the months given."""
    return SnapshotLine(months=months or ((JANUARY, kg),), accepting=accepting(line_id, **changes))


def snapshot(lots: tuple[SnapshotLot, ...], lines: tuple[SnapshotLine, ...], **changes: object) -> Snapshot:
    """Return a market round over January and February within 200 km."""
    usual = {
        "round_id": 12,
        "kind": "market",
        "objective": "utilization",
        "months": (JANUARY, FEBRUARY),
        "max_km": 200,
        "circuity_permille": 1300,
        "tariffs": (("fly_ash", TARIFF), ("coal_gangue", TARIFF)),
    }
    return Snapshot(lots=lots, lines=lines, **{**usual, **changes})


def filing(filing_id: int = 1, kg: int = 50_000, **changes: object) -> SnapshotFiling:
    """Return a filing of 50 t from the plant to the first line's recycler, for 2027."""
    return replace(
        SnapshotFiling(
            filing_id=filing_id,
            producer_id=1,
            recycler_id=101,
            waste_code="900-001-S02",
            filing=Filing(remaining_kg=kg, valid_from=date(2027, 1, 1), valid_to=date(2027, 12, 31)),
        ),
        **changes,
    )


_MONTHS = st.dictionaries(st.sampled_from([JANUARY, FEBRUARY]), st.integers(0, 60), min_size=1, max_size=2)
_PROVINCES = st.sampled_from(["140602", "140602", "150602"])
_MATERIAL = st.sampled_from(["fly_ash", "fly_ash", "coal_gangue"])
_MOISTURE = st.sampled_from(
    [{}, {"moisture": Decimal("0.8")}, {"moisture": Decimal("1.4")}, {"moisture": Decimal("3.0")}]
)
_LIMITS = st.sampled_from(
    [
        (),
        (Limit(property="moisture", maximum=Decimal("1.0")),),
        (
            Limit(
                property="moisture",
                maximum=Decimal("1.0"),
                deduction_fen_per_unit=301,
                stop_maximum=Decimal("2.0"),
            ),
        ),
    ]
)
_STORAGE = st.sampled_from(
    [
        {},
        {},
        {"storage_kg": ((JANUARY, 20_000),), "storage_fen_per_t": 100},
        {"storage_kg": ((JANUARY, 40_000),), "storage_fen_per_t": 2500},
        {"storage_kg": ((JANUARY, 7_000),)},
    ]
)
"""What may wait over the end of January, at a plant or in front of a line."""
_STEPS = st.sampled_from(
    [
        {},
        {},
        {"steps": (PriceStep(beyond_kg=11_000, less_fen_per_t=900),)},
        {"steps": (PriceStep(beyond_kg=9_500, less_fen_per_t=1), PriceStep(beyond_kg=30_001, less_fen_per_t=3000))},
        {"steps": (PriceStep(beyond_kg=20_000, less_fen_per_t=450),), "stood_kg": ((JANUARY, 13_001),)},
    ]
)
"""What a line bids less for beyond a quantity; nothing in a planning round."""


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw rounds of up to five lots and four lines, with everything that can stand between them."""
    lots = tuple(draw(_lots(listing_id)) for listing_id in range(1, draw(st.integers(0, 5)) + 1))
    lines = tuple(draw(_lines(line_id)) for line_id in range(1, draw(st.integers(0, 4)) + 1))
    filings = tuple(
        filing(
            filing_id, draw(st.integers(0, 40_000)), producer_id=draw(st.integers(1, 3)), recycler_id=100 + filing_id
        )
        for filing_id in range(1, draw(st.integers(0, 2)) + 1)
    )
    kind = draw(st.sampled_from(["market", "planning"]))
    if kind == "planning":
        lines = tuple(replace(each, steps=(), stood_kg=()) for each in lines)
    return snapshot(lots, lines, filings=filings, kind=kind)


def without_storage(round_: Snapshot) -> Snapshot:
    """Return the round in which nothing waits from month to month."""
    lots = tuple(replace(each, storage_kg=()) for each in round_.lots)
    return replace(round_, lots=lots, lines=tuple(replace(each, storage_kg=()) for each in round_.lines))


@st.composite
def _lots(draw: st.DrawFn, listing_id: int) -> SnapshotLot:
    months = tuple((month, kg * 997) for month, kg in sorted(draw(_MONTHS).items()))
    drawn = lot(
        listing_id,
        months=months,
        organization_id=draw(st.integers(1, 3)),
        point=north(draw(st.integers(-150_000, 150_000))),
        material=draw(_MATERIAL),
        legal_status=draw(st.sampled_from(["solid_waste", "solid_waste", "solid_waste", "by_product"])),
        properties=draw(_MOISTURE),
        least_lot_kg=draw(st.sampled_from([0, 0, 9_000, 30_000])),
        reserve_fen_per_t=draw(st.integers(-6000, 3000)),
        division_code=draw(_PROVINCES),
    )
    had = draw(st.dictionaries(st.integers(101, 104), st.integers(1, 20_000), max_size=2))
    cap_kg = draw(st.sampled_from([None, None, 10_000, 25_000]))
    drawn = replace(drawn, cap_per_buyer_kg=cap_kg, had=tuple(had.items()) if cap_kg else ())
    return replace(drawn, **draw(_STORAGE))


@st.composite
def _lines(draw: st.DrawFn, line_id: int) -> SnapshotLine:
    months = tuple((month, kg * 1003) for month, kg in sorted(draw(_MONTHS).items()))
    prices = {draw(_MATERIAL): draw(st.integers(-2000, 9000)), "fly_ash": draw(st.integers(0, 9000))}
    drawn = line(
        line_id,
        months=months,
        organization_id=draw(st.sampled_from([100 + line_id, 100 + line_id, 101, 1])),
        point=north(draw(st.integers(-100_000, 100_000))),
        materials=prices,
        limits=draw(_LIMITS),
        radius_m=draw(st.sampled_from([None, 60_000, 120_000])),
        permit_verified=draw(st.sampled_from([True, True, True, False])),
        closed_months=draw(st.sampled_from([frozenset(), frozenset({2})])),
        least_lot_kg=draw(st.sampled_from([0, 0, 8_000, 25_000])),
        division_code=draw(_PROVINCES),
    )
    return replace(drawn, **draw(_STORAGE), **draw(_STEPS))
