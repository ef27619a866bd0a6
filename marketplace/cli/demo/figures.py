"""Two years of monthly figures with believable seasons, and lab values with a laboratory's spread."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from marketplace.cli.demo.tables import Row, kg
from marketplace.domain.quantities import Month

MONTHS = 24


@dataclass(frozen=True)
class MonthFigures:
    """What a stream did in one month, in kilograms; all but ``old_used`` come out of what was generated."""

    month: Month
    generated: int
    used: int
    old_used: int
    stored: int
    disposed: int


def months(stream: Row, last: Month) -> Iterator[MonthFigures]:
    """
    Yield the figures of a stream for two years up to ``last``.

    Heating makes more ash from November to March while brick works and roads take less; both follow a cosine with its
    peak in mid-January, and each month has a scatter of its own, the same at every load.
    """
    chance = random.Random(f"months {stream['key']}")
    generation, old = kg(stream["generation_t"]), kg(stream["old_stock_used_t"])
    winter, used_winter = float(stream["winter_percent"]) / 100, float(stream["used_winter_percent"]) / 100
    share, disposed_share = float(stream["used_percent"]) / 100, float(stream["disposed_percent"]) / 100
    for month in last.plus(1 - MONTHS).until(last):
        cold = math.cos((month.number - 1) / 6 * math.pi)
        years_ago = (last.year * 12 + last.number - month.year * 12 - month.number) // 12
        generated = _ten_kg(generation * (1 + (winter - 1) * cold) * chance.gauss(1, 0.025))
        lesser = 1 + (used_winter - 1) * cold - 0.02 * years_ago
        used = min(generated, _ten_kg(generated * min(0.985, share * lesser * chance.gauss(1, 0.03))))
        left = generated - used
        disposed = _ten_kg(left * disposed_share * chance.uniform(0.85, 1.1))
        warm = max(0.0, -cold)
        old_used = _ten_kg(old * warm * chance.uniform(0.7, 1.2))
        yield MonthFigures(month, generated, used, old_used, left - disposed, disposed)


def _ten_kg(mass: float) -> int:
    """Round to ten kilograms, the second decimal of a ledger's tonnes."""
    return max(0, round(mass / 10) * 10)


def lab_value(row: Row, sheet: int) -> Decimal:
    """Return a value of a lab sheet; sheet 0 is the newest and has the value of the table itself."""
    mean = Decimal(row["value"])
    if sheet == 0:
        return mean
    chance = random.Random(f"lab {row['stream']} {row['property']} {sheet}")
    scattered = mean * Decimal(str(round(1 + chance.gauss(0, 1) * float(row["spread_percent"]) / 100, 6)))
    step = Decimal(1).scaleb(int(mean.as_tuple().exponent))
    return max(step, scattered.quantize(step, rounding=ROUND_HALF_EVEN))


def moves(month: MonthFigures) -> Iterator[tuple[str, str, int]]:
    """Yield what moved in a month: from, to, kilograms."""
    yield "process", "yard", month.generated
    yield "yard", "utilized", month.used
    yield "yard", "store", month.stored
    yield "yard", "disposed", month.disposed
    yield "store", "utilized", month.old_used
