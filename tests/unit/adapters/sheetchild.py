"""Reads a file from standard input in a process that may use so much memory, and prints what came of it."""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path


def main(most_bytes: int, changed: str) -> None:
    """Print the refusal, how many rows and tickets there are, or that the memory did not suffice."""
    content = sys.stdin.buffer.read()
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    try:
        print(_outcome(content, json.loads(changed)), _most_used())
    except MemoryError:
        print("out of memory 0")


def _most_used() -> str:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(line for line in status.splitlines() if line.startswith("VmPeak"))


def _outcome(content: bytes, changed: dict[str, object]) -> str:
    from marketplace.adapters.sheetarchive import LIMITS
    from marketplace.adapters.sheets import read
    from marketplace.domain.errors import Invalid
    from marketplace.domain.weighbridgefiles import read as tickets

    if changed.get("plain"):
        from io import BytesIO

        from openpyxl import load_workbook

        return f"rows {sum(1 for _ in load_workbook(BytesIO(content), read_only=True).worksheets[0].rows)}"
    limits = replace(LIMITS, **changed)
    try:
        file = tickets(read(content, limits).rows, now=datetime(2027, 1, 1, tzinfo=UTC))
    except Invalid as refusal:
        if "No row names the columns" not in str(refusal):
            return str(refusal)
    else:
        return f"tickets {len(file.rows)} faults {len(file.faults)} warnings {len(file.warnings)}"
    try:
        return f"rows {sum(1 for _ in read(content, limits).rows)}"
    except Invalid as refusal:
        return str(refusal)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
