"""Sealing with a key file: AES-256-GCM, the key outside the database, its folder and their backups."""

from __future__ import annotations

import logging
import os
import secrets
import tempfile
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from marketplace.domain.errors import Conflict
from marketplace.domain.sealing import Box, Unsealable

log = logging.getLogger("marketplace.sealing")

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


@dataclass(frozen=True)
class KeyFile:
    """
    A file with a key in each line, 32 bytes in URL-safe Base64: the first seals, all of them open.

    A new key is put in front of the old ones, which stay until nothing that they sealed is left to open. ``make``: a
    file that is not there is made, readable by its owner alone. The file is read at each use: it is put back, or
    exchanged, without a restart.
    """

    path: Path
    make: bool = False

    def seal(self, plain: bytes, bound: bytes) -> Box:
        """Seal bytes under the first key. Raises Conflict if there is none."""
        if self.make and not self.path.exists():
            self._make()
        keys = self._keys()
        if not keys:
            raise Conflict(
                "Bids cannot be sealed: the key of the seals is not on this server. Nothing was received; tell the"
                " operator, who finds the file's name in the log."
            )
        key_id, key = next(iter(keys.items()))
        nonce = secrets.token_bytes(NONCE_BYTES)
        return Box(key_id, nonce + AESGCM(key).encrypt(nonce, plain, bound))

    def open(self, box: Box, bound: bytes) -> bytes:
        """Open a box. Raises Conflict if its key is not there, Unsealable if it is not what was sealed."""
        key = self._keys().get(box.key_id)
        if key is None:
            log.error("the key %s, under which bids are sealed, is not in %s", box.key_id, self.path)
            raise Conflict(
                "The key under which these bids are sealed is not on this server, so that nobody can open them. Nothing"
                " is lost: the operator puts the key file back. Key %(key_id)s.",
                key_id=box.key_id,
            )
        try:
            return AESGCM(key).decrypt(box.sealed[:NONCE_BYTES], box.sealed[NONCE_BYTES:], bound)
        except (InvalidTag, ValueError):
            raise Unsealable("changed") from None

    def ready(self, key_ids: Iterable[str]) -> bool:
        """Say whether there is a key to seal with, or none yet that may be made, and each of these to open with."""
        if self.make and not self.path.exists():
            return not set(key_ids)
        keys = self._keys()
        return bool(keys) and keys.keys() >= set(key_ids)

    def _keys(self) -> dict[str, bytes]:
        """Return the keys by their id, in the order of the file; none if it cannot be read or is no key file."""
        try:
            keys = [urlsafe_b64decode(line) for line in self.path.read_text("ascii").split()]
        except (OSError, ValueError) as error:
            log.error("the key file %s cannot be read: %s", self.path, type(error).__name__)
            return {}
        if any(len(key) != KEY_BYTES for key in keys):
            log.error("the key file %s holds something that is no key", self.path)
            return {}
        return {sha256(b"huiyong seal key " + key).hexdigest()[:16]: key for key in keys}

    def _make(self) -> None:
        """Make the file whole or not at all: of several processes that try, all then read what the first one wrote."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, beside = tempfile.mkstemp(dir=self.path.parent)  # readable by its owner alone
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
                os.link(beside, self.path)
            finally:
                Path(beside).unlink()
        except FileExistsError:
            pass
        except OSError as error:
            log.error("the key file %s cannot be made: %s", self.path, error)
