"""After a round everybody who took part has a letter: what was awarded, what was left, and why."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.persistence.outbox import OutboxMail
from tests.factories import Make
from tests.integration.services.test_rounds import published, world


def test_winners_and_losers_have_a_letter(session: Session, make: Make) -> None:
    made = world(make)
    for organization in (*made.plants, *made.recyclers):
        make.person("signatory", organization=organization, email=f"s{organization.id}@test.example")
    names = {of.id: of.name_zh for of in (*made.plants, *made.recyclers)}
    of = made.round()

    [award] = published(session, made, of)

    letters = {
        row.recipient: row for row in session.execute(select(OutboxMail.recipient, OutboxMail.kind, OutboxMail.values))
    }
    assert letters.keys() == {f"s{organization_id}@test.example" for organization_id in names}
    for organization_id in names:
        letter = letters[f"s{organization_id}@test.example"]
        won = organization_id in (award.producer_id, award.recycler_id)
        assert letter.kind == ("awards" if won else "nothing_awarded")
        if won:
            [given] = letter.values["given"]
            other = award.recycler_id if organization_id == award.producer_id else award.producer_id
            assert (given["other_zh"], given["kg"]) == (names[other], award.kg)
            assert given["price_fen_per_t"] == award.price_fen_per_t
        else:
            assert letter.values["given"] == []
            assert letter.values["left"]
            assert all(each["kg"] > 0 and each["why"] for each in letter.values["left"])
