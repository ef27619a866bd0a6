"""Install what the tests need from the system, where that is possible; else say exactly what to install."""

from __future__ import annotations

import os
import shutil
import subprocess
from ctypes.util import find_library
from pathlib import Path


def wanted() -> list[str]:
    """Return the Debian packages that are missing."""
    missing = []
    if not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        missing.append("chromium")
    if not shutil.which("fc-list") or not _run("fc-list", ":lang=zh").stdout.strip():
        missing.append("fonts-noto-cjk")
    if not find_library("pango-1.0") or not find_library("pangoft2-1.0"):
        missing.extend(("libpango-1.0-0", "libpangoft2-1.0-0"))
    return missing


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)


def main() -> None:
    """Install as root on Debian or Ubuntu; otherwise say what to do, and the tests that need it count as skipped."""
    missing = wanted()
    if not missing:
        return
    if os.geteuid() == 0 and Path("/etc/debian_version").exists():
        print(f"Installing {' '.join(missing)} …", flush=True)
        _run("apt-get", "update", "-qq")
        if _run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing).returncode == 0:
            return
    print(f"Missing: {', '.join(missing)}. The tests of browsers and PDF files are skipped. On Debian or Ubuntu:")
    print(f"    sudo apt-get install {' '.join(missing)}", flush=True)


if __name__ == "__main__":
    main()
