"""Measure, print tables, and write `var/bench.json`. Names of parts as arguments measure these alone."""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bench import engines, extensions, files, pages, rounds, shares, watchers, whatif

Table: TypeAlias = list[dict[str, object]]

TARGET = Path(__file__).resolve().parent.parent / "var" / "bench.json"


@dataclass(frozen=True)
class Part:
    """Something to measure: how its tables come, each with a title; ``usual`` if it is measured unless named."""

    tables: Callable[[], Iterator[tuple[str, Table]]]
    usual: bool = True


def _one(title: str, rows: Callable[[], Table]) -> Callable[[], Iterator[tuple[str, Table]]]:
    def tables() -> Iterator[tuple[str, Table]]:
        yield title, rows()

    return tables


PARTS: dict[str, Part] = {
    # first, since a process that is started by a large one counts its memory as its own peak
    "files": Part(_one("match over the real instance, from process start to written plan", files.rows)),
    "pages": Part(_one("Pages: server time and statements", pages.rows)),
    "bids": Part(_one("Bids of eight writers at once, beside a bare row", lambda: _rows_of("bench.bids"))),
    "watchers": Part(_one("An open sale with a hundred watchers: what others wait for their pages", watchers.rows)),
    "rounds": Part(_one("Rounds: from the frozen input to the proved answer", rounds.rows)),
    "what-if": Part(_one("What if: one thing otherwise in a solved round", whatif.rows)),
    "engines": Part(engines.tables),
    "shares": Part(_one("Where the time of a plan goes, from points to proof", shares.rows)),
    "extensions": Part(extensions.tables),
    "again": Part(_one("One listing more, one contract declined", lambda: _rows_of("bench.again", (3_000, 30_000)))),
    "again-large": Part(
        _one("One listing more, one contract declined, 100,000 listings", lambda: _rows_of("bench.again", (100_000,))),
        usual=False,
    ),
    "engines-large": Part(_one("100,000 listings, every arc in memory", engines.large), usual=False),
    "field": Part(
        _one("100,000 listings, no more arcs held than are needed", lambda: _rows_of("bench.field")), usual=False
    ),
    "field-million": Part(
        _one(
            "1,000,000 listings, proved to be within a thousandth of the best",
            lambda: _rows_of("bench.field", 1_000_000, 0.001, 2),
        ),
        usual=False,
    ),
}


def main(names: list[str]) -> int:
    """Measure what is named, or all that is usual."""
    if unknown := set(names) - PARTS.keys():
        print(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    found: dict[str, object] = {"cores": os.cpu_count(), "python": platform.python_version()}
    for name, part in PARTS.items():
        if not (name in names if names else part.usual):
            continue
        for title, table in part.tables():
            found[name if name not in found else f"{name}: {title}"] = table
            print(f"\n{title}\n")
            print(drawn(table) if table else "  (there is nothing to measure)", flush=True)
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 0


def _rows_of(module: str, *given: object) -> Table:
    """Return the rows of a part that is loaded only when it is measured."""
    rows: Table = importlib.import_module(module).rows(*given)
    return rows


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
