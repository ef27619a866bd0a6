"""What an operator decides, read once from the environment: complete, or refused with the name of what is wrong."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

ROOT: Final = Path(__file__).resolve().parent.parent

LEAST_SECRET: Final = 32
"""Characters of the secret key; less can be guessed."""

LAST_PORT: Final = 65535

_SOLVER: Final = re.compile(r"core|processes(?::(?P<workers>[1-9]\d{0,2}))?|tcp://[^\s/:@]+:(?P<port>[1-9]\d{0,4})")


class SettingsError(Exception):
    """A setting is missing or makes no sense; the application does not start."""


@dataclass(frozen=True)
class Settings:
    """One running site. Every name is an environment variable ``HUIYONG_…`` in capitals."""

    database_url: str
    secret_key: str
    data_folder: Path
    seal_key: Path
    """Where the key of sealed bids lies: never in the data folder, so that no copy of that holds both."""
    seal_key_made: bool
    """Whether it is made if it is not there: not one that the operator names, which several hosts may share."""
    public_url: str
    timezone: str
    mail: Literal["folder", "log", "smtp"]
    mail_from: str
    smtp_host: str
    smtp_port: int
    smtp_user: str
    smtp_password: str
    geocoder_url: str
    """A Nominatim service inside the network, such as ``http://maps.intranet/nominatim``; empty: the gazetteer alone."""
    solver: str
    """Where rounds are solved: ``core``, ``processes``, ``processes:N`` or the scheduler of a Dask cluster, ``tcp://…``."""
    trusted_proxies: int
    secure_cookies: bool
    idle_minutes: int
    absolute_hours: int
    watchers: int
    """How many pages of open sales one web process keeps up to date by streams; further ones ask again by themselves."""
    template_folder: Path = ROOT / "templates"
    static_folder: Path = ROOT / "static"
    migrations_folder: Path = ROOT / "migrations"
    translations_folder: Path = ROOT / "marketplace" / "translations"

    @property
    def queue_file(self) -> Path:
        """Where the messages of the task queue lie when the database is SQLite."""
        return self.data_folder / "queue.db"


def read(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. Raises SettingsError, which names the variable and says what it should be."""
    env = os.environ if environment is None else environment

    def text(name: str, default: str) -> str:
        return env.get(f"HUIYONG_{name}", default).strip()

    def whole(name: str, default: int, least: int, most: int) -> int:
        given = text(name, str(default))
        if not given.isdecimal() or not least <= int(given) <= most:
            raise SettingsError(f"HUIYONG_{name} is {given!r}; it must be a whole number from {least} to {most}.")
        return int(given)

    data = Path(text("DATA", str(ROOT / "var"))).resolve()
    data.mkdir(parents=True, exist_ok=True)
    url = text("DATABASE_URL", f"sqlite:///{data / 'huiyong.db'}")
    if not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise SettingsError("HUIYONG_DATABASE_URL must begin with sqlite:/// or postgresql://.")
    seal_key = text("SEAL_KEY", "")
    mail = text("MAIL", "folder")
    if mail not in ("folder", "log", "smtp"):
        raise SettingsError("HUIYONG_MAIL must be folder, log or smtp.")
    if mail == "smtp" and not text("SMTP_HOST", ""):
        raise SettingsError("HUIYONG_MAIL is smtp, so HUIYONG_SMTP_HOST must name the mail server.")
    return Settings(
        database_url=url,
        secret_key=_secret(text("SECRET_KEY", ""), data),
        data_folder=data,
        seal_key=_seal_key(seal_key, data, url),
        seal_key_made=not seal_key,
        public_url=text("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/"),
        timezone=text("TIMEZONE", "Asia/Shanghai"),
        mail=mail,  # type: ignore[arg-type]  # one of the three, as asked above
        mail_from=text("MAIL_FROM", "huiyong@localhost"),
        smtp_host=text("SMTP_HOST", ""),
        smtp_port=whole("SMTP_PORT", 25, 1, LAST_PORT),
        smtp_user=text("SMTP_USER", ""),
        smtp_password=text("SMTP_PASSWORD", ""),
        geocoder_url=text("GEOCODER_URL", "").rstrip("/"),
        solver=_solver(text("SOLVER", "core")),
        trusted_proxies=whole("TRUSTED_PROXIES", 0, 0, 5),
        secure_cookies=text("SECURE_COOKIES", "0") == "1",
        idle_minutes=whole("IDLE_MINUTES", 30, 1, 24 * 60),
        absolute_hours=whole("ABSOLUTE_HOURS", 12, 1, 24 * 7),
        watchers=whole("WATCHERS", 16, 0, 1000),
    )


def _solver(given: str) -> str:
    """Return where rounds are solved, as given, if it is a place that there can be."""
    named = _SOLVER.fullmatch(given)
    if named is None or int(named["port"] or 1) > LAST_PORT:
        raise SettingsError(
            f"HUIYONG_SOLVER is {given!r}; it must be core, processes, processes:N with N from 1 to 999, "
            "or the scheduler of a Dask cluster such as tcp://10.0.0.5:8786."
        )
    if given.startswith("tcp://") and find_spec("distributed") is None:
        raise SettingsError(
            f"HUIYONG_SOLVER is {given}, a Dask cluster, and Dask is not installed: "
            "pip install -r requirements-cluster.txt"
        )
    return given


def _seal_key(given: str, data: Path, url: str) -> Path:
    """Return where the key of sealed bids lies: as given, else in a folder beside that of the data."""
    file = Path(given).resolve() if given else data.with_name(f"{data.name}-keys") / "seal.key"
    kept_with = {data} | (
        {Path(url.removeprefix("sqlite:///")).resolve().parent} if url.startswith("sqlite") else set()
    )
    if any(folder in file.parents for folder in kept_with):
        raise SettingsError(
            f"The key of sealed bids would lie at {file}, in a folder that also holds the database: a copy of that folder "
            "would hold the sealed bids and their key. Let HUIYONG_SEAL_KEY name a file elsewhere, in other backups."
        )
    return file


def _secret(given: str, data: Path) -> str:
    """Return the secret key: as given, else the one kept in the data folder, made once and readable by the owner alone."""
    if given:
        if len(given) < LEAST_SECRET:
            raise SettingsError(f"HUIYONG_SECRET_KEY is too short; it needs {LEAST_SECRET} characters or more.")
        return given
    kept = data / "secret.key"
    try:
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return kept.read_text()
