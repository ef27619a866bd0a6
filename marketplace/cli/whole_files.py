"""Files that are written all or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path


def write_all(files: Sequence[tuple[Path, bytes]]) -> None:
    """
    Write all files or none: each beside its place first, and what stood there comes back if a later one fails.

    Raises OSError, after everything is as it was.
    """
    new: list[Path] = []
    old: list[tuple[Path, Path | None]] = []
    try:
        for path, content in files:
            new.append(_beside(path, content))
        for (path, _), fresh in zip(files, new, strict=True):
            old.append((path, _beside(path, path.read_bytes()) if path.exists() else None))
            fresh.replace(path)
    except OSError:
        for path, before in reversed(old):
            before.replace(path) if before else path.unlink(missing_ok=True)
        raise
    finally:
        for left in (*new, *(before for _, before in old if before)):
            left.unlink(missing_ok=True)


def _beside(path: Path, content: bytes) -> Path:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.absolute().parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    mask = os.umask(0)
    os.umask(mask)
    Path(name).chmod(0o666 & ~mask)
    return Path(name)
