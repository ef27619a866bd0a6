"""Where `flask --app wsgi match` solves: what --solver names, else what the site is set to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from marketplace.app import create_app
from marketplace.cli import places
from marketplace.cli.match import match
from marketplace.cli.places import NoSuchPlace, spread_of
from marketplace.settings import read
from marketplace.solver.spread import OneCore, Processes
from tests.functional.test_match import DEMAND, SUPPLY


def site(folder: Path, solver: str) -> Flask:
    """Return a site that is set to solve somewhere."""
    settings = read(
        {"HUIYONG_DATA": str(folder / "var"), "HUIYONG_DATABASE_URL": f"sqlite:///{folder / 'var' / 'site.db'}"}
    )
    return create_app(replace(settings, solver=solver))


def run(folder: Path, app: Flask, *options: str) -> Result:
    for name, content in (("supply.csv", SUPPLY), ("demand.csv", DEMAND)):
        (folder / name).write_text(content, encoding="utf-8")
    files = [str(folder / name) for name in ("supply.csv", "demand.csv")]
    outputs = ["--out", str(folder / "plan.csv"), "--report", str(folder / "report.json")]
    return app.test_cli_runner().invoke(match, [*files, *outputs, *options])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What processes and clusters are asked for, which are not started here."""
    made: list[str] = []

    def processes(workers: int | None = None) -> OneCore:
        made.append(f"processes:{workers}")
        return OneCore()

    monkeypatch.setattr(places, "Processes", processes)
    return made


def reached(app: Flask, asked: list[str]) -> Flask:
    """Let the site note which cluster it is asked for."""

    def spread(solver: str, **_: Any) -> OneCore:
        asked.append(solver)
        return OneCore()

    app.extensions["marketplace.spread"] = spread
    return app


def test_without_the_option_the_setting_says_where(tmp_path: Path, asked: list[str]):
    done = run(tmp_path, site(tmp_path, "processes:3"))

    assert done.exit_code == 0, done.output
    assert asked == ["processes:3"]


def test_the_option_stands_before_the_setting(tmp_path: Path, asked: list[str]):
    assert run(tmp_path, site(tmp_path, "processes:3"), "--solver", "core").exit_code == 0
    assert asked == []

    assert run(tmp_path, site(tmp_path, "core"), "--solver", "processes:2").exit_code == 0
    assert asked == ["processes:2"]


@pytest.mark.parametrize("options", [(), ("--solver", "tcp://10.0.0.6:8786")])
def test_a_cluster_may_be_named_by_either(options: tuple[str, ...], tmp_path: Path, asked: list[str]):
    pytest.importorskip("distributed")
    app = reached(site(tmp_path, "core" if options else "tcp://10.0.0.6:8786"), asked)

    done = run(tmp_path, app, *options)

    assert done.exit_code == 0, done.output
    assert asked == ["tcp://10.0.0.6:8786"]


def test_a_cluster_without_dask_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(places, "find_spec", lambda _: None)

    refused = run(tmp_path, site(tmp_path, "core"), "--solver", "tcp://10.0.0.6:8786")

    assert refused.exit_code == 2
    assert "Dask is not installed: pip install -r requirements-cluster.txt" in refused.output


@pytest.mark.parametrize("solver", ["tcp://10.0.0.6", "tcp://10.0.0.6:99999", "tcp://a:b@c:1", "processes:0", "cloud"])
def test_no_such_place_is_refused(solver: str, tmp_path: Path):
    refused = run(tmp_path, site(tmp_path, "core"), "--solver", solver)

    assert refused.exit_code == 2
    assert f"--solver {solver}: there are core, processes and processes:N" in refused.output
    assert not (tmp_path / "plan.csv").exists()


def test_without_a_site_this_core_solves_and_no_cluster_is_reached():
    assert isinstance(spread_of(None), OneCore)
    assert isinstance(spread_of("processes:2"), Processes)
    with pytest.raises(NoSuchPlace):
        spread_of("tcp://10.0.0.6:8786")
