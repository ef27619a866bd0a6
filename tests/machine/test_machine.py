"""
Several organizations act at random, with the clock moving, and after each act every invariant holds.

``HUIYONG_MACHINE_STEPS`` asks for more acts than a run of the suite makes: 5000 takes some ten minutes. ``HUIYONG_MACHINE_SHRINK`` looks for the
shortest way to a fault, which may take minutes too.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, run_state_machine_as_test
from sqlalchemy import text

from marketplace.persistence.database import connect
from marketplace.persistence.tables import Base
from marketplace.services import awards, bids
from tests.machine.awarding import Awarding
from tests.machine.base import Market, acts_wanted
from tests.machine.bidding import Bidding
from tests.machine.ending import Ending
from tests.machine.governing import Governing
from tests.machine.holding import Holding
from tests.machine.selling import NUMBER

ACTS_OF_ONE_MARKET = 100


class Trading(Bidding, Holding, Awarding, Ending, Governing):
    """All acts together."""

    @initialize(numbers=st.lists(NUMBER, min_size=12, max_size=12))
    def begin(self, numbers: list[int]) -> None:
        """Begin with sales and bids, so that there is something to act on."""
        for place, number in enumerate(numbers):
            if place < 4:
                self.post(place * 3, 3 + number % 3, 1 + number % 4, 1 + number % 2, publish=True, stranger=1)
            else:
                price, kg = number % 90, 1 + number % 3
                self.bid(6 * place + 1, place, price, kg, "recycler", stranger=1)

    @invariant()
    def everything_holds(self) -> None:
        self.ask_everything()


def _run(machine: type[Market], acts: int) -> Counter[tuple[str, str]]:
    machine.told = Counter()
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(1, acts // ACTS_OF_ONE_MARKET),
            stateful_step_count=ACTS_OF_ONE_MARKET,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.generate, Phase.shrink) if os.environ.get("HUIYONG_MACHINE_SHRINK") else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
    return machine.told


def _files(empty: Path, folder: Path) -> Callable[[], str]:
    """Return what makes a new SQLite database for each market."""
    numbers = itertools.count()

    def new() -> str:
        file = folder / f"market{next(numbers)}.db"
        shutil.copy(empty, file)
        return f"sqlite:///{file}"

    return new


def test_whatever_is_done_on_sqlite_every_invariant_holds(empty_sqlite: Path, tmp_path: Path) -> None:
    Trading.new_database = staticmethod(_files(empty_sqlite, tmp_path))

    told = _run(Trading, acts_wanted(1500))

    for name in ("bid", "award", "accept", "open bids", "hold"):
        assert told[name, "done"], (name, sorted(told.items()))
    print(sum(told.values()), sorted(told.items()))


CONTROLS: dict[str, tuple[object, str, object, str]] = {
    "nothing is given back": (awards, "give_back", lambda *_given, **_named: None, ""),
    "the same bid is another": (bids, "_same", lambda *_: False, "bid twice has two effects"),
    "bids are taken whenever": (bids, "must_be_open", lambda *_: None, ""),
    "a signature is left out": (awards, "contract", lambda *_: None, "I3"),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_with_a_protection_off_the_machine_finds_it_out(
    empty_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, control: str
) -> None:
    where, name, instead, said = CONTROLS[control]
    monkeypatch.setattr(where, name, instead)
    Trading.new_database = staticmethod(_files(empty_sqlite, tmp_path))

    with pytest.raises((AssertionError, ValueError), match=said or None):
        _run(Trading, 1500)


def test_whatever_is_done_on_postgresql_every_invariant_holds(postgres_url: str | None) -> None:
    if postgres_url is None:
        pytest.skip("no PostgreSQL: install postgresql, or name one in HUIYONG_TEST_POSTGRES")
    tables = ", ".join(f'"{name}"' for name in Base.metadata.tables)

    def new() -> str:
        engine = connect(postgres_url)
        with engine.begin() as connection:
            connection.execute(text(f"truncate {tables} restart identity cascade"))
        engine.dispose()
        return postgres_url

    Trading.new_database = staticmethod(new)

    told = _run(Trading, acts_wanted(200))

    assert told["bid", "done"], told
    print(sum(told.values()), sorted(told.items()))
