"""What the page shows of a long curve, and of months that say the same."""

from __future__ import annotations

from marketplace.domain.quantities import Month
from marketplace.domain.results import RoomWorth
from marketplace.queries.roundworth import MOST_POINTS, CurveRow, _spans, curve_of, was_proved

REPORT = {"allocated_kg": 900_000, "freight_fen": 70_000, "deduction_fen": 5_000}


def content(points: int) -> dict[str, object]:
    """Return a result whose curve rises by one fen per tonne with each of so many tonnes."""
    kg = [1000 * place for place in range(points)]
    cost = [1000 * place * (place + 1) // 2 for place in range(points)]
    return {"curve": {"kg": kg, "cost": cost, "slack": [0] * (points - 1)}, "report": REPORT}


def test_of_many_points_a_few_exact_ones_are_drawn_with_both_ends() -> None:
    whole = content(1001)

    shown = curve_of(whole)

    assert shown is not None
    assert MOST_POINTS - 2 <= len(shown.points) <= MOST_POINTS
    assert (shown.points[0], shown.points[-1]) == ((0, 0), (1_000_000, 500_500))
    assert set(shown.points) <= {(1000 * place, place * (place + 1) // 2) for place in range(1001)}


def test_rows_tell_what_the_last_hundred_tonnes_cost() -> None:
    shown = curve_of(content(1001))

    assert shown is not None
    assert (shown.last_kg, shown.own_kg, shown.own_fen) == (100_000, 900_000, 75_000)
    assert shown.rows[0] == CurveRow(kg=100_000, fen=5_050, last_fen_per_t=51)
    assert shown.rows[-1] == CurveRow(kg=1_000_000, fen=500_500, last_fen_per_t=951)
    assert len(shown.rows) == 10


def test_of_less_than_a_hundred_tonnes_all_are_the_last() -> None:
    shown = curve_of(content(3))

    assert shown is not None
    assert shown.rows == (CurveRow(kg=2_000, fen=3, last_fen_per_t=2),)


def test_where_nothing_moves_there_is_no_curve() -> None:
    assert curve_of({}) is None
    assert curve_of({"curve": {"kg": [0], "cost": [0], "slack": []}, "report": REPORT}) is None


def test_the_greatest_slack_is_told_rounded_up() -> None:
    rough = content(3)
    rough["curve"]["slack"] = [1, 2001]  # type: ignore[index]

    shown = curve_of(rough)

    assert shown is not None
    assert shown.slack_fen == 3


def test_months_that_say_the_same_are_one_row_as_long_as_they_follow_on_one_another() -> None:
    def room(month: int, fen: int) -> RoomWorth:
        return RoomWorth(
            line_id=1, month=Month(2027, month), more_kg=1, more_fen_per_t=fen, less_kg=-1, less_fen_per_t=-fen
        )

    spans = _spans([room(1, 500), room(2, 500), room(5, 500), room(3, 700)])

    assert [(each.month.number, last.number, each.more_fen_per_t) for each, last in spans] == [
        (1, 2, 500), (5, 5, 500), (3, 3, 700)
    ]  # fmt: skip


def test_the_mark_is_found_wherever_the_words_hold_it() -> None:
    proved = {"text": "%(change)s", "values": {"change": {"text": "a", "values": {"proved_kg": 1}}, "worth": None}}

    assert was_proved(proved)
    assert not was_proved({"text": "%(change)s", "values": {"change": {"text": "a", "values": {}}}})
    assert not was_proved(None)
