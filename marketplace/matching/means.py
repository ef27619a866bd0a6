"""Limits that the mean of a month keeps: what arrives beyond one is weighed against what arrives within."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import gcd

import numpy as np

from marketplace.domain.deductions import Limit
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import SnapshotLine
from marketplace.matching.assembly import Assembled
from marketplace.solver.ruling.rules import MOST_WEIGHT, Row


@dataclass(frozen=True, eq=False)
class Mean:
    r"""
    A limit of the mean of a property over what arrives at a line in a month, and the row that keeps it.

    With :math:`q_e` the value along an arc, :math:`Q` the limit and :math:`s` 1 for a greatest and -1 for a least value, the
    row is :math:`\sum_e s (q_e - Q) x_e \le r` in whole numbers, :math:`r` being what was promised to the line before
    leaves. Where that alone lies beyond the limit already, nothing more beyond it comes: the row is over those arcs, and 0.
    """

    line_id: int
    month: Month
    property: str
    limit: Decimal
    row: Row


def means_of(assembled: Assembled) -> tuple[Mean, ...]:
    """Return the means that a plan of the round could break, by line, limit and month."""
    blending = {
        line_id: [limit for limit in line.accepting.limits if limit.monthly_mean]
        for line_id, line in assembled.lines.items()
    }
    arcs: dict[tuple[int, Month], list[int]] = {}
    for arc, (_, line_id, month) in enumerate(assembled.arcs):
        if blending[line_id]:
            arcs.setdefault((line_id, month), []).append(arc)
    return tuple(
        mean
        for (line_id, month), into in sorted(arcs.items())
        for limit in blending[line_id]
        for mean in _means(assembled, assembled.lines[line_id], month, limit, into)
    )


def _means(assembled: Assembled, line: SnapshotLine, month: Month, limit: Limit, into: list[int]) -> Iterator[Mean]:
    """Yield the mean from above and that from below, as far as something could break them."""
    values = {}
    for arc in into:
        offered = assembled.lots[assembled.arcs[arc][0]].offered
        if limit.holds_for(offered.material):
            values[arc] = offered.properties[limit.property]  # without one the pair would not be joined
    for edge, sign in ((limit.maximum, 1), (limit.minimum, -1)):
        if edge is None:
            continue
        spare = -sign * promised(line, month, limit, edge)
        beyond = {
            arc: sign * (value - edge) for arc, value in values.items() if sign * (value - edge) > 0 or spare >= 0
        }
        if any(by > 0 for by in beyond.values()):
            yield Mean(line.line_id, month, limit.property, edge, _row(beyond, max(Decimal(0), spare)))


def promised(line: SnapshotLine, month: Month, limit: Limit, edge: Decimal) -> Decimal:
    """Return kilograms times the value beyond ``edge``, of what was promised to a line before for a month."""
    counted = (
        each
        for each in line.arriving
        if each.month == month and each.property == limit.property and limit.holds_for(each.material)
    )
    return sum((each.kg * (each.value - edge) for each in counted), Decimal(0))


def _row(beyond: dict[int, Decimal], spare: Decimal) -> Row:
    """
    Return the row of whole numbers that says the same.

    Values further from the limit than a million of the finest steps would need greater weights than a row may have: they are
    counted coarser, always against what lies beyond, so that a plan which keeps the row keeps the mean.
    """
    places = max(0, *(-int(by.normalize().as_tuple().exponent) for by in beyond.values()))
    unit = 10**places
    weights = [int(by * unit) for by in beyond.values()]
    step = gcd(*weights)
    step *= -(-max(abs(weight) for weight in weights) // (step * MOST_WEIGHT))
    whole = [-(-weight // step) for weight in weights]
    return Row(np.array(list(beyond), dtype=np.int64), np.array(whole, dtype=np.int64), int(spare * unit) // step)
