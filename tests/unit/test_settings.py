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
    assert (settings.idle_minutes, settings.absolute_hours) == (30, 12)


def test_the_secret_is_made_once_and_only_the_owner_reads_it(tmp_path: Path) -> None:
    first = read({"HUIYONG_DATA": str(tmp_path)}).secret_key

    second = read({"HUIYONG_DATA": str(tmp_path)}).secret_key

    assert first == second
    assert len(first) >= 32
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


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
    ],
)
def test_what_makes_no_sense_is_refused_by_name(tmp_path: Path, name: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        read({"HUIYONG_DATA": str(tmp_path), f"HUIYONG_{name}": value})
