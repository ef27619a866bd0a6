"""Files made to harm: each is refused within half a gibibyte, and without its guard it is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.unit.adapters.sheetbombs import ALWAYS, BOMBS, MAIN, MIB, Bomb, cell, parts, sheet, workbook, zipped

ROOT = Path(__file__).resolve().parents[3]
MOST = 512 * MIB


def outcome(content: bytes, changed: Mapping[str, object] = {}, *, most: int = MOST) -> str:
    """Return what a process with so much memory makes of a file."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.unit.adapters.sheetchild", str(most), json.dumps(dict(changed))],
        input=content,
        capture_output=True,
        cwd=ROOT,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )
    return ran.stdout.decode() or f"died {ran.returncode} {ran.stderr.decode()[-200:]}"


@pytest.mark.parametrize("bomb", BOMBS, ids=[bomb.name for bomb in BOMBS])
def test_a_bomb_is_refused_and_without_its_guard_it_is_not(bomb: Bomb) -> None:
    content = bomb.build()

    guarded = outcome(content, bomb.aside)
    open_to_it = outcome(content, {**bomb.aside, **bomb.off})

    assert bomb.said in guarded
    assert bomb.said not in open_to_it


@pytest.mark.parametrize(("build", "said"), [each[1:] for each in ALWAYS], ids=[each[0] for each in ALWAYS])
def test_what_is_broken_is_refused(build: Callable[[], bytes], said: str) -> None:
    assert said in outcome(build())


def test_a_reader_that_believes_what_an_archive_says_runs_out_of_memory() -> None:
    lying = ALWAYS[0][1]()

    assert "rows" not in outcome(lying, {"plain": True})


def test_an_archive_inside_the_archive_is_never_opened() -> None:
    inner = zipped({"a": b" " * (50 * MIB)})
    content = zipped(parts({"one": sheet(f"<row>{cell('a')}</row>")}) | {"xl/embeddings/inner.zip": inner})

    assert outcome(content).startswith("rows 1 ")


def test_one_value_in_the_last_row_of_all_is_soon_read() -> None:
    content = workbook('<row r="1048576"><c><v>1</v></c></row>')

    assert outcome(content).startswith("rows 1048576 ")


TITLES = (
    "磅单号",
    "车牌号",
    "毛重(kg)",
    "皮重(kg)",
    "货物名称",
    "发货单位",
    "收货单位",
    "司机",
    "过磅员",
    "备注",
    "合同号",
)


ATTRIBUTES = ' ht="9" customHeight="1" s="1" customFormat="1" hidden="1" outlineLevel="1" thickTop="0" thickBot="0"'


def _row(number: int, text: str) -> str:
    said = cell(f"N{number}") + cell(f"晋F{number:05d}") + "<c><v>60000</v></c><c><v>15000</v></c>"
    shared = f'<c t="s"><v>{number}</v></c>' * 2
    return f"<row{ATTRIBUTES}>{said}{shared}{cell(f'{number}😀{text}') * 5}</row>"


@pytest.mark.parametrize(
    ("text", "said"),
    [("a" * 28, "tickets 59999 faults 0 warnings 302"), ("a" * 190, "tickets 0 faults 301 warnings 1")],
    ids=["good", "too long"],
)
def test_a_file_at_all_limits_at_once_fits_too(text: str, said: str) -> None:
    header = f"<row>{''.join(map(cell, TITLES))}</row>"
    rows = header + "".join(_row(number, text) for number in range(59_999)) + f"<row{ATTRIBUTES}/>" * 39_000
    shared = "".join(f"<si><t>😀{number}{'a' * 80}</t></si>" for number in range(190_000))
    strings, formats = f'<sst xmlns="{MAIN}">{shared}</sst>', f"<cellXfs>{'<xf/>' * 16_000}</cellXfs>"
    content = workbook(rows, strings=strings, styles=f'<styleSheet xmlns="{MAIN}">{formats}</styleSheet>')

    found = outcome(content, {"ratio": 1000})

    assert found.startswith(said)
