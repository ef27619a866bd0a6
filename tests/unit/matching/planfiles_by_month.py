"""Small files with months, drawn at random, and the best plan of them by a model of its own: ids and months, no arrays of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from marketplace.domain.haulage import default_tariff

MONTHS = ("2026-11", "2026-12", "2027-01")
POINTS = {"30,110": 0, "30,110.1": 12_519}
"""Two places and, from the first, the meters of road with a circuity of 1.3."""


@dataclass(frozen=True)
class Files:
    """Rows as they stand in the files, figures in whole tonnes and yuan, and what is asked beside them."""

    lots: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    filings: list[dict[str, Any]] | None = None
    objective: str = "utilization"
    fee: int = 0
    load: int = 1
    options: dict[str, Any] = field(default_factory=dict)

    def csv(self, rows: list[dict[str, Any]]) -> bytes:
        """Return rows as a file."""
        head = ",".join(rows[0]).replace("point", "lat,lon")
        return "\n".join([head, *(",".join(map(str, row.values())) for row in rows)]).encode()


@st.composite
def monthly_files(draw: st.DrawFn, *, kinds: tuple[str, ...], surplus: bool = False) -> Files:
    """Two lots, two lines, up to three months, with what ``kinds`` asks for."""

    def whole(low: int, high: int) -> int:
        return draw(st.integers(low, high))

    def any_of(*values: Any) -> Any:
        return draw(st.sampled_from(values))

    lots, lines = [], []
    for name in "AB":
        place, province, least = any_of(*POINTS), any_of(420000, 430000), any_of("", 2) if "least" in kinds else ""
        months = draw(st.sets(st.sampled_from(MONTHS), min_size=1))
        lots += [
            {
                "supply_id": name,
                "material": "ash",
                "point": place,
                "month": month,
                "province_adcode": province,
                "organization": f"plant {name}",
                "tonnes": whole(0, 5),
                "ask_yuan_per_t": whole(-20, 20) if surplus else "",
                "min_lot_t": least,
                "storage_t": whole(0, 3) if "storage" in kinds else "",
                "storage_yuan_per_t_month": whole(0, 3) if "storage" in kinds else "",
            }
            for month in sorted(months)
        ]
    for name in "XY":
        place, province = any_of(*POINTS), any_of(420000, 430000)
        closed = any_of("", "12", "12 01", "2026-11") if "closed" in kinds else ""
        permit = any_of("", 0, 2, 4, 6) if "permit" in kinds else ""
        months = draw(st.sets(st.sampled_from(MONTHS), min_size=1))
        lines += [
            {
                "demand_id": name,
                "material": "ash",
                "point": place,
                "month": month,
                "province_adcode": province,
                "organization": "works",
                "tonnes": whole(0, 5),
                "bid_yuan_per_t": whole(0, 60) if surplus else "",
                "storage_t": whole(0, 3) if "storage" in kinds else "",
                "storage_yuan_per_t_month": whole(0, 3) if "storage" in kinds else "",
                "closed_months": closed,
                "permit_t_year": permit,
            }
            for month in sorted(months)
        ]
    if not surplus:
        lots[0]["ask_yuan_per_t"] = "-1000"  # a price, so that freight and storage are money; nobody bids
    filings = None
    if "filing" in kinds:
        spans = [(name, *any_of(("", ""), ("2026-12-01", ""), ("2026-01-01", "2026-12-31"))) for name in "AB"]
        filings = [
            {
                "producer": f"plant {name}",
                "recycler": "works",
                "material": "ash",
                "tonnes_left": whole(0, 4),
                "valid_from": first,
                "valid_to": last,
            }
            for name, first, last in spans
            if draw(st.booleans())
        ] or [{"producer": "a", "recycler": "b", "material": "c", "tonnes_left": 1, "valid_from": "", "valid_to": ""}]
    return Files(
        lots,
        lines,
        filings,
        "surplus" if surplus else "utilization",
        whole(0, 40) if "fee" in kinds else 0,
        any_of(1, 2) if "truck" in kinds else 1,
    )


def truth(files: Files) -> tuple[int, int]:
    """Return the kilograms and the cost in thousandths of a fen of the best plan, by mixed-integer programs of HiGHS."""
    return _Truth(files).best()


class _Truth:
    def __init__(self, files: Files) -> None:
        self.files = files
        self.unit = 1000 * files.load if files.load > 1 else 1
        self.names: list[Any] = []
        self.cost: list[float] = []
        self.most: list[float] = []
        self.rows: list[tuple[dict[int, float], float]] = []
        for lot in files.lots:
            for line in files.lines:
                if self._open(lot, line):
                    self._add(("x", lot["supply_id"], line["demand_id"], lot["month"]), self._freight(lot, line))
        for key, rows in (("supply_id", files.lots), ("demand_id", files.lines)):
            for first, last in pairwise(rows):
                if first[key] == last[key]:
                    gap = MONTHS.index(last["month"]) - MONTHS.index(first["month"])
                    fen = 100 * int(first["storage_yuan_per_t_month"] or 0) * gap
                    self._add((key, first[key], first["month"], last["month"]), fen, int(first["storage_t"] or 0))
        for pair in {name[1:3] for name in self.names if name[0] == "x"}:
            self._add(("made", *pair), 0.0)
        self._balance()
        self._contracts()
        self._permits()
        self._filings()

    def _add(self, name: Any, fen: float, most_t: float = 100) -> None:
        self.names.append(name)
        self.cost.append(fen)
        self.most.append(self._units(most_t) if name[0] != "made" else 1)

    def _units(self, tonnes: float) -> float:
        """Return whole units: truckloads where these are asked for, else kilograms."""
        return tonnes * 1000 // self.unit

    def _open(self, lot: dict[str, Any], line: dict[str, Any]) -> bool:
        if lot["month"] != line["month"]:
            return False
        if {lot["month"], lot["month"][5:]} & set(line["closed_months"].split()):
            return False
        surplus = self.files.objective == "surplus"
        if surplus and self._freight(lot, line) > 0:
            return False
        least = int(lot["min_lot_t"] or 0)
        offered = sum(row["tonnes"] for row in self.files.lots if row["supply_id"] == lot["supply_id"])
        taken = sum(row["tonnes"] for row in self.files.lines if row["demand_id"] == line["demand_id"])
        return min(offered, taken) >= least and self._filing(lot, line) is not False

    def _filing(self, lot: dict[str, Any], line: dict[str, Any]) -> Any:
        """Return the filing that a pair goes by, None if it needs none, False if it has none."""
        if self.files.filings is None or lot["province_adcode"] == line["province_adcode"]:
            return None
        day = {"2026-11": "2026-11-30", "2026-12": "2026-12-31", "2027-01": "2027-01-31"}[lot["month"]]
        for filing in self.files.filings:
            known = filing["producer"] == lot["organization"] and filing["recycler"] == line["organization"]
            if known and filing["valid_from"] <= day <= (filing["valid_to"] or "9999") and filing["tonnes_left"]:
                return filing["producer"]
        return False

    def _freight(self, lot: dict[str, Any], line: dict[str, Any]) -> int:
        road_m = 0 if lot["point"] == line["point"] else max(POINTS.values())
        freight = default_tariff().freight_fen_per_t(road_m)
        if self.files.objective == "utilization":
            return freight
        return freight + 100 * lot["ask_yuan_per_t"] - 100 * line["bid_yuan_per_t"]

    def _row(self, weights: dict[int, float], most: float) -> None:
        if weights:
            self.rows.append((weights, most))

    def _where(self, wanted: Any) -> list[int]:
        return [at for at, name in enumerate(self.names) if wanted(name)]

    def _balance(self) -> None:
        for key, rows, place, sign in (("supply_id", self.files.lots, 1, 1), ("demand_id", self.files.lines, 2, -1)):
            for row in rows:
                own, month = row[key], row["month"]
                moves = self._where(
                    lambda name, own=own, month=month, p=place: name[0] == "x" and name[p] == own and name[3] == month
                )
                weights = dict.fromkeys(moves, 1.0)
                weights |= dict.fromkeys(self._where(lambda n, k=key, o=own, t=month: n[:3] == (k, o, t)), float(sign))
                weights |= dict.fromkeys(
                    self._where(lambda n, k=key, o=own, t=month: n[:2] == (k, o) and n[-1] == t), -float(sign)
                )
                self._row(weights, self._units(row["tonnes"]))
                if sign < 0:  # what is passed on has arrived
                    self._row({at: -weight for at, weight in weights.items()}, 0)

    def _contracts(self) -> None:
        for at in self._where(lambda name: name[0] == "made"):
            pair = self.names[at][1:]
            moves = self._where(lambda name, pair=pair: name[0] == "x" and name[1:3] == pair)
            self._row(dict.fromkeys(moves, 1.0) | {at: -100_000.0}, 0)
            least = max(int(lot["min_lot_t"] or 0) for lot in self.files.lots if lot["supply_id"] == pair[0])
            self._row(dict.fromkeys(moves, -1.0) | {at: float(-(-1000 * least // self.unit))}, 0)
            self.cost[at] = 100_000.0 * self.files.fee / self.unit

    def _permits(self) -> None:
        for line in self.files.lines:
            if line["permit_t_year"] != "":
                year, own = line["month"][:4], line["demand_id"]
                moves = self._where(lambda n, o=own, y=year: n[0] == "x" and n[2] == o and n[3][:4] == y)
                self._row(dict.fromkeys(moves, 1.0), self._units(line["permit_t_year"]))

    def _filings(self) -> None:
        lots = {(lot["supply_id"], lot["month"]): lot for lot in self.files.lots}
        lines = {(line["demand_id"], line["month"]): line for line in self.files.lines}
        for filing in self.files.filings or ():
            moves = [
                at
                for at in self._where(lambda name: name[0] == "x")
                if self._filing(lots[self.names[at][1], self.names[at][3]], lines[self.names[at][2], self.names[at][3]])
                == filing["producer"]
            ]
            self._row(dict.fromkeys(moves, 1.0), self._units(filing["tonnes_left"]))

    def best(self) -> tuple[int, int]:
        """Solve for the most, then for the least cost of as much."""
        if not self.names:
            return 0, 0
        moves = np.array([name[0] == "x" for name in self.names], dtype=float)
        matrix, sides = np.zeros((len(self.rows), moves.size)), np.array([most for _, most in self.rows])
        for at, (weights, _) in enumerate(self.rows):
            for column, weight in weights.items():
                matrix[at, column] = weight
        cost = np.array(self.cost)
        if self.files.objective == "surplus":
            found = self._solved(cost, matrix, sides)
            return int(moves @ found) * self.unit, self._whole(cost @ found)
        most = round(float(moves @ self._solved(-moves, matrix, sides)))
        found = self._solved(cost, np.vstack([matrix, -moves]), np.append(sides, -most))
        return most * self.unit, self._whole(cost @ found)

    def _whole(self, cost: float) -> int:
        return round(cost * self.unit)

    def _solved(self, objective: np.ndarray, matrix: np.ndarray, sides: np.ndarray) -> np.ndarray:
        found = milp(
            objective,
            integrality=np.ones(objective.size),
            bounds=Bounds(0, np.array(self.most)),
            constraints=[LinearConstraint(matrix, -np.inf, sides)] if len(sides) else [],
            options={"mip_rel_gap": 0},
        )
        assert found.status == 0, found.message
        x: np.ndarray = np.rint(found.x)
        return x
