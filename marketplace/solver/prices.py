"""What one more tonne of supply or of room would change, read off a plan that is optimal."""

from __future__ import annotations

from typing import Final

import numpy as np

from marketplace.solver.problem import Flags, Integers, SolverFailed

_NONE: Final = np.iinfo(np.int64).min // 2


def shadow_prices(
    *,
    lot: Integers,
    line: Integers,
    cost: Integers,
    kg: Integers,
    left: Integers,
    short_lots: Flags,
    short_lines: Flags,
) -> tuple[Integers, Integers]:
    r"""
    Return ``lot_price`` :math:`u` (n,) and ``line_price`` :math:`v` (m,) that prove the plan ``kg`` (e,) on its face.

    The arcs given are those that a greatest plan may use; ``left`` (n,) are the kilograms of each lot not shipped. With
    :math:`w = -v`, the optimal prices are the solutions of

    .. math:: w_j \ge u_i - c_{ij}, \qquad u_i \ge w_j + c_{ij} \ (x_{ij} > 0), \qquad
              w_j \ge 0 \ (j \text{ not short}), \qquad u_i \ge 0 \ (a_i \text{ not exhausted}),

    together with :math:`u_i \le 0` for short lots and :math:`w_j \le 0` for lines with room. They form a lattice [1]_.
    Its least element is found by longest paths [2]_ from whatever is not exhausted, in whole numbers. There every
    :math:`v_j` is as great as it may be, and so exactly the change of the least cost by one more tonne of room at the
    line. The plan is the only input: two engines with the same plan get the same prices.

    Raises SolverFailed if there are no such prices, which is so if and only if the plan is not of the least cost; the
    last two inequalities are left to the certificate.

    References
    ----------
    .. [1] L. S. Shapley and M. Shubik (1971), :doi:`10.1007/BF01753437`.
    .. [2] R. Bellman (1958), On a routing problem, :doi:`10.1090/qam/102435`.
    """
    n, m = left.size, short_lines.size
    used = np.flatnonzero(kg)
    used_lot, used_line, used_cost = lot[used], line[used], cost[used]
    u, w = np.full(n, _NONE), np.where(short_lines, _NONE, 0)
    u[short_lots & (left > 0)] = 0
    raised_lots, raised_lines = u > _NONE, w > _NONE
    for _ in range(n + m + 2):
        before = u.copy()
        back = np.flatnonzero(raised_lines[used_line])
        np.maximum.at(u, used_lot[back], w[used_line[back]] + used_cost[back])
        raised_lots |= u > before
        if not raised_lots.any():
            break
        before = w.copy()
        onward = np.flatnonzero(raised_lots[lot])
        np.maximum.at(w, line[onward], u[lot[onward]] - cost[onward])
        raised_lines = w > before
        raised_lots = np.zeros(n, dtype=np.bool_)
        if not raised_lines.any():
            break
    else:
        raise SolverFailed("the plan is not of the least cost: a round trip saves")
    if (w == _NONE).any():
        raise SolverFailed("the plan does not move the most kilograms")
    idle = u == _NONE  # a lot of zero kilograms binds nothing: it is worth what its cheapest line would ask
    most = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(most, lot, w[line] + cost)
    u = np.where(idle, np.where(most == np.iinfo(np.int64).max, 0, most), u)
    return u, -w
