"""What the content security policy would refuse is in no template, and what the look leaves out is in no style."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
DATA = '<script type="application/json">'


def _found(pattern: str, paths: list[Path]) -> list[str]:
    """Name every file and piece of text that the pattern matches."""
    return [
        f"{path.relative_to(ROOT)}: {hit.group(0)}"
        for path in paths
        for hit in re.finditer(pattern, path.read_text(encoding="utf-8"))
    ]


def test_no_template_has_an_inline_style_or_handler() -> None:
    styles = _found(r"<[^>{]*\sstyle=|<style", TEMPLATES)
    handlers = _found(r"<[^>{]*\son[a-z]+=|href=\"javascript:", TEMPLATES)

    assert TEMPLATES
    assert styles + handlers == []


def test_a_script_in_a_template_is_a_file_or_data() -> None:
    openings = _found(r"<script[^>]*>", TEMPLATES)

    inline = [found for found in openings if " src=" not in found and not found.endswith(DATA)]

    assert inline == []


def test_styles_draw_no_gradient_and_fetch_nothing_from_data_addresses() -> None:
    drawn = _found(r"\w*gradient\(|url\(\"?data:", STYLES)
    shadows = [found for found in _found(r"(?:box|text)-shadow:\s*[^;]+", STYLES) if "none" not in found]

    assert drawn + shadows == []


def test_every_token_that_is_used_is_defined() -> None:
    defined = set(re.findall(r"^\s*--([a-z0-9-]+):", (ROOT / "static/css/tokens.css").read_text("utf-8"), re.MULTILINE))

    used = {name for path in STYLES for name in re.findall(r"var\(--([a-z0-9-]+)", path.read_text(encoding="utf-8"))}

    assert used - defined == set()


def test_scripts_put_no_text_in_as_markup() -> None:
    found = _found(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", SCRIPTS)

    assert found == []


def test_every_module_a_page_names_is_a_script() -> None:
    names = {
        name
        for path in TEMPLATES
        for listed in re.findall(r"\{%-?\s*set modules\s*=\s*\[([^\]]*)\]", path.read_text(encoding="utf-8"))
        for name in re.findall(r"[\"'](\w+)[\"']", listed)
    }

    missing = [name for name in names if not (ROOT / "static" / "js" / f"{name}.js").is_file()]

    assert missing == []
