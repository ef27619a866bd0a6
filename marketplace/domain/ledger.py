"""The mass-balance ledger: figures of a month, the postings they are made of, the balance and the stock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias, cast

from marketplace.domain.errors import Conflict, Invalid
from marketplace.domain.quantities import MOST_KG, Month

Pair: TypeAlias = "tuple[str, str]"
"""The account that kilograms leave, and the one that they enter."""

GENERATED: Final[Pair] = ("process", "yard")
USED: Final[Pair] = ("yard", "utilized")
USED_FROM_STOCK: Final[Pair] = ("store", "utilized")
STORED: Final[Pair] = ("yard", "store")
DISPOSED: Final[Pair] = ("yard", "disposed")
DISPOSED_FROM_STOCK: Final[Pair] = ("store", "disposed")
DISCARDED: Final[Pair] = ("yard", "discarded")
SENT: Final[Pair] = ("yard", "sent")
SENT_FROM_STOCK: Final[Pair] = ("store", "sent")
USED_SENT: Final[Pair] = ("sent", "utilized")

PAIRS: Final = (
    GENERATED, USED, USED_FROM_STOCK, STORED, DISPOSED, DISPOSED_FROM_STOCK, DISCARDED, SENT, SENT_FROM_STOCK, USED_SENT,
)  # fmt: skip
"""Every movement that there is; a correction is one of them the other way."""

FLOWS: Final[dict[str, tuple[Pair, ...]]] = {
    "generated": (GENERATED,),
    "utilized": (USED, USED_FROM_STOCK, USED_SENT),
    "utilized_from_stock": (USED_FROM_STOCK, USED_SENT),
    "stored": (STORED, SENT),
    "disposed": (DISPOSED, DISPOSED_FROM_STOCK),
    "disposed_from_stock": (DISPOSED_FROM_STOCK,),
    "discarded": (DISCARDED,),
}
"""
The statutory figures, and the movements that each is made of.

What is sent out is stock, on the way or at its receiver, until the receiver confirms the use. Used in the period in which it
was sent, it was never stock: then it is no part of what was stored, nor of what was used from stock, see `Tally`.
"""


class Tally:
    """
    Sums of postings: ``moved`` by pair of accounts, in kilograms, and ``carried``, what was used in a later month than that in
    which it was sent, by the month in which it was sent.
    """

    def __init__(self) -> None:
        self.moved: dict[Pair, int] = {}
        self.carried: dict[Month, int] = {}

    def add(self, debit: str, credit: str, kg: int, *, since: Month | None = None, at_once: bool = False) -> None:
        """
        Add kilograms that went from one account to another; ``since`` is when a shipment left, ``at_once`` in the same month.

        What was sent and used in one month is used out of the yard, and was never stock.
        """
        sign = 1 if (debit, credit) == USED_SENT else -1 if (credit, debit) == USED_SENT else 0
        if sign and at_once:
            self._move(USED, sign * kg)
            self._move(SENT, -sign * kg)
            return
        if sign and since is not None:
            self.carried[since] = self.carried.get(since, 0) + sign * kg
        self._move((debit, credit), kg)

    def _move(self, pair: Pair, kg: int) -> None:
        self.moved[pair] = self.moved.get(pair, 0) + kg


@dataclass(frozen=True, kw_only=True)
class Figures:
    """
    The statutory figures of a period, in kilograms.

    ``utilized_kg`` and ``disposed_kg`` contain what came out of the stock of earlier periods; stored is what was put
    into store in the period, not what lies there. Sums of postings may hold any figures; `must_close` asks whether
    they make sense. ``carried`` is what of it was sent out in another month than it was used in, by the month in which it was
    sent: in each of the months it is stored and used from stock, in a period that holds both it is neither, see `over`.
    """

    generated_kg: int = 0
    utilized_kg: int = 0
    utilized_from_stock_kg: int = 0
    stored_kg: int = 0
    disposed_kg: int = 0
    disposed_from_stock_kg: int = 0
    discarded_kg: int = 0
    carried: tuple[tuple[Month, int], ...] = ()

    @classmethod
    def of(cls, tally: Tally) -> Figures:
        """Return the figures of sums of postings; what moved the other way is taken off."""
        moved = tally.moved

        def net(*pairs: Pair) -> int:
            return sum(moved.get(pair, 0) - moved.get((pair[1], pair[0]), 0) for pair in pairs)

        figures = cls.named({f"{flow}_kg": net(*pairs) for flow, pairs in FLOWS.items()})
        return replace(figures, carried=tuple(sorted(tally.carried.items())))

    @classmethod
    def named(cls, masses: Mapping[str, int]) -> Figures:
        """Return figures by their names, those of `MASSES`."""
        return replace(NOTHING, **cast("dict[str, Any]", dict(masses)))

    def __add__(self, other: Figures) -> Figures:
        return self._with(other, 1)

    def __sub__(self, other: Figures) -> Figures:
        return self._with(other, -1)

    def _with(self, other: Figures, sign: int) -> Figures:
        carried = dict(self.carried)
        for month, kg in other.carried:
            carried[month] = carried.get(month, 0) + sign * kg
        figures = Figures.named({name: getattr(self, name) + sign * getattr(other, name) for name in MASSES})
        return replace(figures, carried=tuple(sorted((month, kg) for month, kg in carried.items() if kg)))

    def over(self, first: Month) -> Figures:
        """
        Return the figures of a period that begins with a month, from the sum of those of its months.

        What was sent and used within the period was never stock in it: no statutory figure counts it as stored, or as used from
        stock, and the rate of a year is not lowered by what was on the way at the end of a month.
        """
        within = sum(kg for month, kg in self.carried if month >= first)
        return replace(
            self,
            stored_kg=self.stored_kg - within,
            utilized_from_stock_kg=self.utilized_from_stock_kg - within,
            carried=tuple((month, kg) for month, kg in self.carried if month < first),
        )

    @property
    def placed_kg(self) -> int:
        """Where the period's generation went: (U - Up) + S + (D - Dp) + Q."""
        return (
            self.utilized_kg
            - self.utilized_from_stock_kg
            + self.stored_kg
            + self.disposed_kg
            - self.disposed_from_stock_kg
            + self.discarded_kg
        )

    @property
    def difference_kg(self) -> int:
        """How much more was placed than generated; zero where the identity closes."""
        return self.placed_kg - self.generated_kg

    @property
    def closes(self) -> bool:
        """Whether G = (U - Up) + S + (D - Dp) + Q."""
        return self.difference_kg == 0

    @property
    def base_kg(self) -> int:
        """What the rate is divided by: G + Up."""
        return self.generated_kg + self.utilized_from_stock_kg

    @property
    def to_stock_kg(self) -> int:
        """By how much the period raises the stock; negative where it lowers it."""
        return self.stored_kg - self.utilized_from_stock_kg - self.disposed_from_stock_kg

    @property
    def empty(self) -> bool:
        """Whether nothing moved."""
        return all(getattr(self, name) == 0 for name in MASSES)

    def by_pair(self) -> dict[Pair, int]:
        """Return the movements that make these figures."""
        return {
            GENERATED: self.generated_kg,
            USED: self.utilized_kg - self.utilized_from_stock_kg,
            USED_FROM_STOCK: self.utilized_from_stock_kg,
            STORED: self.stored_kg,
            DISPOSED: self.disposed_kg - self.disposed_from_stock_kg,
            DISPOSED_FROM_STOCK: self.disposed_from_stock_kg,
            DISCARDED: self.discarded_kg,
        }

    def must_close(self) -> None:
        """Raise Invalid where the figures contradict each other, and say by how many tonnes and on which side."""
        for name in MASSES:
            kg = getattr(self, name)
            if kg < 0:
                raise Invalid("Tonnes cannot be less than zero.", field=name)
            if kg > MOST_KG:
                raise Invalid("That is more than a thousand million tonnes. Is the unit right?", field=name)
        if self.utilized_from_stock_kg > self.utilized_kg:
            raise Invalid(
                "Of %(all_kg)s t utilized, %(stock_kg)s t cannot come from stock: that is a part of it.",
                field="utilized_from_stock_kg",
                all_kg=self.utilized_kg,
                stock_kg=self.utilized_from_stock_kg,
            )
        if self.disposed_from_stock_kg > self.disposed_kg:
            raise Invalid(
                "Of %(all_kg)s t disposed of, %(stock_kg)s t cannot come from stock: that is a part of it.",
                field="disposed_from_stock_kg",
                all_kg=self.disposed_kg,
                stock_kg=self.disposed_from_stock_kg,
            )
        if self.difference_kg > 0:
            raise Invalid(
                "This does not add up: %(placed_kg)s t were utilized, stored, disposed of or discarded from the month's"
                " own waste, %(difference_kg)s t more than the %(generated_kg)s t generated.",
                placed_kg=self.placed_kg,
                difference_kg=self.difference_kg,
                generated_kg=self.generated_kg,
            )
        if self.difference_kg < 0:
            raise Invalid(
                "This does not add up: %(generated_kg)s t were generated, %(difference_kg)s t more than the %(placed_kg)s t"
                " utilized, stored, disposed of or discarded from the month's own waste.",
                placed_kg=self.placed_kg,
                difference_kg=-self.difference_kg,
                generated_kg=self.generated_kg,
            )


MASSES: Final = tuple(f"{flow}_kg" for flow in FLOWS)
"""The names of the figures that are kilograms."""

NOTHING: Final = Figures()


@dataclass(frozen=True, kw_only=True)
class MonthFigures:
    """What a plant states for one month of one stream; ``reason`` is asked for where it corrects what stands."""

    stream_id: int
    month: Month
    figures: Figures
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse what does not add up."""
        self.figures.must_close()


@dataclass(frozen=True, kw_only=True)
class NewOpeningStock:
    """What lay in store of a stream before the first month of its ledger."""

    stream_id: int
    month: Month
    kg: int

    def __post_init__(self) -> None:
        """Refuse a stock below nothing."""
        if self.kg < 0:
            raise Invalid("Tonnes cannot be less than zero.", field="kg")


@dataclass(frozen=True)
class Posted:
    """A posting as it stands in the ledger."""

    id: int
    month: Month
    debit: str
    credit: str
    kg: int
    evidence: str = "declared"
    reverses_id: int | None = None
    since: Month | None = None
    shipment_id: int | None = None


@dataclass(frozen=True)
class Entry:
    """A posting to be written: a movement, or with ``reverses_id`` the same movement the other way."""

    debit: str
    credit: str
    kg: int
    reverses_id: int | None = None


def figures_of(postings: Iterable[Posted]) -> Figures:
    """Return the figures that postings make."""
    tally = Tally()
    for posted in postings:
        tally.add(posted.debit, posted.credit, posted.kg, since=posted.since, at_once=posted.since == posted.month)
    return Figures.of(tally)


def postings_for(figures: Figures, before: Iterable[Posted]) -> tuple[Entry, ...]:
    """
    Return the postings that bring a month from what stands to what is keyed in; none if that is the same.

    A movement that changes is reversed whole and posted anew. Only what was declared is reversed; what shipments have moved
    stands, and is a part of what is keyed in.

    Raises Conflict if less is keyed in than was weighed.
    """
    standing = [posted for posted in before if posted.shipment_id is None]
    proved = figures_of(posted for posted in before if posted.shipment_id is not None)
    reversed_ids = {posted.reverses_id for posted in standing}
    live = [posted for posted in standing if posted.reverses_id is None and posted.id not in reversed_ids]
    entries: list[Entry] = []
    for pair, wanted_kg in (figures - proved).by_pair().items():
        if wanted_kg < 0:
            raise Conflict(
                "Shipments have moved %(moved_kg)s t more than this; less cannot be keyed in. They are a part of each figure.",
                moved_kg=-wanted_kg,
            )
        of_pair = [posted for posted in live if (posted.debit, posted.credit) == pair]
        if sum(posted.kg for posted in of_pair) == wanted_kg:
            continue
        declared = [posted for posted in of_pair if posted.evidence == "declared"]
        weighed_kg = sum(posted.kg for posted in of_pair if posted.evidence != "declared")
        if wanted_kg < weighed_kg:
            raise Conflict(
                "%(weighed_kg)s t of this are proved by weighbridge tickets; less cannot be keyed in.",
                weighed_kg=weighed_kg,
            )
        entries += [Entry(posted.credit, posted.debit, posted.kg, posted.id) for posted in declared]
        if wanted_kg > weighed_kg:
            entries.append(Entry(*pair, wanted_kg - weighed_kg))
    return tuple(entries)


@dataclass(frozen=True)
class Stock:
    """What lies in store at the beginning and at the end of a month."""

    month: Month
    begin_kg: int
    end_kg: int


def stock_roll(opening_kg: int, months: Mapping[Month, Figures]) -> tuple[Stock, ...]:
    """Return the stock of each month that has figures, in order: end = begin + S - Up - Dp."""
    rolled: list[Stock] = []
    kg = opening_kg
    for month, figures in sorted(months.items()):
        rolled.append(Stock(month, kg, kg + figures.to_stock_kg))
        kg += figures.to_stock_kg
    return tuple(rolled)


def first_overdrawn(opening_kg: int, months: Mapping[Month, Figures]) -> Stock | None:
    """Return the first month at whose end the store would hold less than nothing."""
    return next((stock for stock in stock_roll(opening_kg, months) if stock.end_kg < 0), None)


def overdrawn(stock: Stock) -> Invalid:
    """Return the refusal of a month that takes more out of the store than lies in it."""
    return Invalid(
        "In %(at_month)s %(missing_kg)s t more are taken out of the store than lie in it.",
        at_month=str(stock.month),
        missing_kg=-stock.end_kg,
    )
