"""Serve the site and its worker as two processes until interrupted; the address and the demo people are printed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

BIN = Path(sys.executable).parent
HOST = os.environ.get("HOST", "127.0.0.1")
PORT = os.environ.get("PORT", "8000")
PEOPLE = ("plant", "recycler", "park", "operator", "auditor")


def main() -> int:
    """Start both; if one ends, end the other."""
    os.environ.setdefault("HUIYONG_PUBLIC_URL", f"http://{HOST}:{PORT}")
    web = [
        str(BIN / "gunicorn"), "wsgi:app", "--bind", f"{HOST}:{PORT}", "--worker-class", "gthread", "--workers", "2",
        "--threads", "32", "--graceful-timeout", "5", "--timeout", "60", "--log-level", "warning",
    ]  # fmt: skip
    worker = [str(BIN / "flask"), "--app", "wsgi", "worker"]
    running = [subprocess.Popen(command) for command in (web, worker)]

    def stop(*_: object) -> None:
        for process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGINT if process is running[1] else signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if answers(running[0]):
        print(f"\n回用 Huiyong: http://{HOST}:{PORT}\n")
        print("Demo people (password huiyong-demo):")
        print("\n".join(f"    {name}@demo.example" for name in PEOPLE), flush=True)
    while all(process.poll() is None for process in running):
        time.sleep(0.3)
    stop()
    codes = [process.wait(timeout=30) for process in running]
    return (
        max(abs(code) for code in codes)
        if any(code not in (0, -signal.SIGTERM, -signal.SIGINT) for code in codes)
        else 0
    )


def answers(process: subprocess.Popen[bytes], seconds: int = 60) -> bool:
    """Wait until the site answers."""
    for _ in range(seconds * 5):
        if process.poll() is not None:
            return False
        try:
            with urllib.request.urlopen(f"http://{HOST}:{PORT}/healthz", timeout=2) as reply:
                return bool(reply.status == 200)
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False


if __name__ == "__main__":
    sys.exit(main())
