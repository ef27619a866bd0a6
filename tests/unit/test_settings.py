"""Settings are complete, or refused with the name of what is wrong."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from marketplace.settings import SettingsError, read


def test_nothing_set_is_a_park_on_one_machine(tmp_path: Path) -> None:
    settings = read({"HUIYONG_DATA": str(tmp_path)})

    assert settings.database_url == f"sqlite:///{tmp_path / 'huiyong.db'}"
    assert settings.mail == "folder"
    assert settings.geocoder_url == ""
    assert settings.solver == "core"
    assert (settings.idle_minutes, settings.absolute_hours) == (30, 12)


def test_the_secret_is_made_once_and_only_the_owner_reads_it(tmp_path: Path) -> None:
    first = read({"HUIYONG_DATA": str(tmp_path)}).secret_key

    second = read({"HUIYONG_DATA": str(tmp_path)}).secret_key

    assert first == second
    assert len(first) >= 32
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


def test_the_key_of_the_seals_lies_beside_the_data_and_never_among_it(tmp_path: Path) -> None:
    data, named = tmp_path / "data", tmp_path / "elsewhere" / "seal.key"

    settings = read({"HUIYONG_DATA": str(data)})
    shared = read({"HUIYONG_DATA": str(data), "HUIYONG_SEAL_KEY": str(named)})

    assert (settings.seal_key, settings.seal_key_made) == (tmp_path / "data-keys" / "seal.key", True)
    assert (shared.seal_key, shared.seal_key_made) == (named, False)
    for inside in (
        {"HUIYONG_DATA": str(data), "HUIYONG_SEAL_KEY": str(data / "seal.key")},
        {"HUIYONG_DATA": str(data), "HUIYONG_SEAL_KEY": str(data / "keys" / "seal.key")},
        {
            "HUIYONG_DATA": str(data),
            "HUIYONG_DATABASE_URL": f"sqlite:///{tmp_path / 'db' / 'x.db'}",
            "HUIYONG_SEAL_KEY": str(tmp_path / "db" / "seal.key"),
        },
        {"HUIYONG_DATA": str(data), "HUIYONG_DATABASE_URL": f"sqlite:///{tmp_path / 'x.db'}"},
    ):
        with pytest.raises(
            SettingsError, match=r"would lie at .*seal\.key.*Let HUIYONG_SEAL_KEY name a file elsewhere"
        ):
            read(inside)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SECRET_KEY", "short", "HUIYONG_SECRET_KEY"),
        ("DATABASE_URL", "mysql://x", "HUIYONG_DATABASE_URL"),
        ("MAIL", "pigeon", "HUIYONG_MAIL"),
        ("MAIL", "smtp", "HUIYONG_SMTP_HOST"),
        ("IDLE_MINUTES", "soon", "HUIYONG_IDLE_MINUTES"),
        ("ABSOLUTE_HOURS", "0", "HUIYONG_ABSOLUTE_HOURS"),
        ("TRUSTED_PROXIES", "99", "HUIYONG_TRUSTED_PROXIES"),
        ("SOLVER", "", "HUIYONG_SOLVER"),
        ("SOLVER", "core:2", "HUIYONG_SOLVER"),
        ("SOLVER", "processes:0", "HUIYONG_SOLVER"),
        ("SOLVER", "processes:", "HUIYONG_SOLVER"),
        ("SOLVER", "processes:1000", "HUIYONG_SOLVER"),
        ("SOLVER", "tcp://10.0.0.5", "HUIYONG_SOLVER"),
        ("SOLVER", "tcp://10.0.0.5:65536", "HUIYONG_SOLVER"),
        ("SOLVER", "tcp://somebody@10.0.0.5:8786", "HUIYONG_SOLVER"),
        ("SOLVER", "http://10.0.0.5:8786", "HUIYONG_SOLVER"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(tmp_path: Path, name: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        read({"HUIYONG_DATA": str(tmp_path), f"HUIYONG_{name}": value})


@pytest.mark.parametrize("solver", ["core", "processes", "processes:16", "tcp://127.0.0.1:8786", "tcp://solver.park:1"])
def test_where_rounds_are_solved_is_read_as_it_is_written(tmp_path: Path, solver: str) -> None:
    assert read({"HUIYONG_DATA": str(tmp_path), "HUIYONG_SOLVER": f" {solver} "}).solver == solver


def test_a_cluster_without_dask_is_refused_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.settings.find_spec", lambda name: None)

    with pytest.raises(SettingsError, match=r"pip install -r requirements-cluster\.txt"):
        read({"HUIYONG_DATA": str(tmp_path), "HUIYONG_SOLVER": "tcp://127.0.0.1:8786"})

    assert read({"HUIYONG_DATA": str(tmp_path), "HUIYONG_SOLVER": "processes:2"}).solver == "processes:2"
