"""Questions and answers in the browser: asked on the board without a name, answered on the listing, read by all."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from marketplace.persistence.parks import Park
from marketplace.persistence.people import Appointment
from marketplace.persistence.questions import Answer, Question
from tests.factories import Make
from tests.functional.market import NOW, Browse, World, text


@pytest.fixture
def world(app_make: Make) -> World:
    return World(app_make)


def asked(world: World) -> int:
    world.make.session.rollback()
    return world.make.session.scalar(select(func.count(Question.id))) or 0


def test_a_recycler_asks_and_the_producer_answers_and_all_read_both(world: World, browse: Browse) -> None:
    buyer, seller = browse(world.buyer.id, language="en"), browse(world.seller.id, language="en")
    reader = browse(world.stranger.id, language="en")
    board, listing = f"/board/{world.listing.id}", f"/listings/{world.listing.id}"

    sent = buyer.post(f"{board}/questions", data={"organization": world.recycler.id, "text": "Night loading?"})
    assert (sent.status_code, sent.headers["Location"]) == (303, f"{board}#questions")
    assert "not answered yet" in text(reader, board)
    assert "Night loading?" in text(seller, listing)
    assert "asked by" not in text(seller, listing)
    question_id = world.make.session.scalars(select(Question.id)).one()

    sent = seller.post(f"{listing}/questions/{question_id}/answer", data={"text": "Until ten at night."})

    assert (sent.status_code, sent.headers["Location"]) == (303, f"{listing}#questions")
    for page in (text(buyer, board), text(reader, board), text(seller, listing)):
        assert "Night loading?" in page
        assert "Until ten at night." in page
    assert "you asked" in text(buyer, board)
    assert "Beichen Materials" not in text(reader, board)


def test_the_park_reads_who_asked(world: World, browse: Browse) -> None:
    world.make.question(world.listing, world.recycler, "可以。", asked_at=NOW)
    park = world.make.person("park_administrator", park=world.make.session.get_one(Park, world.plant.park_id))

    page = text(browse(park.id, language="en"), f"/listings/{world.listing.id}")

    assert "asked by Beichen Materials; only the park and the auditor read this" in page
    assert "Publish the answer" not in page


@pytest.mark.parametrize(
    ("given", "status", "message"),
    [
        ({"text": ""}, 422, "This is needed."),
        ({"text": "call 13812345678"}, 422, "leave out telephone numbers"),
        ({"text": "灰" * 501}, 422, "At most 500 characters."),
        ({"text": "keep me", "organization": ""}, 422, "Choose one."),
        ({"text": "keep me", "organization": "999"}, 404, "no such page"),
    ],
)
def test_a_question_that_is_refused_says_why_and_keeps_nothing(
    world: World, browse: Browse, given: dict[str, str], status: int, message: str
) -> None:
    buyer = browse(world.buyer.id, language="en")

    answer = buyer.post(f"/board/{world.listing.id}/questions", data={"organization": world.recycler.id} | given)

    assert answer.status_code == status
    assert message in answer.text
    assert asked(world) == 0


def test_the_eleventh_question_of_a_day_is_refused_with_its_words_kept(world: World, browse: Browse) -> None:
    for _ in range(10):
        world.make.question(world.listing, world.recycler, asked_at=NOW)
    buyer = browse(world.buyer.id, language="en")

    answer = buyer.post(
        f"/board/{world.listing.id}/questions", data={"organization": world.recycler.id, "text": "keep me"}
    )

    assert answer.status_code == 429
    assert "10 questions within a day" in answer.text
    assert "keep me" in answer.text
    assert asked(world) == 10


def test_an_answer_that_is_refused_stands_beside_its_question(world: World, browse: Browse) -> None:
    question = world.make.question(world.listing, world.recycler, asked_at=NOW)
    other = world.make.question(world.listing, world.recycler, asked_at=NOW)
    seller = browse(world.seller.id, language="en")

    answer = seller.post(
        f"/listings/{world.listing.id}/questions/{question.id}/answer", data={"text": "mail ash@works.example.cn"}
    )

    assert answer.status_code == 422
    assert answer.text.count("leave out telephone numbers") >= 1
    assert (
        f'id="answer-{question.id}" name="text" rows="3" aria-describedby="answer-{question.id}-hint" aria-invalid'
        in answer.text
    )
    assert answer.text.count("mail ash@works.example.cn") == 1
    assert f'id="answer-{other.id}"' in answer.text
    assert world.make.session.scalar(select(func.count(Answer.id))) == 0


def test_a_visitor_is_led_to_sign_in_and_reads_what_an_open_listing_says(world: World, client: FlaskClient) -> None:
    world.make.question(world.listing, world.recycler, "可以装车。", asked_at=NOW)
    client.set_cookie("language", "en")

    assert "可以装车。" not in text(client, f"/board/{world.listing.id}")
    world.set_listing(disclosure="open")
    page = text(client, f"/board/{world.listing.id}")

    assert "可以装车。" in page
    assert f"/board/{world.listing.id}/questions" not in page
    sent = client.post(f"/board/{world.listing.id}/questions", data={"organization": "1", "text": "hello"})
    assert (sent.status_code, sent.headers["Location"]) == (303, "/login")


def test_a_person_of_two_recyclers_says_for_which_it_asks(world: World, browse: Browse) -> None:
    second = world.make.organization(name_en="Second Works")
    both = world.make.person("signatory", organization=world.recycler)
    world.make._add(Appointment(person_id=both.id, role="signatory", organization_id=second.id, granted_at=NOW))
    client = browse(both.id, language="en")

    assert "Second Works" in text(client, f"/board/{world.listing.id}")
    client.post(f"/board/{world.listing.id}/questions", data={"organization": second.id, "text": "Which silo?"})

    world.make.session.rollback()
    assert world.make.session.scalars(select(Question.organization_id)).one() == second.id
