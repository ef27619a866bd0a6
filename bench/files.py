"""How long the command `match` takes over a real instance, from process start to written plan, where there is one."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / "shared" / "data" / "real"
DISTANCES_KM = (100, 200, 300)


def rows() -> list[dict[str, object]]:
    """Return one row per greatest distance; none where the instance is not there."""
    supply, demand = REAL / "cn_match_supply.csv", REAL / "cn_match_demand.csv"
    if not (supply.exists() and demand.exists()):
        return []
    return [_matched(supply, demand, kilometers) for kilometers in DISTANCES_KM]


def _matched(supply: Path, demand: Path, kilometers: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="huiyong-bench-") as folder:
        plan, report = Path(folder) / "plan.csv", Path(folder) / "report.json"
        command = [str(Path(sys.executable).with_name("flask")), "--app", "wsgi", "match", str(supply), str(demand)]
        command += ["--out", str(plan), "--report", str(report), "--max-km", str(kilometers)]
        began, worked = perf_counter(), _children_cpu()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        seconds, cpu_seconds = perf_counter() - began, _children_cpu() - worked
        told = json.loads(report.read_text(encoding="utf-8"))
    certificate = told["certificate"]
    return {
        "max_km": kilometers,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu_seconds, 2),
        "peak_mib": round(told["peak_rss_mib"]),
        "arcs": told["arcs"],
        "components": told["components"],
        "contracts": told["contracts"],
        "matched_percent": round(100 * told["matched_t"] / told["supply_t"], 1),
        "proved": certificate["feasible"] and certificate["tonnes_maximal"] and certificate["cost_minimal"],
    }


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
