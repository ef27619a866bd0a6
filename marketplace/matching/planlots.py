"""A lot of the supply file, and how a row of it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from marketplace.domain.quantities import Month, fen, kilograms
from marketplace.matching.plancells import identity, measured, province_of, storage_fen
from marketplace.matching.planmonths import refuse_months
from marketplace.matching.planrows import Row


@dataclass(frozen=True)
class Lot:
    """
    A row of the supply file: a lot, or what it offers in a ``month``. ``ask_fen_per_t`` is none where the file asks no price.

    ``cap_per_buyer_kg``: the most that one organization gets of it over all its lines, none for no cap;
    ``reserved_small_kg``: what is kept for small works; both over all months. ``storage_kg`` may stay over the month's
    end, for ``storage_fen_per_t`` a month. ``organization`` is the lot's own id where the file names none.
    """

    id: str
    material: str
    point: tuple[int, int]
    kg: int
    ask_fen_per_t: int | None
    min_lot_kg: int
    province: str
    values: dict[str, float]
    cap_per_buyer_kg: int | None = None
    reserved_small_kg: int = 0
    organization: str = ""
    month: Month | None = None
    storage_kg: int = 0
    storage_fen_per_t: int = 0


def lot_of(row: Row, properties: Iterable[str], *, provinces: bool) -> Lot:
    """Return the lot of a row; the row is not sound if it has a fault."""
    refuse_months(row, ("storage_t", "storage_yuan_per_t_month"))
    values = {name: row.read(name, measured) for name in properties}
    own, month = identity(row, "supply_id")
    lot = Lot(
        id=own,
        material=row.text("material"),
        point=row.point(),
        kg=row.kg(),
        ask_fen_per_t=row.read("ask_yuan_per_t", fen),
        min_lot_kg=row.read("min_lot_t", kilograms, 0) or 0,
        province=province_of(row, needed=provinces),
        values={name: value for name, value in values.items() if value is not None},
        cap_per_buyer_kg=row.read("cap_per_buyer_t", kilograms),
        reserved_small_kg=row.read("reserved_small_t", kilograms, 0) or 0,
        organization=row.cells.get("organization", "") or own,
        month=month,
        storage_kg=row.read("storage_t", kilograms, 0) or 0,
        storage_fen_per_t=row.read("storage_yuan_per_t_month", storage_fen, 0) or 0,
    )
    if lot.reserved_small_kg > lot.kg and not row.rows.monthly:
        row.refuse("reserved_small_t", "More is kept for small works than there is.")
    return lot


def refuse_reserves(lots: Iterable[tuple[Row, Lot]]) -> None:
    """Refuse what is kept for small works if it is more than the lot has in all its months."""
    kg = dict[str, int]()
    read = list(lots)
    for _, lot in read:
        kg[lot.id] = kg.get(lot.id, 0) + lot.kg
    for row, lot in read:
        if row.rows.monthly and lot.reserved_small_kg > kg[lot.id]:
            row.refuse("reserved_small_t", "More is kept for small works than there is.")


SUPPLY_SAME: Final[dict[str, Callable[[Lot], object]]] = {
    "material": lambda lot: lot.material,
    "lat": lambda lot: lot.point[0],
    "lon": lambda lot: lot.point[1],
    "province_adcode": lambda lot: lot.province,
    "organization": lambda lot: lot.organization,
    "min_lot_t": lambda lot: lot.min_lot_kg,
    "cap_per_buyer_t": lambda lot: lot.cap_per_buyer_kg,
    "reserved_small_t": lambda lot: lot.reserved_small_kg,
}
"""What all rows of a lot say alike, by column."""


def measured_as(name: str) -> Callable[[Lot], object]:
    """Return what a lot says of a property, or None."""
    return lambda lot: lot.values.get(name)
