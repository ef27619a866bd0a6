"""Files of weighbridge tickets as the people at the scale write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from marketplace.adapters import sheets
from marketplace.domain.errors import Invalid
from marketplace.domain.monthfiles import Fault
from marketplace.domain.weighbridgefiles import MOST_TOLD, Skipped, WeighFile, read
from tests.unit.domain.weighfile_corpus import (
    BARE,
    BOTH,
    CORPUS,
    FIRST,
    HEADER,
    NOW,
    ONE,
    SHORT,
    TWO,
    Case,
    put,
    text_file,
)


def of(content: bytes, **asked: object) -> WeighFile:
    return read(sheets.read(content).rows, now=NOW, **asked)  # type: ignore[arg-type]  # what a case asks for


def told(faults: tuple[Fault, ...]) -> list[tuple[int, str, str]]:
    return [(fault.line, fault.column, str(fault.sentence)) for fault in faults]


def test_the_corpus_is_large_and_each_name_stands_once() -> None:
    assert len(CORPUS) >= 40
    assert len({case.name for case in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("case", CORPUS, ids=[case.name for case in CORPUS])
def test_each_file_gives_these_tickets_or_is_told_this(case: Case) -> None:
    if case.said:
        with pytest.raises(Invalid) as refusal:
            of(case.content)
        assert str(refusal.value).startswith(case.said)
        return

    found = of(case.content)

    assert found.rows == case.rows
    for said, expected in ((found.faults, case.faults), (found.warnings, case.warnings)):
        assert [each[:2] for each in told(said)] == [each[:2] for each in expected]
        for (_, _, sentence), (_, _, begin) in zip(told(said), expected, strict=True):
            assert sentence.startswith(begin)
    assert (found.unit, found.unit_from) == (case.unit, case.unit_from)


def test_says_what_was_found_and_what_was_skipped() -> None:
    rows = [["明细"], [], HEADER, [], ONE, ["小计"], HEADER, [], ONE, TWO, ["合计"], ["制表：张三"], []]

    found = of(text_file([row and [*row, "颜色" if row is HEADER else ""] for row in rows]))

    assert found.skipped == Skipped(above=1, empty=3, totals=2, headers=1, footers=1, twice=1)
    assert found.unknown == ("颜色",)
    assert found.columns == {
        "ticket": "磅单号", "plate": "车牌号", "material": "货物名称", "sender": "发货单位", "receiver": "收货单位", "gross": "毛重(kg)",
        "tare": "皮重(kg)", "net": "净重(kg)", "deducted": "扣重(kg)", "gross_at": "过重时间", "tare_at": "过空时间", "driver": "司机",
        "weigher": "过磅员", "note": "备注",
    }  # fmt: skip


def test_net_is_gross_less_tare_before_what_is_taken_off() -> None:
    found = of(text_file([HEADER, put(TWO, net=29480)]))

    assert [(row.net_kg, row.deducted_kg) for row in found.rows] == [(29_600, 120)]


def test_a_remembered_title_goes_before_what_is_recognized() -> None:
    content = text_file([["单据", "牌", "一", "二", "毛重"], ["1", "晋F12345", "45260", "15480", "9"]])
    mapping = {"单据": "ticket", "牌": "plate", "一": "gross", "二 ": "tare", "毛重": ""}

    found = of(content, mapping=mapping)

    assert found.rows == (BARE,)
    assert found.columns == {"ticket": "单据", "plate": "牌", "gross": "一", "tare": "二"}
    assert found.unknown == ()


def test_a_remembered_field_must_be_one() -> None:
    with pytest.raises(Invalid, match="There is no such column as “weight”"):
        of(text_file([HEADER, ONE]), mapping={"毛重(kg)": "weight"})


def test_a_unit_that_the_caller_knows_settles_what_is_not_clear() -> None:
    found = of(text_file([SHORT, ["1", "晋F12345", "300", "250"]]), unit="kg")

    assert (found.unit, found.unit_from) == ("kg", "asked")
    assert told(found.faults) == [(2, "毛重", "No loaded vehicle weighs as little as 300 t. Is the unit right?")]


def test_one_figure_in_another_unit_does_not_change_that_of_the_file() -> None:
    many = [[str(number), f"晋F{number:05d}", "45260", "15480"] for number in range(1, 11)]

    found = of(text_file([SHORT, *many, ["11", "晋F99999", "61.5", "16.2"]]))

    assert (len(found.rows), found.unit, found.faulty_lines) == (10, "kg", {12})


def test_every_fault_of_a_row_is_told_and_other_rows_are_kept() -> None:
    broken = put(ONE, ticket="", plate="", gross="约3", tare="x", gross_at="?", tare_at="32:00")

    found = of(text_file([HEADER, broken, TWO]))

    assert found.rows == (BOTH[1],)
    assert [fault.column for fault in found.faults] == sorted(
        ["毛重(kg)", "皮重(kg)", "磅单号", "车牌号", "过空时间", "过重时间"]
    )


def test_of_a_thousand_alike_some_are_told_and_the_rest_counted() -> None:
    rows = [[str(number), "", "45260", "15480"] for number in range(1000)]

    found = of(text_file([SHORT, *rows]))

    assert len(found.faults) == MOST_TOLD + 1
    assert told(found.faults)[-1] == (MOST_TOLD + 1, "车号", "There are 700 more like this, not listed here.")


def test_now_itself_is_not_the_future() -> None:
    content = text_file([HEADER, put(ONE, gross_at="2025-03-01 08:12:35")])

    at = datetime(2025, 3, 1, 0, 12, 35, tzinfo=UTC)

    assert read(sheets.read(content).rows, now=at).rows == (FIRST,)
