"""Passwords as they are kept."""

from __future__ import annotations

import pytest

from marketplace.adapters.passwords import LANES, MEMORY_KIB, ROUNDS, Argon2Passwords


@pytest.fixture(scope="module")
def passwords() -> Argon2Passwords:
    return Argon2Passwords(memory_kib=64, rounds=1)


def test_the_password_fits_and_no_other(passwords: Argon2Passwords) -> None:
    kept = passwords.hashed("粉煤灰 is not waste")

    found = [passwords.fits(kept, typed) for typed in ("粉煤灰 is not waste", "粉煤灰 is not wast", "")]

    assert found == [True, False, False]


def test_two_hashes_of_one_password_differ(passwords: Argon2Passwords) -> None:
    kept = {passwords.hashed("the same password") for _ in range(2)}

    assert len(kept) == 2


@pytest.mark.parametrize("kept", [None, "", "!", "$argon2id$broken", "pbkdf2:sha256:1$x$y"])
def test_nothing_fits_where_nothing_is_kept(passwords: Argon2Passwords, kept: str | None) -> None:
    assert not passwords.fits(kept, "any password")


def test_a_hash_of_other_costs_is_outdated(passwords: Argon2Passwords) -> None:
    kept = passwords.hashed("a password")

    assert (passwords.outdated(kept), Argon2Passwords(memory_kib=128, rounds=1).outdated(kept)) == (False, True)


def test_the_costs_are_those_written_down() -> None:
    kept = Argon2Passwords().hashed("a password")

    assert kept.startswith(f"$argon2id$v=19$m={MEMORY_KIB},t={ROUNDS},p={LANES}$")
