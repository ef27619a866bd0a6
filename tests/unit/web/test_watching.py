"""Watchers of open sales: woken by one thread for all, so many at most, and gone when they leave."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from threading import Event

from marketplace.web.watching import Hub

PATIENT = 30.0
"""Longer than any wait here lasts, unless something is wrong."""


def hub(versions: Callable[[frozenset[int], datetime], dict[int, str]], **given: float) -> Hub:
    return Hub(versions, 2, **({"period": 0.01, "silence": PATIENT, "life": 2 * PATIENT} | given))  # type: ignore[arg-type]


def test_a_watcher_is_told_when_its_sale_has_changed_and_not_of_another_one() -> None:
    known = {1: "a", 2: "x"}
    of = hub(lambda wanted, _: {number: known[number] for number in wanted})
    stream = of.stream(1, "a")
    assert stream is not None
    assert next(stream) == "retry: 3000\n\n"

    known.update({1: "b", 2: "y"})

    assert next(stream) == "event: changed\ndata: b\n\n"
    stream.close()
    assert of.watching == 0


def test_what_changed_before_the_watcher_came_is_told_at_once() -> None:
    of = hub(lambda wanted, _: dict.fromkeys(wanted, "new"))
    stream = of.stream(1, "old")
    assert stream is not None
    next(stream)

    assert next(stream) == "event: changed\ndata: new\n\n"
    stream.close()


def test_there_are_so_many_streams_and_a_closed_one_makes_room_though_it_never_began() -> None:
    of = hub(lambda wanted, _: {})
    first, second = of.stream(1, "a"), of.stream(2, "a")
    assert first is not None
    assert second is not None
    assert of.stream(1, "a") is None

    first.close()
    first.close()

    assert of.watching == 1
    third = of.stream(1, "a")
    assert third is not None
    second.close()
    third.close()
    assert of.watching == 0


def test_a_silent_sale_gives_a_sign_of_life_and_the_stream_ends_in_time() -> None:
    of = hub(lambda wanted, _: dict.fromkeys(wanted, "a"), silence=0.01, life=0.05)
    stream = of.stream(1, "a")
    assert stream is not None

    said = list(stream)

    assert said[0] == "retry: 3000\n\n"
    assert set(said[1:]) == {": still here\n\n"}
    assert of.watching == 0


def test_one_question_serves_all_who_watch_and_a_fault_of_the_database_ends_nothing() -> None:
    asked: list[frozenset[int]] = []
    both = Event()

    def versions(wanted: frozenset[int], _: datetime) -> dict[int, str]:
        asked.append(wanted)
        if not both.is_set():
            raise OSError("away")
        return dict.fromkeys(wanted, "b")

    of = hub(versions)
    first, second = of.stream(1, "a"), of.stream(2, "a")
    assert first is not None
    assert second is not None
    next(first)
    next(second)

    both.set()

    assert {next(first), next(second)} == {"event: changed\ndata: b\n\n"}
    assert frozenset({1, 2}) in asked
    first.close()
    second.close()
