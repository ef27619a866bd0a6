"""A plant keeps its ledger in the browser."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from marketplace.domain.quantities import Month
from marketplace.persistence.ledger import OpeningStock, Posting, StatedMonth
from marketplace.persistence.organizations import Organization
from marketplace.persistence.parks import Park
from marketplace.persistence.streams import WasteStream
from marketplace.web.csvfiles import neutral
from tests.factories import Make

Browse = Callable[..., FlaskClient]
PAST = "2025-11"
RIGHT = {"generated_kg": "1,200.5", "utilized_kg": "1000", "stored_kg": "200.5"}


def world(make: Make, **given: object) -> tuple[Organization, WasteStream, int]:
    organization = make.organization()
    stream = make.stream(make.site(organization), **given)  # type: ignore[arg-type]
    return organization, stream, make.person("clerk", organization=organization).id


def rows(make: Make) -> int:
    make.session.rollback()
    return sum(
        make.session.scalar(select(func.count()).select_from(table)) or 0
        for table in (Posting, StatedMonth, OpeningStock)
    )


@pytest.mark.parametrize(("language", "words"), [("zh_Hans_CN", ("台账", "产生量")), ("en", ("Ledger", "Generated"))])
def test_every_page_is_there_in_both_languages(
    browse: Browse, app_make: Make, language: str, words: tuple[str, ...]
) -> None:
    organization, stream, clerk = world(app_make)
    app_make.posting(stream, organization, month=Month(2025, 10))
    client = browse(clerk, language=language)

    for address in (
        "/ledger",
        "/ledger?year=2025",
        f"/ledger/{stream.id}/2025",
        f"/ledger/{stream.id}/months/{PAST}",
        f"/ledger/{stream.id}/months/2025-10",
        f"/ledger/{stream.id}/opening",
        "/ledger/import",
        f"/ledger/postings?stream={stream.id}&flow=generated&from=2025-01&to=2025-12",
    ):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert words[0] in answer.text
    assert words[1] in client.get(f"/ledger/{stream.id}/2025").text


def test_a_month_is_stated_corrected_and_shown(browse: Browse, app_make: Make) -> None:
    _, stream, clerk = world(app_make)
    client = browse(clerk)
    address = f"/ledger/{stream.id}/months/{PAST}"

    stated = client.post(address, data=RIGHT)
    again = client.post(address, data=RIGHT, follow_redirects=True)
    unexplained = client.post(address, data=RIGHT | {"utilized_kg": "900", "stored_kg": "300.5"})
    corrected = client.post(address, data=RIGHT | {"utilized_kg": "900", "stored_kg": "300.5", "reason": "复磅"})
    page = client.get(f"/ledger/{stream.id}/2025").text

    assert (stated.status_code, corrected.status_code) == (303, 303)
    assert "没有写入" in again.text
    assert unexplained.status_code == 422
    assert "请说明更正原因" in unexplained.text
    assert "300.5" in unexplained.text
    assert "900.00" in page
    assert "1,200.50" in page
    assert "复磅" in client.get(f"/ledger/postings?stream={stream.id}&flow=utilized").text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"utilized_kg": "1312.5", "stored_kg": ""}, "比产生量 1,200.5 吨多 112 吨"),
        ({"stored_kg": "88.5"}, "比当月废物的利用、贮存、处置和倾倒丢弃合计 1,088.5 吨多 112 吨"),
        ({"generated_kg": ""}, 'aria-invalid="true"'),
        ({"generated_kg": "1e308"}, "1e308"),
        ({"generated_kg": "NaN"}, "NaN"),
        ({"generated_kg": "-5"}, "不能小于零"),
        ({"generated_kg": "1.0005"}, "三位小数"),
        ({"generated_kg": "9" * 30}, "十亿吨"),
        ({"utilized_kg": "1500", "utilized_from_stock_kg": "500"}, "比库存多 299.5 吨"),
        ({"utilized_from_stock_kg": "1001", "generated_kg": "199.5"}, "只是其中一部分"),
    ],
)
def test_what_does_not_add_up_is_said_and_not_written(
    browse: Browse, app_make: Make, typed: dict[str, str], said: str
) -> None:
    _, stream, clerk = world(app_make)

    answer = browse(clerk).post(f"/ledger/{stream.id}/months/{PAST}", data=RIGHT | typed)

    assert answer.status_code == 422
    assert said in answer.text
    assert rows(app_make) == 0


def test_full_width_digits_are_understood(browse: Browse, app_make: Make) -> None:
    _, stream, clerk = world(app_make)

    answer = browse(clerk).post(
        f"/ledger/{stream.id}/months/{PAST}", data={"generated_kg": "１２００．５", "stored_kg": "１，２００．５"}
    )

    assert answer.status_code == 303
    assert rows(app_make) == 3


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from([*RIGHT, "reason", "disposed_kg"]), st.text(max_size=12)))
def test_whatever_is_typed_gets_an_answer(browse: Browse, app_make: Make, typed: dict[str, str]) -> None:
    _, stream, clerk = world(app_make)

    answer = browse(clerk).post(f"/ledger/{stream.id}/months/{PAST}", data=typed)

    assert answer.status_code in {303, 422}


def test_the_opening_stock_is_stated_once(browse: Browse, app_make: Make) -> None:
    _, stream, clerk = world(app_make)
    client = browse(clerk)
    address = f"/ledger/{stream.id}/opening"

    first = client.post(address, data={"month": "2025-01", "kg": "310"})
    second = client.post(address, data={"month": "2025-01", "kg": "310"})
    empty = client.post(address, data={})

    assert (first.status_code, second.status_code, empty.status_code) == (303, 409, 422)
    assert "310.00" in client.get(address).text
    assert rows(app_make) == 1


def test_a_file_is_checked_and_then_written(browse: Browse, app_make: Make) -> None:
    _, _, clerk = world(app_make, name="粉煤灰")
    client = browse(clerk)
    header = "废物名称,月份,产生量,综合利用量,贮存量,处置量\n"
    good = header + "粉煤灰,2025-01,5,4,1,0\n粉煤灰,2025-02,5,5,0,0\n"
    bad = good + "粉煤灰,2025-03,约5,5,0,0\n煤灰,2025-03,5,5,0,0\n"

    faulty = client.post("/ledger/import", data={"text": bad})
    upload = client.post(
        "/ledger/import", data={"file": (io.BytesIO(good.encode("gb18030")), "台账.csv"), "reason": ""}
    )
    refused = client.post("/ledger/import", data={"text": bad, "action": "write"})
    before = rows(app_make)
    written = client.post("/ledger/import", data={"text": good, "action": "write"})

    assert faulty.status_code == upload.status_code == 200
    assert "有 2 行有误" in faulty.text
    assert "约5" in faulty.text
    assert "2 行全部无误" in upload.text
    assert (refused.status_code, before) == (422, 0)
    assert written.status_code == 303
    assert rows(app_make) == 7


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"\xff\xff\xff", b"", b"a,b\n1,2"])
def test_a_file_that_is_none_is_refused(browse: Browse, app_make: Make, content: bytes) -> None:
    _, _, clerk = world(app_make)

    answer = browse(clerk).post("/ledger/import", data={"file": (io.BytesIO(content), "x.csv")})

    assert answer.status_code == 422
    assert rows(app_make) == 0


def test_the_export_can_be_read_back_and_holds_no_formula(browse: Browse, app_make: Make) -> None:
    _, stream, clerk = world(app_make, name="=HYPERLINK(1)")
    client = browse(clerk)
    client.post(f"/ledger/{stream.id}/months/{PAST}", data=RIGHT)

    file = client.get(f"/ledger/{stream.id}/2025.csv")

    lines = file.data.decode("utf-8-sig").splitlines()
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert lines[1].startswith("'=HYPERLINK(1),")
    assert lines[1].split(",")[2:] == ["2025-11", "1200.5", "1000", "0", "200.5", "0", "0", "0", "0", "200.5", "0"]
    assert neutral("-1") == "'-1"


def test_the_export_of_a_plain_name_changes_nothing_when_read_back(browse: Browse, app_make: Make) -> None:
    _, stream, clerk = world(app_make)
    client = browse(clerk)
    client.post(f"/ledger/{stream.id}/months/{PAST}", data=RIGHT)
    stands = rows(app_make)
    file = client.get(f"/ledger/{stream.id}/2025.csv").data

    answer = client.post(
        "/ledger/import", data={"text": file.decode("utf-8-sig"), "action": "write"}, follow_redirects=True
    )

    assert "1 个月原已相同" in answer.text
    assert rows(app_make) == stands


def test_others_find_nothing_and_the_park_may_only_read(browse: Browse, app_make: Make) -> None:
    organization, stream, _ = world(app_make)
    park = app_make.session.get_one(Park, organization.park_id)
    _, _, stranger = world(app_make)
    administrator = app_make.person("park_administrator", park=park).id
    paths = (
        f"/ledger?organization={organization.id}",
        f"/ledger/{stream.id}/2025",
        f"/ledger/{stream.id}/2025.csv",
        f"/ledger/postings?stream={stream.id}",
        f"/ledger/postings?organization={organization.id}",
        f"/ledger/postings?park={organization.park_id}",
    )
    keeping = (f"/ledger/{stream.id}/months/{PAST}", f"/ledger/{stream.id}/opening")

    other, over = browse(stranger), browse(administrator)

    assert {other.get(path).status_code for path in (*paths, *keeping)} == {404}
    assert {other.post(path, data=RIGHT | {"month": PAST, "kg": "1"}).status_code for path in keeping} == {404}
    assert other.post("/ledger/import", data={"organization": organization.id, "text": "x"}).status_code == 404
    assert {over.get(path).status_code for path in paths} == {200}
    assert {over.post(path, data=RIGHT).status_code for path in keeping} == {404}
    assert other.get("/ledger/postings?stream=x").status_code == 404
    assert other.get("/ledger/999999/2025").status_code == 404
    assert rows(app_make) == 0
