"""The contracts between the layers hold, and each is broken by what it forbids."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LINT = Path(sys.executable).with_name("lint-imports")
SKETCH = shutil.ignore_patterns("__pycache__", "*.csv", "*.po", "*.mo", "*.json")

FORBIDDEN = [
    ("Layers point downwards", "domain/quantities.py", "from marketplace.services import listings"),
    ("Layers point downwards", "solver/problem.py", "from marketplace.domain import quantities"),
    ("Layers point downwards", "services/listings.py", "from marketplace.queries import accounts"),
    ("Layers point downwards", "web/board.py", "from marketplace import app"),
    ("Layers point downwards", "strangers.py", ""),  # a new folder or module must find its place
    ("Rules and mathematics know no framework", "domain/quantities.py", "import flask"),
    ("Rules and mathematics know no framework", "matching/assembly.py", "import sqlalchemy"),
    ("Rules and mathematics know no framework", "solver/problem.py", "import sqlalchemy"),
    ("What stands below the entries knows no browser", "services/listings.py", "from flask import request"),
    ("What stands below the entries knows no browser", "jobs/work.py", "from flask import current_app"),
    ("The browser asks services and queries, not tables", "web/board.py", "from marketplace.persistence import parks"),
    ("Only app and the queue know the adapters", "services/outbox.py", "from marketplace.adapters import mail"),
]


def _verdicts(folder: Path) -> dict[str, str]:
    """Return KEPT or BROKEN for each contract, as ``make check`` would say it of the package in this folder."""
    ran = subprocess.run(
        [str(LINT), "--no-logo", "--no-cache"], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    lines = [line.rpartition(" ") for line in ran.stdout.splitlines()]
    return {name: verdict for name, _, verdict in lines if verdict in ("KEPT", "BROKEN")}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, to be spoiled."""
    folder = tmp_path_factory.mktemp("layers")
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copytree(ROOT / "marketplace", folder / "marketplace", ignore=SKETCH)
    return folder


def test_every_contract_holds() -> None:
    verdicts = _verdicts(ROOT)

    assert set(verdicts) == {contract for contract, _, _ in FORBIDDEN}
    assert set(verdicts.values()) == {"KEPT"}


@pytest.mark.parametrize(("contract", "file", "line"), FORBIDDEN)
def test_a_forbidden_import_breaks_its_contract(copied: Path, contract: str, file: str, line: str) -> None:
    spoiled = copied / "marketplace" / file
    before = spoiled.read_text(encoding="utf-8") if spoiled.exists() else None
    spoiled.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")

    try:
        ran = subprocess.run(
            [str(LINT), "--no-logo", "--no-cache"], cwd=copied, capture_output=True, text=True, check=False, timeout=120
        )
    finally:
        if before is None:
            spoiled.unlink()
        else:
            spoiled.write_text(before, encoding="utf-8")

    assert ran.returncode != 0
    assert f"{contract} KEPT" not in ran.stdout
