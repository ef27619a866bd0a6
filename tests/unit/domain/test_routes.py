"""Routes, their usual limits, and default factors."""

from __future__ import annotations

import pytest

from marketplace.domain.errors import Invalid
from marketplace.domain.factors import KINDS, economic_radius_m, factor, factor_for, factors
from marketplace.domain.grades import property_of
from marketplace.domain.reference import rows
from marketplace.domain.routes import route, routes, routes_for, suggested_limits
from marketplace.domain.wastes import materials

CODES = {each.code for each in materials()}


def test_every_route_takes_materials_that_exist() -> None:
    for each in routes():
        assert set(each.materials) <= CODES
        assert each.materials
        assert 0 <= each.share_min_pct <= each.share_max_pct <= 100
        assert each.name_zh
        assert each.name_en
        assert each.source
        assert each.date
        assert each.confidence in {"high", "medium", "low"}
    assert len({each.code for each in routes()}) == len(routes())


def test_backfill_counts_where_the_province_says_so() -> None:
    backfill, board = route("mine_backfill"), route("gypsum_board")

    assert (backfill.counts_as_utilization, backfill.depends_on_province) == (True, True)
    assert (board.counts_as_utilization, board.depends_on_province) == (True, False)


def test_the_routes_of_a_material() -> None:
    codes = [each.code for each in routes_for("phosphogypsum")]

    assert codes == [
        "cement_retarder",
        "gypsum_board",
        "road_base",
        "mine_backfill",
        "reclamation",
        "soil_conditioner",
        "sulfuric_acid",
    ]


def test_refuses_a_route_that_is_none() -> None:
    with pytest.raises(Invalid, match="no utilization route"):
        route("moon")


def test_usual_limits_fit_their_route_and_property() -> None:
    suggested = [
        limit for each in routes() for material in each.materials for limit in suggested_limits(each.code, material)
    ]

    assert len(suggested) == len(rows("route_limits")) == 49
    for limit in suggested:
        measured = property_of(limit.property)
        bounds = [bound for bound in (limit.least, limit.most) if bound is not None]
        assert bounds
        assert all(measured.least <= bound <= measured.most for bound in bounds)


def test_usual_limits_of_concrete() -> None:
    limits = {each.property: each.most for each in suggested_limits("concrete_admixture", "fly_ash")}

    assert {code: str(most) for code, most in limits.items()} == {
        "residue_45um": "30.0",
        "water_demand_ratio": "105",
        "loss_on_ignition": "8.0",
        "moisture": "1.0",
        "so3": "3.0",
    }


def test_every_factor_lies_in_its_range_and_names_its_source() -> None:
    for each in factors():
        assert each.kind in KINDS
        assert each.low <= each.value <= each.high
        assert each.source
        assert each.date
        assert each.unit
        assert each.confidence in {"high", "medium", "low"}
        assert each.material is None or each.material in CODES
        assert each.route is None or route(each.route)
    assert {each.kind for each in factors()} == set(KINDS)


def test_the_most_particular_factor_counts() -> None:
    cement = factor_for("avoided", material="fly_ash", route="cement_admixture")
    stone = factor_for("avoided", material="tailings", route="aggregate")

    assert cement == factor("co2.fly_ash.cement_admixture")
    assert stone == factor("co2.stone")
    assert factor_for("avoided", material="fly_ash", route="alumina") is None
    with pytest.raises(Invalid, match="no factor"):
        factor("co2.phlogiston")


def test_the_economic_radius_is_in_meters() -> None:
    radius = economic_radius_m("fly_ash")

    assert radius == 150_000
    assert economic_radius_m("waste_paper") is None
