"""What is committed of others is what the lock says, with its licence, and nothing else lies beside it."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent.parent
OWN = [*sorted((ROOT / "static" / "css").glob("*.css")), *sorted((ROOT / "static" / "js").glob("*.js"))]


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("vendor_tool", ROOT / "tools" / "vendor.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_vendored_file_has_the_hash_of_the_lock() -> None:
    tool = _tool()

    faults = list(tool.faults())

    assert faults == []


def test_a_changed_file_and_a_stranger_are_named(tmp_path: Path) -> None:
    tool = _tool()
    folder = tmp_path / "static" / "vendor"
    folder.mkdir(parents=True)
    (folder / "kept.js").write_text("changed", encoding="utf-8")
    (folder / "stranger.js").write_text("", encoding="utf-8")
    files = [
        {"member": "kept.js", "file": "static/vendor/kept.js", "sha256": tool.digest(b"kept")},
        {"member": "gone.js", "file": "static/vendor/gone.js", "sha256": tool.digest(b"")},
    ]
    package = {"name": "Kept", "version": "1.0.0", "licence": "MIT", "npm": "kept", "files": files}
    lock = folder / "vendor.lock.json"
    lock.write_text(json.dumps({"packages": [package]}), encoding="utf-8")

    faults = list(tool.faults(tmp_path, lock))

    assert faults == [
        "static/vendor/kept.js is not what Kept 1.0.0 holds",
        "static/vendor/gone.js is missing",
        "static/vendor/stranger.js stands in no line of the lock",
    ]


def test_every_package_comes_with_its_licence_and_an_exact_version() -> None:
    tool = _tool()

    packages = tool.packages()

    assert [package.name for package in packages] == ["htmx", "Bootstrap", "Apache ECharts", "Leaflet", "axe-core"]
    for package in packages:
        assert re.fullmatch(r"\d+\.\d+\.\d+", package.version)
        assert any("LICENSE" in taken.file for taken in package.files), package.name


def test_own_styles_and_scripts_ask_no_other_host() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in OWN}

    asking = [name for name, text in texts.items() if re.search(r"https?://(?!www\.w3\.org/)", text)]

    assert texts
    assert asking == []
