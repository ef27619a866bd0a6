"""The key file: made once, for its owner alone; without it, or with another, nothing is sealed or opened in silence."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from marketplace.adapters.sealing import KeyFile
from marketplace.domain.errors import Conflict
from marketplace.domain.sealing import Unsealable

PLAIN, BOUND = b"price 1234".ljust(64), b"bid 1"


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys" / "seal.key", make=True)


def test_what_is_sealed_opens_and_looks_otherwise_each_time(keys: KeyFile) -> None:
    first, second = keys.seal(PLAIN, BOUND), keys.seal(PLAIN, BOUND)

    assert keys.open(first, BOUND) == keys.open(second, BOUND) == PLAIN
    assert first.key_id == second.key_id
    assert first.sealed != second.sealed
    assert len(first.sealed) == 12 + len(PLAIN) + 16
    assert b"1234" not in first.sealed


def test_the_key_is_made_once_by_whoever_is_first_and_only_its_owner_reads_it(keys: KeyFile) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: keys.seal(PLAIN, BOUND).key_id, range(8)))

    assert len(set(made)) == 1
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.path.parent.stat().st_mode) == 0o700
    assert [path.name for path in keys.path.parent.iterdir()] == ["seal.key"]


def test_a_changed_byte_and_another_bid_do_not_open(keys: KeyFile) -> None:
    box = keys.seal(PLAIN, BOUND)

    for place in (0, 12, len(box.sealed) - 1):
        damaged = bytearray(box.sealed)
        damaged[place] ^= 1
        with pytest.raises(Unsealable, match="changed"):
            keys.open(replace(box, sealed=bytes(damaged)), BOUND)
    for sealed in (b"", box.sealed[:20]):
        with pytest.raises(Unsealable, match="changed"):
            keys.open(replace(box, sealed=sealed), BOUND)
    with pytest.raises(Unsealable, match="changed"):
        keys.open(box, b"bid 2")


def test_a_named_file_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "seal.key")

    with pytest.raises(Conflict, match="the key of the seals is not on this server"):
        keys.seal(PLAIN, BOUND)

    assert not keys.path.exists()


@pytest.mark.parametrize("content", ["", "short", "AAAA\n", "密钥"])
def test_a_file_that_is_no_key_file_is_refused(tmp_path: Path, content: str) -> None:
    keys = KeyFile(tmp_path / "seal.key", make=True)
    keys.path.write_text(content, encoding="utf-8")

    with pytest.raises(Conflict, match="the key of the seals is not on this server"):
        keys.seal(PLAIN, BOUND)


def test_a_lost_key_is_refused_by_its_id_and_opens_again_when_it_is_put_back(keys: KeyFile) -> None:
    box = keys.seal(PLAIN, BOUND)
    kept = keys.path.read_text("ascii")
    keys.path.unlink()

    with pytest.raises(Conflict, match=f"Key {box.key_id}"):
        keys.open(box, BOUND)
    other = keys.seal(PLAIN, BOUND)  # another key is made; it opens its own alone
    with pytest.raises(Conflict, match=f"Key {box.key_id}"):
        keys.open(box, BOUND)

    keys.path.write_text(keys.path.read_text("ascii") + kept, encoding="ascii")

    assert keys.open(box, BOUND) == keys.open(other, BOUND) == PLAIN
    assert keys.seal(PLAIN, BOUND).key_id == other.key_id


def test_it_is_ready_while_it_can_seal_and_open_all_that_is_to_be_opened(keys: KeyFile, tmp_path: Path) -> None:
    assert keys.ready([])
    assert not keys.ready(["0" * 16])  # sealed under a key that nobody has made yet
    assert not KeyFile(tmp_path / "named.key").ready([])

    box = keys.seal(b"42", b"here")

    assert keys.ready([box.key_id])
    assert not keys.ready([box.key_id, "0" * 16])
