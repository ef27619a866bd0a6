"""Passwords as they are kept: Argon2id, with the costs written out."""

from __future__ import annotations

import secrets
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

MEMORY_KIB: Final = 19_456
ROUNDS: Final = 2
LANES: Final = 1
"""One thread each: a site answers many people at once."""


class Argon2Passwords:
    """Hashes passwords and checks them, in the same time whether or not there is one to check."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB, rounds: int = ROUNDS) -> None:
        self._hasher = PasswordHasher(
            time_cost=rounds, memory_cost=memory_kib, parallelism=LANES, hash_len=32, salt_len=16, type=Type.ID
        )
        self._dummy = self._hasher.hash(secrets.token_urlsafe(16))

    def hashed(self, password: str) -> str:
        """Return what is kept of a password."""
        return self._hasher.hash(password)

    def fits(self, kept: str | None, password: str) -> bool:
        """
        Return whether this is the password that ``kept`` was made of.

        Where nothing is kept, or nothing that a password fits, as much work is done for a hash that nobody knows.
        """
        try:
            return self._hasher.verify(kept or self._dummy, password) and bool(kept)
        except InvalidHashError:
            return self.fits(None, password)
        except VerificationError:
            return False

    def outdated(self, kept: str) -> bool:
        """Return whether a hash was made with other costs than those of today."""
        return self._hasher.check_needs_rehash(kept)
