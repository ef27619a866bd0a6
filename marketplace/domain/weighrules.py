"""What must be true of a weighbridge ticket, and what is odd about it: by itself, and beside the others of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Final, TypeAlias

from marketplace.domain.monthfiles import Fault
from marketplace.domain.plates import LEGAL_GROSS_KG, is_plate
from marketplace.domain.weighcells import CHINA
from marketplace.domain.wording import Sentence

DIVISION_KG: Final = 20
"""A truck scale of 60 t shows steps of 20 kg; two figures that are no further apart are the same weight."""

LEAST_GROSS_KG: Final = 500
"""What is less is no loaded vehicle; most often tonnes in a column of kilograms."""

MOST_BETWEEN: Final = timedelta(hours=24)
LONG_BETWEEN: Final = timedelta(hours=12)
"""A vehicle is loaded or unloaded in less; more is often one date written for two weighings with midnight between."""

SOON: Final = timedelta(minutes=10)

Tell: TypeAlias = Callable[[Iterable[Fault]], None]
Titles: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WeighRow:
    """
    A weighbridge ticket as a file has it: whole kilograms, instants in UTC, none where the file says none.

    ``net_kg`` is gross less tare, before ``deducted_kg`` for water and dirt. ``weighed_on`` is the day in China, which a
    file may say without a time.
    """

    line: int
    ticket: str
    plate: str
    gross_kg: int
    tare_kg: int
    material: str = ""
    sender: str = ""
    receiver: str = ""
    deducted_kg: int = 0
    gross_at: datetime | None = None
    tare_at: datetime | None = None
    weighed_on: date | None = None
    driver: str = ""
    weigher: str = ""
    note: str = ""
    contract: str = ""
    moisture: str = ""

    @property
    def net_kg(self) -> int:
        """Gross less tare."""
        return self.gross_kg - self.tare_kg

    @property
    def figures(self) -> tuple[object, ...]:
        """What makes two rows the same ticket, whoever wrote a note on one of them."""
        return (self.plate, self.gross_kg, self.tare_kg, self.gross_at, self.tare_at)

    @property
    def at(self) -> datetime | None:
        """When the vehicle was last on the scale, as far as the file says."""
        return max((at for at in (self.gross_at, self.tare_at) if at), default=None)


def deducted(kg: Mapping[str, int]) -> int:
    """Return what is taken off the net weight: as a whole where the file says so, else for dirt and water together."""
    return kg["deducted"] if "deducted" in kg else kg.get("deducted_dirt", 0) + kg.get("deducted_water", 0)


def weights(kg: Mapping[str, int]) -> Iterator[tuple[str, Sentence]]:
    """Yield what is wrong with the weights of a row, each with the field it is about; gross and tare are there."""
    gross, tare, off = kg["gross"], kg["tare"], deducted(kg)
    net = gross - tare
    if tare == 0 or gross == 0:
        yield "tare" if tare == 0 else "gross", Sentence("A weight of zero is no weight.")
    elif net <= 0:
        yield (
            "gross",
            Sentence(
                "The gross weight, %(gross_kg)s t, is not above the tare weight, %(tare_kg)s t. Are they swapped?",
                {"gross_kg": gross, "tare_kg": tare},
            ),
        )
    elif gross < LEAST_GROSS_KG:
        yield (
            "gross",
            Sentence("No loaded vehicle weighs as little as %(gross_kg)s t. Is the unit right?", {"gross_kg": gross}),
        )
    elif off >= net:
        yield (
            "deducted" if "deducted" in kg else "deducted_water" if "deducted_water" in kg else "deducted_dirt",
            Sentence(
                "More is taken off, %(deducted_kg)s t, than was carried, %(net_kg)s t.",
                {"deducted_kg": off, "net_kg": net},
            ),
        )
    elif "net" in kg and min(abs(kg["net"] - net), abs(kg["net"] - (net - off))) > DIVISION_KG:
        stated: dict[str, str | int | Sentence | tuple[str, ...] | None] = {"stated_kg": kg["net"], "net_kg": net}
        yield (
            "net",
            Sentence(
                "The net weight is stated as %(stated_kg)s t; gross less tare is %(net_kg)s t, and %(less_kg)s t after"
                " what is taken off.",
                stated | {"less_kg": net - off},
            )
            if off
            else Sentence("The net weight is stated as %(stated_kg)s t; gross less tare is %(net_kg)s t.", stated),
        )


def moments(
    gross_at: datetime | None, tare_at: datetime | None, day: date | None, now: datetime
) -> Iterator[tuple[str, Sentence]]:
    """Yield what is wrong with the times of a row, each with the field it is about."""
    for name, at in (("gross_at", gross_at), ("tare_at", tare_at)):
        if at is not None and at > now:
            yield name, Sentence("This lies in the future: %(weighed_at)s.", {"weighed_at": at.isoformat()})
    if gross_at is None and tare_at is None and day is not None and day > now.astimezone(CHINA).date():
        yield "date", Sentence("This lies in the future: %(weighed_date)s.", {"weighed_date": day.isoformat()})
    if gross_at is not None and tare_at is not None and abs(gross_at - tare_at) > MOST_BETWEEN:
        yield "tare_at", Sentence("More than 24 hours lie between the two weighings.")


def once_each(rows: Iterable[WeighRow], titles: Titles, fault: Tell, warn: Tell) -> tuple[list[WeighRow], int]:
    """Return the rows without those that say a ticket again, and how many those are; other figures are a fault."""
    kept: dict[str, WeighRow] = {}
    twice = 0
    for row in rows:
        first = kept.setdefault(row.ticket.casefold(), row)
        if first is row:
            continue
        if first.figures == row.figures:
            twice += 1
            told = Sentence("This is the ticket of line %(line)s again; it counts once.", {"line": first.line})
            warn([Fault(row.line, titles["ticket"], told)])
        else:
            told = Sentence("Line %(line)s has the same number with other figures.", {"line": first.line})
            fault([Fault(row.line, titles["ticket"], told)])
    return list(kept.values()), twice


def doubts(rows: Sequence[WeighRow], titles: Titles, warn: Tell) -> None:
    """Tell what is odd and may yet be true: strange plates, heavy loads, odd tares, too long or short a time."""
    by_plate: dict[str, list[WeighRow]] = {}
    for row in rows:
        by_plate.setdefault(row.plate, []).append(row)
        if not is_plate(row.plate):
            told = Sentence("“%(plate)s” is not what plates look like. Is it right?", {"plate": row.plate})
            warn([Fault(row.line, titles["plate"], told)])
        if row.gross_kg > LEGAL_GROSS_KG:
            told = Sentence(
                "%(gross_kg)s t is more than the %(legal_kg)s t that a vehicle may weigh on public roads.",
                {"gross_kg": row.gross_kg, "legal_kg": LEGAL_GROSS_KG},
            )
            warn([Fault(row.line, titles["gross"], told)])
        if row.gross_at and row.tare_at and abs(row.gross_at - row.tare_at) > LONG_BETWEEN:
            told = Sentence("More than 12 hours lie between the two weighings. Is the date of each its own?")
            warn([Fault(row.line, titles.get("tare_at", ""), told)])
    for journeys in by_plate.values():
        warn(_odd_tares(journeys, titles))
        warn(_hurried(journeys, titles))


def _odd_tares(journeys: Sequence[WeighRow], titles: Titles) -> Iterator[Fault]:
    """Yield the tares more than a tenth off the median of the other tares of the vehicle."""
    if len(journeys) < 2:
        return
    tares = sorted((row.tare_kg, row.line) for row in journeys)
    places = {line: place for place, (_, line) in enumerate(tares)}
    others = len(tares) - 1
    for row in journeys:
        place = places[row.line]
        low, high = (tares[at + (at >= place)][0] for at in ((others - 1) // 2, others // 2))
        if 20 * abs(2 * row.tare_kg - low - high) > 2 * (low + high):
            told = Sentence(
                "The tare weight, %(tare_kg)s t, is more than a tenth off what this vehicle weighs otherwise:"
                " %(usual_kg)s t.",
                {"tare_kg": row.tare_kg, "usual_kg": (low + high) // 2},
            )
            yield Fault(row.line, titles["tare"], told)


def _hurried(journeys: Sequence[WeighRow], titles: Titles) -> Iterator[Fault]:
    """Yield the journeys that end less than ten minutes after another of the same vehicle."""
    ended = sorted((at.astimezone(UTC), row.line) for row in journeys if (at := row.at))
    for (before, line), (at, later) in pairwise(ended):
        if at - before < SOON:
            told = Sentence("The same vehicle was weighed less than ten minutes from line %(line)s.", {"line": line})
            yield Fault(later, titles["plate"], told)
