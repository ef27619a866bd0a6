"""What a person of the world was told, looks for and may end: a notice, a saved search, the link of a mail."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.searches import Sought
from marketplace.persistence.database import transaction
from marketplace.persistence.notices import Notice
from marketplace.persistence.organizations import Organization
from marketplace.persistence.people import Person
from marketplace.persistence.searches import SavedSearch
from marketplace.services.searches import save_search
from marketplace.web.mailing import off_links
from tests.factories import SECRET, Make


def notice_of(session: Session, person_id: int, about: Organization, at: datetime) -> int:
    """Tell a person that an organization was verified, and return the notice."""
    values = {"id": about.id, "name_zh": about.name_zh, "name_en": about.name_en}
    notice = Notice(person_id=person_id, kind="organization_verified", values=values, posted_at=at)
    with transaction(session):
        session.add(notice)
    return notice.id


def search_of(session: Session, person_id: int, at: datetime) -> int:
    """Let a person save a search, and return it."""
    save_search(session, Make(session).actor(session.get_one(Person, person_id)), Sought(), {}, now=at)
    return session.scalars(select(SavedSearch.id).where(SavedSearch.person_id == person_id)).one()


def off_token(person_id: int) -> str:
    """Return the token of the link with which a person ends mail about bids."""
    return off_links(SECRET, "")(person_id, "bids").rpartition("/")[2]
