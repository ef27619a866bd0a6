"""All pairs within reach, and none beyond."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.domain.places import Point
from marketplace.domain.places import great_circle_m as of_points
from marketplace.solver import candidates, sphere
from marketplace.solver.candidates import great_circle_m, within

POINTS = st.lists(
    st.tuples(st.integers(-90_000_000, 90_000_000), st.integers(-180_000_000, 180_000_000))
    | st.tuples(st.integers(30_000_000, 33_000_000), st.integers(110_000_000, 113_000_000)),
    max_size=8,
).map(lambda points: np.array(points, dtype=np.int64).reshape(-1, 2))
RADII = st.sampled_from([0, 1, 50_000, 300_000, 5_000_000, 20_100_000])


@given(POINTS, POINTS, st.data())
@settings(deadline=None)
def test_finds_every_pair_within_the_radius_of_the_line(lots, lines, data):
    radius = np.array([data.draw(RADII) for _ in lines], dtype=np.int64)

    lot, line, meters = within(lots, lines, radius)

    expected = [
        (i, j, int(great_circle_m(lots[i : i + 1], lines[j : j + 1])[0]))
        for i in range(len(lots))
        for j in range(len(lines))
    ]
    expected = [pair for pair in expected if pair[2] <= radius[pair[1]]]
    assert list(zip(lot.tolist(), line.tolist(), meters.tolist(), strict=True)) == expected


@given(POINTS, POINTS)
@settings(deadline=None)
def test_says_the_same_distance_as_the_rules_do(lots, lines):
    count = min(len(lots), len(lines))

    meters = great_circle_m(lots[:count], lines[:count])

    here = [Point(*point) for point in lots[:count].tolist()]
    there = [Point(*point) for point in lines[:count].tolist()]
    assert meters.tolist() == [of_points(a, b) for a, b in zip(here, there, strict=True)]


def test_looks_up_piece_by_piece_and_finds_the_same(monkeypatch):
    rng = np.random.default_rng(3)
    lots, lines = (rng.integers((30_000_000, 110_000_000), (34_000_000, 114_000_000), (40, 2)) for _ in range(2))
    radius = np.full(40, 100_000)
    whole = within(lots, lines, radius)

    monkeypatch.setattr(candidates, "_BLOCK", 7)
    monkeypatch.setattr(candidates, "_WIDE", 5)
    pieces = within(lots, lines, radius)

    assert whole[0].size > 0
    assert all(np.array_equal(one, other) for one, other in zip(whole, pieces, strict=True))


PLACES = {
    "the poles": ((89_900_000, -180_000_000), (90_000_000, 180_000_000)),
    "the other pole": ((-90_000_000, -180_000_000), (-89_990_000, 180_000_000)),
    "where the date changes": ((-50_000, 179_950_000), (50_000, 180_000_000)),
    "one yard": ((31_000_000, 121_000_000), (31_000_300, 121_000_300)),
    "the whole Earth": ((-90_000_000, -180_000_000), (90_000_000, 180_000_000)),
    "a province": ((30_000_000, 110_000_000), (33_000_000, 114_000_000)),
}


@pytest.mark.parametrize("place", PLACES)
def test_hundreds_of_points_anywhere_give_the_meters_of_the_haversine(place):
    rng = np.random.default_rng(7)
    lots, lines = (rng.integers(*PLACES[place], (300, 2), endpoint=True) for _ in range(2))
    lines[:10] = lots[:10]
    lines[1::2, 1] -= np.where(lines[1::2, 1] > 179_000_000, 360_000_000, 0)  # the same meridian by its other name
    radius = rng.choice([-1, 0, 1, 40, 5_000, 120_000, 6_000_000, 20_100_000], 300)

    lot, line, meters = within(lots, lines, radius)

    all_lots, all_lines = np.divmod(np.arange(300 * 300), 300)
    truth = great_circle_m(lots[all_lots], lines[all_lines])
    near = np.flatnonzero(truth <= radius[all_lines])
    assert near.size > 300
    assert np.array_equal(lot, all_lots[near])
    assert np.array_equal(line, all_lines[near])
    assert np.array_equal(meters, truth[near])


def test_without_doubt_about_rounding_some_meters_are_wrong(monkeypatch):
    rng = np.random.default_rng(8)
    lots = rng.integers((-89_000_000, -180_000_000), (89_000_000, 180_000_000), (1_000, 2))
    lines = lots + rng.integers(-8, 9, (1_000, 2))  # within a meter, in blocks as wide as the Earth
    radius = np.full(1_000, 1_000)
    right = within(lots, lines, radius)

    monkeypatch.setattr(sphere, "_DOUBT_M", 0.0)
    monkeypatch.setattr(sphere, "_NEAR_M", -1.0)
    wrong = within(lots, lines, radius)

    assert np.array_equal(right[2], great_circle_m(lots[right[0]], lines[right[1]]))
    assert right[2].tolist() != wrong[2].tolist()


def test_the_radius_itself_is_within_reach():
    lots, lines = np.array([[30_000_000, 110_000_000]]), np.array([[31_000_000, 110_000_000]])

    assert within(lots, lines, np.array([111_195]))[2].tolist() == [111_195]
    assert within(lots, lines, np.array([111_194]))[2].tolist() == []
