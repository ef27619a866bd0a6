"""What may be said in a question or an answer."""

from __future__ import annotations

import pytest

from marketplace.domain.errors import Invalid
from marketplace.domain.questions import MOST_ANSWER, MOST_QUESTION, NewQuestion, refuse_text


def question(text: str) -> NewQuestion:
    return NewQuestion(listing_id=1, organization_id=2, text=text)


@pytest.mark.parametrize(
    "text",
    [
        "请打 13812345678",
        "请打 １３８ １２３４ ５６７８",
        "电话 0349-2021234",
        "电话 034920212345",
        "发到 ash@works.example.cn",
        "加微信：huiyong88",
        "QQ 12345678",
    ],
)
def test_how_to_reach_somebody_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="leave out telephone numbers") as refused:
        question(text)

    assert refused.value.field == "text"


@pytest.mark.parametrize(
    "text",
    [
        "是否符合 GB/T 1596-2017 的 II 级？",
        "代码是 900-001-S02 还是 441-001-S02？",
        "2027-02 至 2027-04 每月 12,000 t，45 μm 筛余 18 %？",
        "烧失量 3.2 @ 950 °C",
        "批号 20270115 0012345",
    ],
)
def test_codes_standards_and_figures_are_no_way_to_reach_somebody(text: str) -> None:
    assert question(text).text == text


def test_a_question_is_as_long_as_it_may_be_and_no_longer() -> None:
    question("灰" * MOST_QUESTION)

    with pytest.raises(Invalid, match="At most 500 characters"):
        question("灰" * (MOST_QUESTION + 1))
    with pytest.raises(Invalid, match="This is needed"):
        question(" \n ")
    with pytest.raises(Invalid, match="At most 2000 characters"):
        refuse_text("灰" * (MOST_ANSWER + 1), most=MOST_ANSWER)
