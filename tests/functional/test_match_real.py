"""The works of the country, as far as they are known, by the command line: the same plan, whoever makes it."""

from __future__ import annotations

import csv
import io
import json
import random
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner

from marketplace.cli import match as command
from marketplace.solver.engines import names

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "real"
FILES = (REAL / "cn_match_supply.csv", REAL / "cn_match_demand.csv")
MATERIALS = ("bf_slag", "coal_gangue", "fgd_gypsum", "fly_ash")
"""Those that the cement works take; nobody takes bottom ash and steel slag."""

pytestmark = pytest.mark.skipif(
    not all(path.exists() for path in FILES),
    reason="the instance of real plants is not beside this checkout (../shared/data/real)",
)


@dataclass(frozen=True)
class Country:
    """The rows of one material on both sides."""

    folder: Path
    supply: list[dict[str, str]]
    demand: list[dict[str, str]]

    @classmethod
    def of(cls, material: str, folder: Path) -> Country:
        supply, demand = (list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))) for path in FILES)
        return cls(
            folder,
            [row for row in supply if row["material"] == material],
            [row for row in demand if row["material"] == material],
        )

    def match(self, *options: str) -> tuple[bytes, dict]:
        """Return the plan's bytes and the report."""
        paths = [self.folder / name for name in ("supply.csv", "demand.csv", "plan.csv", "report.json")]
        for path, rows in zip(paths, (self.supply, self.demand), strict=False):
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
        supply, demand, plan, report = map(str, paths)
        done = CliRunner().invoke(command.match, [supply, demand, "--out", plan, "--report", report, *options])
        assert done.exit_code == 0, done.output
        return paths[2].read_bytes(), json.loads(paths[3].read_text(encoding="utf-8"))


def told(report: dict) -> dict:
    """Return what a report says of the plan, without names and seconds."""
    return {
        name: report[name] for name in ("supply_t", "demand_t", "matched_t", "transport_t_km", "cost_yuan", "arcs")
    } | {"unmatched": report["unmatched"], "most_t": report["certificate"]["most_t"]}


@pytest.mark.parametrize("material", MATERIALS)
def test_each_material_has_one_plan_whichever_engine_makes_it(material: str, tmp_path: Path):
    country = Country.of(material, tmp_path)

    plans = {name: country.match("--engine", name) for name in ("scipy", "network") if name in names()}

    assert len(plans) >= 1
    assert len({plan for plan, _ in plans.values()}) == 1
    assert len({json.dumps(told(report)) for _, report in plans.values()}) == 1
    for _, report in plans.values():
        proof = report["certificate"]
        assert (proof["feasible"], proof["tonnes_maximal"], proof["cost_minimal"]) == (True, True, True)
        assert (proof["bound"], proof["gap"], proof["violations"]) == (report["cost_yuan"], 0.0, [])
        assert report["matched_t"] == proof["most_t"] > 0


@pytest.mark.parametrize("material", MATERIALS)
def test_rows_in_another_order_are_the_same_plan(material: str, tmp_path: Path):
    country = Country.of(material, tmp_path)
    plan, report = country.match()
    chance = random.Random(material)
    mixed = Country(
        tmp_path,
        chance.sample(country.supply, len(country.supply)),
        chance.sample(country.demand, len(country.demand)),
    )

    again, told_again = mixed.match()

    assert again == plan
    assert told(told_again) == told(report)


@pytest.mark.parametrize("material", MATERIALS)
def test_other_ids_change_no_tonnes_and_no_cost(material: str, tmp_path: Path):
    country = Country.of(material, tmp_path)
    _, report = country.match()
    chance = random.Random(material)

    renamed = [
        [row | {column: name} for row, name in zip(rows, chance.sample(range(10**6), len(rows)), strict=True)]
        for rows, column in ((country.supply, "supply_id"), (country.demand, "demand_id"))
    ]
    _, again = Country(tmp_path, *renamed).match()

    assert told(again) == told(report)


@pytest.mark.parametrize("material", MATERIALS)
def test_a_thousandth_of_every_tonne_is_the_same_plan(material: str, tmp_path: Path):
    country = Country.of(material, tmp_path)
    whole, report = country.match()
    smaller = Country(
        tmp_path,
        *(
            [row | {"tonnes_per_year": f"{Decimal(row['tonnes_per_year']) / 1000:.3f}"} for row in side]
            for side in (country.supply, country.demand)
        ),
    )

    part, told_again = smaller.match()

    moved, expected = (
        [(row["supply_id"], row["demand_id"], Fraction(row["tonnes"]) / unit) for row in rows(plan)]
        for plan, unit in ((part, 1), (whole, 1000))
    )
    assert moved == expected
    assert Fraction(str(told_again["matched_t"])) * 1000 == Fraction(str(report["matched_t"]))


def rows(plan: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(plan.decode())))
