"""Searches that are kept: equal ones are known as equal, and a digest falls due once a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from marketplace.domain.errors import Conflict
from marketplace.domain.notices import ALWAYS_MAILED, SUBJECTS, subject_of
from marketplace.domain.places import Point
from marketplace.domain.quantities import Month
from marketplace.domain.searches import MOST_SAVED, Sought, digest_due, must_have_room
from marketplace.settings import ROOT

SOUGHT = Sought(materials=("fly_ash",), place=Point(40_076_000, 113_300_000), band=500_000, month=Month(2026, 12))


def test_a_search_comes_back_as_it_was_and_equal_ones_have_one_hash() -> None:
    again = Sought.from_json(SOUGHT.to_json())

    assert again == SOUGHT
    assert again.sha256 == SOUGHT.sha256
    assert Sought(materials=("fly_ash",)).sha256 != SOUGHT.sha256


def test_a_digest_falls_due_at_seven_in_the_morning_in_china() -> None:
    seven = datetime(2026, 11, 26, 23, tzinfo=UTC)  # 07:00 of the 27th

    assert digest_due(seven) == seven
    assert digest_due(seven - timedelta(seconds=1)) == seven - timedelta(days=1)
    assert digest_due(seven + timedelta(hours=23, minutes=59)) == seven


def test_nobody_keeps_more_searches_than_can_be_read() -> None:
    must_have_room(MOST_SAVED - 1)
    with pytest.raises(Conflict):
        must_have_room(MOST_SAVED)


def test_every_mail_has_a_subject_or_is_always_sent() -> None:
    mails = {path.stem for path in (ROOT / "templates" / "mail").glob("[!_]*.txt")}
    kinds = [kind for kinds in SUBJECTS.values() for kind in kinds]

    assert sorted(kinds) == sorted(set(kinds)), "a kind has one subject"
    assert set(kinds) | ALWAYS_MAILED == mails
    assert all(subject_of(kind) is None for kind in ALWAYS_MAILED)
    assert subject_of("outbid") == "bids"
