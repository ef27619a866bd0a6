"""Who acts, and what an object belongs to; `policy` says who may do what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from marketplace.domain.errors import NotAllowed, NotFound
from marketplace.domain.policy import EVERYBODY, POLICY, Relation, noun_of


@dataclass(frozen=True)
class Appointed:
    """One role, and for which organization or park; neither for the whole platform."""

    role: str
    organization_id: int | None = None
    park_id: int | None = None
    site_id: int | None = None
    produces: bool = False
    recycles: bool = False


@dataclass(frozen=True)
class Belonging:
    """
    What an object belongs to.

    ``owners`` are the organizations whose own it is, ``parties`` those on the other side of a deal, ``parks`` the
    parks that oversee one of them, ``sites`` where it lies. Empty: it belongs to the platform.
    """

    owners: frozenset[int] = frozenset()
    parties: frozenset[int] = frozenset()
    parks: frozenset[int] = frozenset()
    sites: frozenset[int] = frozenset()

    @classmethod
    def to(cls, owner: int, *parks: int | None, parties: tuple[int, ...] = ()) -> Belonging:
        """Return what belongs to one organization, which these parks oversee."""
        return cls(frozenset({owner}), frozenset(parties), frozenset(park for park in parks if park is not None))

    @classmethod
    def to_park(cls, park_id: int) -> Belonging:
        """Return what belongs to a park."""
        return cls(parks=frozenset({park_id}))


NOBODYS: Final = Belonging()


@dataclass(frozen=True)
class Actor:
    """A person with all that the person is appointed to; nobody at all is the visitor."""

    person_id: int | None = None
    name: str = ""
    appointments: tuple[Appointed, ...] = ()

    @property
    def signed_in(self) -> bool:
        """Whether this is a person that we know."""
        return self.person_id is not None

    @property
    def organization_ids(self) -> frozenset[int]:
        """The organizations that this person acts for."""
        return frozenset(held.organization_id for held in self.appointments if held.organization_id is not None)

    @property
    def park_ids(self) -> frozenset[int]:
        """The parks that this person administers."""
        return frozenset(held.park_id for held in self.appointments if held.park_id is not None)

    @property
    def roles(self) -> frozenset[str]:
        """All roles that this person holds somewhere."""
        return frozenset(held.role for held in self.appointments)

    @property
    def produces(self) -> bool:
        """Whether this person acts for a producer."""
        return any(held.produces for held in self.appointments)

    @property
    def recycles(self) -> bool:
        """Whether this person acts for a recycler."""
        return any(held.recycles for held in self.appointments)

    def may(self, action: str, of: Belonging = NOBODYS) -> bool:
        """Return whether the policy table lets this actor do that to what belongs so. Raises KeyError for no action."""
        cells = POLICY[action].cells
        return any(relation is Relation.ANY for relation in cells.get("visitor", ())) or any(
            self._stands(relation, held, of) for role, held in self._held() for relation in cells.get(role, frozenset())
        )

    def must(self, action: str, of: Belonging = NOBODYS) -> None:
        """
        Refuse what the policy table does not allow.

        Raises NotFound if the actor may not even see such a thing there, which reads exactly like what is not there;
        NotAllowed if it may be seen by this actor, but not this done to it.
        """
        if self.may(action, of):
            return
        read = f"{noun_of(action)}.read"
        if read != action and read in POLICY and self.may(read, of):
            raise NotAllowed
        raise NotFound

    def _held(self) -> list[tuple[str, Appointed]]:
        held = [(appointed.role, appointed) for appointed in self.appointments]
        return [*held, (EVERYBODY, Appointed(EVERYBODY))] if self.signed_in else held

    def _stands(self, relation: Relation, held: Appointed, of: Belonging) -> bool:
        match relation:
            case Relation.ANY:
                return True
            case Relation.OWN:
                return held.organization_id in of.owners
            case Relation.PARTY:
                return held.organization_id in of.parties
            case Relation.SITE:
                return held.site_id in of.sites
            case Relation.PARK:
                # nobody judges in the own cause
                return held.park_id in of.parks and not self.organization_ids & (of.owners | of.parties)


VISITOR: Final = Actor()

SYSTEM: Final = Actor(name="system", appointments=(Appointed("system"),))
"""What acts by itself: the operator's command line and the worker."""
