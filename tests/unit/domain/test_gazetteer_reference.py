"""The gazetteer against an independent one, where that is at hand."""

from __future__ import annotations

import csv
from pathlib import Path
from statistics import median

import pytest

from marketplace.domain.places import Point, division, divisions, great_circle_m

REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "data" / "real" / "cn_gazetteer.csv"

pytestmark = pytest.mark.skipif(not REFERENCE.exists(), reason="the reference gazetteer is not at hand")


@pytest.mark.parametrize("level", ["province", "prefecture", "county"])
def test_codes_and_points_agree(level: str) -> None:
    with REFERENCE.open(encoding="utf-8", newline="") as lines:
        listed = [row for row in csv.DictReader(lines) if row["level"] == level]
    # Municipalities, and counties directly under a province, stand there as prefectures too; here they do not.
    listed = [row for row in listed if row["name_zh"] != row["prov_zh"] or level == "province"]
    listed = [row for row in listed if level != "prefecture" or row["adcode"].endswith("00")]

    found = [row for row in listed if row["adcode"] in _codes()]
    apart_m = [
        great_circle_m(division(row["adcode"]).point, Point(_micro(row["lat"]), _micro(row["lon"])))
        for row in found
        if division(row["adcode"]).precision == "own" and row["precision"] != "prefecture"
    ]

    assert len(found) / len(listed) > 0.99
    assert all(division(row["adcode"]).name_zh == row["name_zh"] for row in found)
    assert median(apart_m) < 2_000
    assert sorted(apart_m)[int(len(apart_m) * 0.95)] < 10_000


def _codes() -> set[str]:
    return {each.code for each in divisions()}


def _micro(degrees: str) -> int:
    return round(float(degrees) * 1_000_000)
