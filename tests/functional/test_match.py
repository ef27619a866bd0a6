"""A plan from two files, by the command line alone."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from marketplace.cli import match as command
from marketplace.cli.progress import Line
from marketplace.matching.planfiles import read_demand, read_supply
from marketplace.matching.planning import Terms, eligible_pairs
from marketplace.solver import engines
from tests.unit.solver.problems import truth

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "real"
SUPPLY = "supply_id,material,lat,lon,tonnes\nA,ash,30,110,9\nB,ash,30,110.1,9\nC,slag,30,110,2\n"
DEMAND = "demand_id,material,lat,lon,tonnes\nX,ash,30,110,10\nY,ash,30,110.1,7\n"


@dataclass(frozen=True)
class Desk:
    """A folder with two files, and the command."""

    folder: Path

    def write(self, *, supply: str = SUPPLY, demand: str = DEMAND) -> None:
        (self.folder / "supply.csv").write_text(supply, encoding="utf-8")
        (self.folder / "demand.csv").write_text(demand, encoding="utf-8")

    def match(self, *options: str, supply: Path | None = None, demand: Path | None = None) -> Result:
        files = [str(supply or self.folder / "supply.csv"), str(demand or self.folder / "demand.csv")]
        outputs = ["--out", str(self.folder / "plan.csv"), "--report", str(self.folder / "report.json")]
        return CliRunner().invoke(command.match, [*files, *outputs, *options])

    @property
    def plan(self) -> list[dict[str, str]]:
        with (self.folder / "plan.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @property
    def report(self) -> dict:
        return json.loads((self.folder / "report.json").read_text(encoding="utf-8"))

    @property
    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write()
    return desk


def test_two_files_become_a_plan_and_a_report(desk: Desk):
    done = desk.match("--truckload-kg", "5000")

    assert done.exit_code == 0, done.output
    assert done.output == "17.000 t of 20.000 t matched in 3 contracts, 13 t km by road; proved.\n"
    assert [list(row.values()) for row in desk.plan] == [
        ["A", "X", "ash", "9.000", "0.000", "0.000", "0.000000"],
        ["B", "X", "ash", "1.000", "9.630", "12.519", "12.519000"],
        ["B", "Y", "ash", "7.000", "0.000", "0.000", "0.000000"],
    ]
    report = desk.report
    assert {name: report[name] for name in ("supply_t", "demand_t", "matched_t", "transport_t_km", "cost_yuan")} == {
        "supply_t": 20.0,
        "demand_t": 17.0,
        "matched_t": 17.0,
        "transport_t_km": 12.519,
        "cost_yuan": 12.519,
    }
    assert {name: report[name] for name in ("arcs", "components", "contracts", "engine", "objective", "trips")} == {
        "arcs": 4,
        "components": 1,
        "contracts": 3,
        "engine": engines.resolve("auto"),
        "objective": "utilization",
        "trips": 5,
    }
    proof = report["certificate"]
    assert (proof["feasible"], proof["tonnes_maximal"], proof["cost_minimal"]) == (True, True, True)
    assert (proof["bound"], proof["gap"]) == (12.519, 0.0)
    assert report["unmatched"] == {"no_line_for_material": 2.0, "capacity_full": 1.0}
    assert min(report[name] for name in ("candidate_seconds", "solve_seconds")) >= 0
    assert report["peak_rss_mib"] > 0


def test_the_same_files_give_the_same_bytes(desk: Desk):
    desk.match()
    first = (desk.folder / "plan.csv").read_bytes()

    desk.match()

    assert (desk.folder / "plan.csv").read_bytes() == first
    assert desk.names == {"supply.csv", "demand.csv", "plan.csv", "report.json"}


@pytest.mark.parametrize(
    ("wrong", "options", "said"),
    [
        ({"supply": SUPPLY.replace("B,ash,30,", "B,ash,95,")}, (), "supply.csv, line 3, column lat: This lies between"),
        ({"supply": SUPPLY.replace("B,", "A,")}, (), "supply.csv, line 3, column supply_id: “A” already stands"),
        ({"supply": SUPPLY.replace("110.1,9", "110.1,inf")}, (), "supply.csv, line 3, column tonnes: “inf” is not"),
        ({"demand": DEMAND.replace("110,10", "110,1e308")}, (), "demand.csv, line 2, column tonnes: “1e308” is not"),
        ({"demand": ""}, (), "demand.csv, line 1, column demand_id: The file is empty"),
        ({"demand": DEMAND.replace("lon,", "")}, (), "demand.csv, line 1, column lon: This column is missing."),
        ({}, ("--objective", "surplus"), "There is no surplus without prices"),
        (
            {},
            ("--engine", "magic"),
            f"--engine magic: there is no such engine. There are {', '.join(engines.names())}.",
        ),
        ({}, ("--max-km", "nan"), "“nan” is not a number"),
        ({}, ("--max-km", "-1"), "-1 is not between 0 and 20100"),
        ({}, ("--circuity", "0.9"), "0.9 is not between 1 and 10"),
        ({}, ("--circuity", "1.23456"), "--circuity 1.23456: at most three decimals"),
        ({}, ("--truckload-kg", "0"), "--truckload-kg"),
        ({}, ("--min-lot-kg", "-1"), "--min-lot-kg"),
        ({}, ("--out", "supply.csv"), "are different files"),
        ({}, ("--report", "nowhere/report.json"), "there is no such folder"),
    ],
)
def test_what_cannot_be_used_is_named_and_nothing_is_written(
    wrong: dict[str, str], options: tuple[str, ...], said: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    desk.write(**{"supply": SUPPLY, "demand": DEMAND, **wrong})
    before = (desk.folder / "supply.csv").read_bytes()
    monkeypatch.chdir(desk.folder)

    refused = desk.match(*options)

    assert refused.exit_code == 2
    assert said in refused.output
    assert desk.names == {"supply.csv", "demand.csv"}
    assert (desk.folder / "supply.csv").read_bytes() == before


def test_a_file_that_is_not_there_is_refused(desk: Desk):
    refused = desk.match(supply=desk.folder / "other.csv")

    assert refused.exit_code == 2
    assert "other.csv" in refused.output


@pytest.mark.parametrize("standing", [True, False])
def test_if_the_second_file_cannot_be_written_the_first_is_as_it_was(
    standing: bool, desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    if standing:
        (desk.folder / "plan.csv").write_text("the plan of yesterday", encoding="utf-8")
    before = desk.names
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if target.name == "report.json":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    refused = desk.match()

    assert refused.exit_code == 2
    assert "The plan cannot be written: No space left on device." in refused.output
    assert desk.names == before
    if standing:
        assert (desk.folder / "plan.csv").read_text(encoding="utf-8") == "the plan of yesterday"


def test_the_baseline_is_written_for_what_it_is(desk: Desk):
    desk.write(
        supply="supply_id,material,lat,lon,tonnes\nA,ash,30,110,5\nB,ash,30.5,110,5\n",
        demand="demand_id,material,lat,lon,tonnes,max_km\nX,ash,30,110,5,300\nY,ash,29.9,110,5,20\n",
    )

    done = desk.match("--engine", "greedy")

    assert done.exit_code == 0
    assert (desk.report["engine"], desk.report["matched_t"]) == ("greedy", 5.0)
    assert desk.report["certificate"]["tonnes_maximal"] is False
    assert desk.report["certificate"]["most_t"] == 10.0
    assert "not proved to be the best" in done.output


def test_a_plan_that_is_not_proved_is_not_written(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(engines.ENGINES, engines.resolve("auto"), engines.ENGINES["greedy"])
    desk.write(
        supply="supply_id,material,lat,lon,tonnes\nA,ash,30,110,5\nB,ash,30.5,110,5\n",
        demand="demand_id,material,lat,lon,tonnes,max_km\nX,ash,30,110,5,300\nY,ash,29.9,110,5,20\n",
    )

    refused = desk.match()

    assert refused.exit_code == 1
    assert "nothing is written" in refused.output
    assert desk.names == {"supply.csv", "demand.csv"}


def test_more_tonnes_than_can_be_are_refused(desk: Desk):
    rows = "".join(f"A{i},ash,30,110,1000000000\n" for i in range(9100))
    desk.write(supply="supply_id,material,lat,lon,tonnes\n" + rows)

    refused = desk.match()

    assert refused.exit_code == 2
    assert "add up to more than nine million million" in refused.output


@pytest.mark.parametrize("max_km", [100, 200, 300])
def test_the_plants_of_the_country_get_the_best_plan_there_is(max_km: int, desk: Desk):
    files = [REAL / "cn_match_supply.csv", REAL / "cn_match_demand.csv"]
    if not all(path.exists() for path in files):
        pytest.skip("the instance of real plants is not beside this checkout (../shared/data/real)")

    done = desk.match("--max-km", str(max_km), supply=files[0], demand=files[1])

    lots, lines = read_supply(files[0].read_bytes(), "s"), read_demand(files[1].read_bytes(), "d")
    terms = Terms(max_m=max_km * 1000, circuity_permille=1300, min_lot_kg=0)
    most_kg, cost = truth(eligible_pairs(lots, lines, terms).problem)
    assert done.exit_code == 0, done.output
    report, rows = desk.report, desk.plan
    assert report["matched_t"] == most_kg / 1000
    assert report["transport_t_km"] == report["cost_yuan"] == cost / 10**6
    assert report["certificate"]["violations"] == []
    assert report["certificate"]["cost_minimal"] is True
    assert rows == sorted(rows, key=lambda row: (row["supply_id"], row["demand_id"]))
    nobody = sum(lot.kg for lot in lots if lot.material in {"bottom_ash", "steel_slag"}) / 1000
    assert report["unmatched"]["no_line_for_material"] == nobody > 0
    assert sum(map(Fraction, map(str, report["unmatched"].values()))) == Fraction(str(report["supply_t"])) - Fraction(
        str(report["matched_t"])
    )
    taken: dict[str, int] = defaultdict(int)
    for row in rows:
        taken[row["demand_id"]] += int(Fraction(row["tonnes"]) * 1000)
        assert Fraction(row["great_circle_km"]) <= max_km
    room = {line.id: line.kg for line in lines}
    assert all(kg <= room[line] for line, kg in taken.items())


def told(done: Result) -> list[str]:
    """Return the lines of stderr."""
    return done.stderr.splitlines()


def test_progress_says_step_by_step_what_is_done(desk: Desk):
    done = desk.match("--progress")

    assert done.exit_code == 0
    assert told(done)[:3] == ["Reading the files", "Finding the pairs", "Solving"]
    assert told(done)[-1] == "Solving: 100 %"
    assert done.stdout.startswith("17.000 t of 20.000 t matched")


def test_without_a_terminal_nothing_is_said_of_the_progress(desk: Desk):
    assert told(desk.match()) == []
    assert told(desk.match("--no-progress")) == []


def test_on_a_terminal_one_line_is_written_over_and_wiped_away(monkeypatch: pytest.MonkeyPatch):
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", screen)
    line = Line(None)

    line.step("Solving")
    line(1, 300)
    line(2, 3)
    line(2, 3)
    line(1, 2)
    line.wipe()

    clear = "\r\x1b[K"
    assert screen.getvalue() == f"{clear}Solving{clear}Solving: 66 %{clear}Solving: 50 %{clear}"


def test_where_no_line_can_be_written_over_a_tenth_is_said_once(capsys: pytest.CaptureFixture[str]):
    line = Line(wanted=True)

    line.step("Solving")
    for done in range(1, 41):
        line(done, 40)

    assert capsys.readouterr().err.splitlines() == ["Solving", *(f"Solving: {tenth} %" for tenth in range(10, 101, 10))]


def test_ctrl_c_ends_with_130_and_writes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(engines.ENGINES, engines.resolve("auto"), stopped)
    (desk.folder / "plan.csv").write_text("the plan of yesterday", encoding="utf-8")

    done = desk.match()

    assert done.exit_code == 130
    assert told(done) == ["Stopped. Nothing is written."]
    assert desk.names == {"supply.csv", "demand.csv", "plan.csv"}
    assert (desk.folder / "plan.csv").read_text(encoding="utf-8") == "the plan of yesterday"


DEAF = """
import ctypes, os, signal, sys, threading
from marketplace.cli.match import match
from marketplace.solver import engines

def deaf(problem, **_):
    '''Wait in a library for ever: a lock that is taken twice. Another thread sends the signal once we are there.'''
    lock, libc = ctypes.create_string_buffer(64), ctypes.CDLL(None)
    libc.pthread_mutex_lock(lock)
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    libc.pthread_mutex_lock(lock)

engines.ENGINES[engines.resolve("auto")] = deaf
match()
"""


def test_ctrl_c_ends_it_even_while_a_library_does_not_return(desk: Desk):
    arguments = ["supply.csv", "demand.csv", "--out", "plan.csv", "--report", "report.json", "--progress"]

    done = subprocess.run(
        [sys.executable, "-c", DEAF, *arguments],
        cwd=desk.folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 130
    assert done.stderr.splitlines()[-1] == "Stopped. Nothing is written."
    assert desk.names == {"supply.csv", "demand.csv"}


def test_once_writing_begins_it_is_finished(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    replace = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        signal.raise_signal(signal.SIGINT)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)

    done = desk.match()

    assert done.exit_code == 0
    assert desk.names == {"supply.csv", "demand.csv", "plan.csv", "report.json"}
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
