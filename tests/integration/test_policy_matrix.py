"""Every action x role x relation: what the table holds is allowed, every empty cell is denied."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketplace.domain.actors import NOBODYS, Actor, Appointed, Belonging
from marketplace.domain.errors import MarketplaceError, NotAllowed, NotFound
from marketplace.domain.policy import EVERYBODY, POLICY, ROLES, Relation, noun_of

OWN, OTHER, PARK, OTHER_PARK, SITE = 11, 22, 33, 44, 55
OF_ORGANIZATIONS = ("clerk", "signatory", "weigher")

STANDINGS = {
    Relation.OWN: Belonging.to(OWN, OTHER_PARK),
    Relation.PARTY: Belonging.to(OTHER, OTHER_PARK, parties=(OWN,)),
    Relation.PARK: Belonging.to(OTHER, PARK),
    Relation.SITE: Belonging(frozenset({OTHER}), sites=frozenset({SITE})),
    None: Belonging.to(OTHER, OTHER_PARK, parties=(99,)),
    "platform": NOBODYS,
}
"""How something can stand to the actors below: owned, across a deal, at the own site, overseen, a stranger's, the platform's."""


def actor(role: str) -> Actor:
    if role == "visitor":
        return Actor()
    if role == EVERYBODY:
        return Actor(1, "nobody in particular")
    if role == "weigher":
        return Actor(1, role, (Appointed(role, organization_id=OWN, site_id=SITE),))
    if role in OF_ORGANIZATIONS:
        return Actor(1, role, (Appointed(role, organization_id=OWN),))
    if role == "park_administrator":
        return Actor(1, role, (Appointed(role, park_id=PARK),))
    return Actor(None if role == "system" else 1, role, (Appointed(role),))


def reached(role: str, standing: object) -> bool:
    """Whether a role can stand in that relation to something at all."""
    if standing in (Relation.OWN, Relation.PARTY):
        return role in OF_ORGANIZATIONS
    if standing is Relation.SITE:
        return role == "weigher"
    if standing is Relation.PARK:
        return role == "park_administrator"
    return False


def expected(action: str, role: str, standing: object) -> bool:
    """What the table says, read cell by cell and by nothing else."""
    cells = POLICY[action].cells
    held = {"visitor", role} | (set() if role in ("visitor", "system") else {EVERYBODY})
    if any(Relation.ANY in cells.get(each, ()) for each in held):
        return True
    return reached(role, standing) and standing in cells.get(role, ())


def matrix() -> Iterator[tuple[str, str, object]]:
    for action in POLICY:
        for role in ROLES:
            for standing in STANDINGS:
                yield action, role, standing


def refusal(who: Actor, action: str, of: Belonging) -> type[MarketplaceError] | None:
    try:
        who.must(action, of)
    except MarketplaceError as refused:
        return type(refused)
    return None


def test_every_cell_is_as_written_and_every_empty_cell_denies() -> None:
    wrong = [
        (action, role, standing)
        for action, role, standing in matrix()
        if actor(role).may(action, STANDINGS[standing]) is not expected(action, role, standing)
    ]

    assert wrong == []
    assert sum(1 for _ in matrix()) == len(POLICY) * len(ROLES) * len(STANDINGS)


def test_what_may_not_be_seen_is_not_there_and_what_may_be_seen_is_forbidden() -> None:
    wrong = []
    for action, role, standing in matrix():
        who, of = actor(role), STANDINGS[standing]
        read = f"{noun_of(action)}.read"
        seen = read != action and read in POLICY and expected(read, role, standing)
        right = None if expected(action, role, standing) else NotAllowed if seen else NotFound
        if refusal(who, action, of) is not right:
            wrong.append((action, role, standing, right))

    assert wrong == []


@pytest.mark.parametrize("action", [name for name, row in POLICY.items() if "park_administrator" in row.cells])
def test_nobody_judges_in_the_own_cause(action: str) -> None:
    both = Actor(1, "both", (Appointed("clerk", organization_id=OWN), Appointed("park_administrator", park_id=PARK)))
    clerk = Actor(1, "clerk", (Appointed("clerk", organization_id=OWN),))

    for of in (Belonging.to(OWN, PARK), Belonging.to(OTHER, PARK, parties=(OWN,))):
        assert both.may(action, of) is clerk.may(action, of)


def test_the_auditor_writes_nothing_but_the_own_account() -> None:
    writes = {action for action, row in POLICY.items() if row.writes and "auditor" in row.cells}

    assert writes == set()


def test_the_operator_sees_no_bid() -> None:
    about_bids = {action for action in POLICY if noun_of(action) in ("bid", "award", "contract")}

    assert {action for action in about_bids if "operator" in POLICY[action].cells} == set()


@pytest.mark.parametrize("action", sorted(POLICY))
def test_roles_of_the_table_are_roles(action: str) -> None:
    assert set(POLICY[action].cells) <= set(ROLES)
