"""Make the Python environment of the project and install pinned packages into it; says what is missing if it cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LEAST = (3, 11)


def main(folder: str, requirements: str) -> int:
    """Make the environment if it is not there and install; 0 if all went well."""
    if sys.version_info < LEAST:
        print(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}. Try: make PYTHON=python3.11 run")
        return 1
    python = Path(folder) / "bin" / "python"
    if not python.exists():
        print(f"Making the environment in {folder} …", flush=True)
        try:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True, text=True)
        except subprocess.CalledProcessError as failed:
            print(failed.stdout or failed.stderr)
            print("The module venv is missing. On Debian or Ubuntu: apt-get install python3-venv")
            return 1
    print(f"Installing {requirements} …", flush=True)
    return subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements], check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
