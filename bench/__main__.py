"""Measure, print a table, and write `var/bench.json`. Names of parts as arguments measure these alone."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from bench import files, matching, pages, rounds

TARGET = Path(__file__).resolve().parent.parent / "var" / "bench.json"
PARTS: dict[str, tuple[str, Callable[[], list[dict[str, object]]]]] = {
    # first, since a process that is started by a large one counts its memory as its own peak
    "files": ("match over the real instance, from process start to written plan", files.rows),
    "pages": ("Pages: server time and statements", pages.rows),
    "rounds": ("Rounds: from the frozen input to the proved answer", rounds.rows),
    "matching": ("Engines beside others, on the same instances", matching.rows),
}


def main(names: list[str]) -> int:
    """Measure what is named, or everything."""
    if unknown := set(names) - PARTS.keys():
        print(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    found: dict[str, object] = {"cores": os.cpu_count(), "python": platform.python_version()}
    for name, (title, measure) in PARTS.items():
        if names and name not in names:
            continue
        table = measure()
        found[name] = table
        print(f"\n{title}\n")
        print(drawn(table) if table else "  (there is no instance to measure)", flush=True)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 0


def drawn(table: list[dict[str, object]]) -> str:
    """Return rows as a table, figures at the right."""
    names = list(table[0])
    cells = [[_said(row.get(name)) for name in names] for row in table]
    widths = [max(len(name), *(len(line[place]) for line in cells)) for place, name in enumerate(names)]
    right = [all(isinstance(row.get(name), int | float | None) for row in table) for name in names]
    lines = [names, ["-" * width for width in widths], *cells]
    return "\n".join(
        "  "
        + "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def _said(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
