"""
Fetch and check what is committed of others for the browser; `static/vendor/vendor.lock.json` says what and which.

`python tools/vendor.py` re-hashes the committed files; `--fetch` packs each package anew with npm (which alone knows
the registry), takes the named files out of it and writes them where the lock says, if and only if each has the hash
of the lock; `--lock`, with `--fetch`, writes the hashes of what was fetched instead, after a version was raised.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "static" / "vendor" / "vendor.lock.json"


@dataclass(frozen=True)
class Taken:
    """A file taken out of a package: its path there, its path here, and the hash of what it holds."""

    member: str
    file: str
    sha256: str


@dataclass(frozen=True)
class Package:
    """A package of the lock, at one version."""

    name: str
    version: str
    licence: str
    npm: str
    files: tuple[Taken, ...]


def packages(lock: Path = LOCK) -> tuple[Package, ...]:
    """Read the lock."""
    rows = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return tuple(Package(**{**row, "files": tuple(Taken(**taken) for taken in row["files"])}) for row in rows)


def digest(content: bytes) -> str:
    """Return the SHA-256 of a file's content, as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def faults(root: Path = ROOT, lock: Path = LOCK) -> Iterator[str]:
    """Name every committed file that is missing, changed or not in the lock."""
    known = {lock.resolve()}
    for package in packages(lock):
        for taken in package.files:
            path = root / taken.file
            known.add(path.resolve())
            if not path.is_file():
                yield f"{taken.file} is missing"
            elif digest(path.read_bytes()) != taken.sha256:
                yield f"{taken.file} is not what {package.name} {package.version} holds"
    for folder in (root / "static" / "vendor", root / "tests" / "vendor"):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix not in {".py", ".pyc"} and path.resolve() not in known:
                yield f"{path.relative_to(root)} stands in no line of the lock"


def fetch(package: Package, *, trust: bool) -> Package:
    """
    Pack the package at its version and write its files here; return it with the hashes found.

    Raises ValueError if a hash differs from the lock's, unless ``trust``; then nothing of the package is written.
    """
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(
            ["npm", "pack", f"{package.npm}@{package.version}", "--silent"],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()[-1]
        with tarfile.open(Path(folder) / packed) as archive:
            contents = {taken: _content(archive, taken) for taken in package.files}
    found = []
    for taken, content in contents.items():
        if digest(content) != taken.sha256 and not trust:
            raise ValueError(f"{taken.member} of {package.npm}@{package.version} has another hash than the lock")
        found.append(Taken(taken.member, taken.file, digest(content)))
    for taken, content in contents.items():
        path = ROOT / taken.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Package(package.name, package.version, package.licence, package.npm, tuple(found))


def _content(archive: tarfile.TarFile, taken: Taken) -> bytes:
    """Return a member's content, without the pointer to a source map that is not shipped."""
    member = archive.extractfile(f"package/{taken.member}")
    if member is None:
        raise ValueError(f"{taken.member} is no file")
    lines = member.read().splitlines(keepends=True)
    return b"".join(line for line in lines if b"# sourceMappingURL=" not in line[:40])


def main() -> int:
    """Check, or fetch and check; return 1 if anything is not as the lock says."""
    parser = argparse.ArgumentParser(description="Check or fetch the vendored files.")
    parser.add_argument("--fetch", action="store_true", help="pack every package anew and write its files")
    parser.add_argument("--lock", action="store_true", help="with --fetch: write the hashes found into the lock")
    asked = parser.parse_args()
    if asked.fetch:
        fetched = [asdict(fetch(package, trust=asked.lock)) for package in packages()]
        if asked.lock:
            LOCK.write_text(json.dumps({"packages": fetched}, indent=2) + "\n", encoding="utf-8")
    found = list(faults())
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
