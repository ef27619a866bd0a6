"""What of the lines is committed, in the browser: list, file, one line, and a capacity that the park lowers."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from marketplace.domain.listings import month_at
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.lines import IntakeLine, LineMonth
from marketplace.persistence.outbox import OutboxMail
from marketplace.services.awarding import award_bid
from tests.factories import Make
from tests.functional.pages import read

Browse = Callable[..., FlaskClient]
T = 1000


class Estate:
    """A park whose works is to take 6,000 t a month from its plant, at 40 yuan, and who looks at it."""

    def __init__(self, make: Make, browse: Browse, language: str = "en") -> None:
        self.make = make
        now = datetime.now(UTC)
        self.first = month_at(now).plus(1)
        self.park = make.park(name_en="River park")
        works = make.organization(park_id=self.park.id, name_zh="云州水泥", name_en="Yunzhou Cement", produces=False)
        self.line = make.line(
            make.site(works), name="=二号磨", name_en="=Mill 2", permit_valid_until=(now + timedelta(days=900)).date()
        )
        plant = make.organization(park_id=self.park.id, name_zh="云州电厂", name_en="Yunzhou Power", recycles=False)
        listing = make.listing(
            make.stream(make.site(plant)),
            first_month=self.first,
            last_month=self.first.plus(1),
            kg_per_month=6_000 * T,
            drafted_at=now - timedelta(days=9),
            published_at=now - timedelta(days=9),
            bids_close_at=now - timedelta(days=2),
            expires_at=now + timedelta(days=60),
        )
        bid = make.bid(listing, self.line, works, kg_per_month=6_000 * T, received_at=now - timedelta(days=5))
        make.opened(listing)
        self.award = award_bid(make.session, make.signatory(plant), bid.id, 6_000 * T, now=now - timedelta(days=1))
        self.administrator = browse(make.person("park_administrator", park=self.park).id, language=language)
        self.buyer = browse(make.person("signatory", organization=works).id, language=language)
        self.seller = browse(make.person("signatory", organization=plant).id, language=language)
        self.stranger = browse(make.person("park_administrator", park=make.park()).id, language=language)
        self.commitments = f"/parks/{self.park.id}/commitments"
        self.lowering = f"/permits/{self.line.id}/capacity"

    def lower(self, month: str = "4,500", year: str = "50000", because: str = "环函〔2027〕3 号") -> object:
        data = {"capacity_kg_per_month": month, "capacity_kg_per_year": year, "because": because}
        return self.administrator.post(self.lowering, data=data)

    def kept(self) -> IntakeLine:
        self.make.session.rollback()
        self.make.session.expire_all()
        return self.make.session.get_one(IntakeLine, self.line.id)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh_Hans_CN", ("接收线承诺情况", "超额承诺", "最多超出 1,500 吨", "云州水泥", "不含价格")),
        ("en", ("What is committed of the lines", "Over-committed", "over by up to 1,500 t", "Yunzhou Cement")),
    ],
)
def test_the_park_lowers_a_capacity_and_sees_who_is_over(
    app_make: Make, browse: Browse, language: str, words: tuple[str, ...]
) -> None:
    estate = Estate(app_make, browse, language)
    calm = estate.administrator.get(f"{estate.commitments}?month={estate.first}").text

    answer = estate.lower()
    page = estate.administrator.get(f"{estate.commitments}?month={estate.first}").text

    assert (answer.status_code, answer.location) == (303, f"/lines/{estate.line.id}")  # type: ignore[attr-defined]
    assert words[1] not in read(calm).text.replace("Over-committed is looked for", "").replace("超额承诺按", "")
    assert [word for word in words if word not in page] == []
    assert "40.00" not in page
    one = estate.administrator.get(f"{estate.commitments}/{estate.line.id}").text
    assert f"/awards/{estate.award}" in one
    assert ("Yunzhou Power" if language == "en" else "云州电厂") in one
    assert "40.00" not in one


def test_the_recycler_reads_it_on_the_card_and_on_the_day(app_make: Make, browse: Browse) -> None:
    estate = Estate(app_make, browse)
    before = estate.buyer.get(f"/lines/{estate.line.id}").text
    estate.lower()

    after = read(estate.buyer.get(f"/lines/{estate.line.id}").text).text
    day = read(estate.buyer.get("/today").text).text

    assert "Over-committed" not in before
    assert "Over-committed" in after
    assert "by 1,500 t" in after
    assert "Lower the capacity" not in after
    assert "up to 1,500 t more are committed than is approved" in day
    app_make.session.rollback()
    mail = app_make.session.scalars(select(OutboxMail).where(OutboxMail.kind == "capacity_lowered")).one()
    assert mail.values["because"] == "环函〔2027〕3 号"


def test_a_permit_that_is_taken_back_leaves_the_committed_uncovered(app_make: Make, browse: Browse) -> None:
    estate = Estate(app_make, browse)

    estate.administrator.post(f"/permits/{estate.line.id}/withdraw")

    page = read(estate.administrator.get(f"{estate.commitments}?month={estate.first}").text).text
    assert "Not covered by a permit" in page
    assert "committed without a permit" in page
    assert "Not covered by a permit" in estate.buyer.get(f"/lines/{estate.line.id}").text


def test_the_file_has_a_row_for_each_line_and_month(app_make: Make, browse: Browse) -> None:
    estate = Estate(app_make, browse)
    estate.lower()

    answer = estate.administrator.get(f"{estate.commitments}.csv?month={estate.first}")

    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert answer.headers["Content-Disposition"].endswith(f"commitments-{estate.park.id}-{estate.first}.csv")
    assert len(rows) == 13
    assert rows[1][:3] == ["Yunzhou Cement", "'=Mill 2", "PWX-TEST"]
    assert rows[1][4:] == ["yes", str(estate.first), "4500", "0", "6000", "0", "1500", "yes"]
    assert rows[3][5:] == [str(estate.first.plus(2)), "4500", "0", "0", "4500", "0", "yes"]
    assert not any(cell == "40" for row in rows for cell in row)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"month": ""}, "This is needed"),
        ({"month": "0"}, "above zero"),
        ({"month": "x"}, "is not a number"),
        ({"month": "20001"}, "only its recycler can raise that"),
        ({"month": "20000", "year": "240000"}, "what the line states already"),
        ({"month": "10", "year": "9"}, "at least as much as one month"),
        ({"because": " "}, "This is needed"),
        ({"because": "x" * 501}, "At most"),
    ],
)
def test_what_makes_no_sense_is_refused_and_writes_nothing(
    app_make: Make, browse: Browse, given: dict[str, str], said: str
) -> None:
    estate = Estate(app_make, browse)

    answer = estate.lower(**given)

    assert answer.status_code == 422  # type: ignore[attr-defined]
    assert said in answer.text  # type: ignore[attr-defined]
    assert estate.kept().capacity_kg_per_month == 20_000 * T
    assert set(app_make.session.scalars(select(LineMonth.capacity_kg))) == {20_000 * T}
    assert app_make.session.scalars(select(AuditRow).where(AuditRow.action == "capacity.lower")).all() == []


def test_strangers_find_nothing(app_make: Make, browse: Browse, client: FlaskClient) -> None:
    estate = Estate(app_make, browse)
    pages = [estate.commitments, f"{estate.commitments}.csv", f"{estate.commitments}/{estate.line.id}"]
    data = {"capacity_kg_per_month": "1", "capacity_kg_per_year": "1", "because": "x"}

    for who in (estate.stranger, estate.seller, estate.buyer):
        assert [who.get(page).status_code for page in pages] == [404] * 3
    assert [client.get(page).status_code for page in pages] == [303] * 3
    met = [who.post(estate.lowering, data=data).status_code for who in (estate.stranger, estate.seller, estate.buyer)]
    assert met == [404, 404, 404]
    assert estate.administrator.get(f"{estate.commitments}?month=2027-13").status_code == 422
    assert estate.kept().capacity_kg_per_month == 20_000 * T


def test_the_form_begins_with_what_the_line_states(app_make: Make, browse: Browse) -> None:
    estate = Estate(app_make, browse)

    page = estate.administrator.get(estate.lowering).text

    assert 'value="20000"' in page
    assert 'value="240000"' in page
    assert estate.lowering in estate.administrator.get(f"/lines/{estate.line.id}").text
    assert estate.commitments in estate.administrator.get(f"/parks/{estate.park.id}").text
