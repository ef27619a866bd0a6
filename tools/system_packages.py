"""Install what the tests need from the system, where that is possible; else say exactly what to install."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path


def wanted() -> list[str]:
    """Return the Debian packages that are missing."""
    missing = []
    if not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        missing.append("chromium")
    fonts = (
        subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=False)
        if shutil.which("fc-list")
        else None
    )
    if fonts is None or not fonts.stdout.strip():
        missing.append("fonts-noto-cjk")
    return missing


def main() -> None:
    """Install as root on Debian or Ubuntu; otherwise say what to do, and the tests that need it count as skipped."""
    missing = wanted()
    if not missing:
        return
    if os.geteuid() == 0 and Path("/etc/debian_version").exists():
        print(f"Installing {' '.join(missing)} …", flush=True)
        quiet = {
            "check": False,
            "stdout": subprocess.DEVNULL,
            "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        }
        subprocess.run(["apt-get", "update", "-qq"], **quiet)  # type: ignore[call-overload]
        done = subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], **quiet)  # type: ignore[call-overload]
        if done.returncode == 0:
            return
    print(f"Missing: {', '.join(missing)}. The browser tests are skipped. On Debian or Ubuntu:")
    print(f"    sudo apt-get install {' '.join(missing)}", flush=True)


if __name__ == "__main__":
    main()
