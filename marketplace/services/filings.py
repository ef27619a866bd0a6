"""Use cases of filings for utilization in another province."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from marketplace.domain.lines import NewFiling
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.kept import belonging, find_filing, find_site, find_stream
from marketplace.persistence.lines import Filing


def add_filing(session: Session, actor: Actor, new: NewFiling, *, now: datetime) -> int:
    """
    Keep a filing of a stream to a receiving site and return its id.

    Raises NotFound, NotAllowed, Invalid if both sites lie in one province or the stream is no solid waste by law, and
    Conflict if the receiving site is closed, the stream retired, or the number known.
    """
    with transaction(session):
        stream, site, organization = find_stream(session, new.stream_id, lock=True)
        actor.must("filing.keep", belonging(organization, site))
        if stream.retired_at is not None:
            raise Conflict("This waste stream is retired.")
        if stream.legal_status != "solid_waste":
            raise Invalid(
                "Declared as %(stream_legal_status)s: only solid waste is filed when it leaves its province.",
                field="stream_id",
                stream_legal_status=stream.legal_status,
            )
        receiving, receiver = find_site(session, new.receiving_site_id)
        if receiving.closed_at is not None or not receiver.recycles or receiver.id == organization.id:
            raise Invalid("Choose an open site of another organization that recycles.", field="receiving_site_id")
        new.refuse_same_province(site.division_code, receiving.division_code)
        if session.scalar(select(Filing.id).where(Filing.filing_no == new.filing_no.strip())) is not None:
            raise Conflict("A filing of this number is kept already.")
        filing = Filing(
            stream_id=stream.id,
            receiving_site_id=receiving.id,
            filing_no=new.filing_no.strip(),
            filed_kg=new.filed_kg,
            filed_trips=new.filed_trips,
            valid_from=new.valid_from,
            valid_to=new.valid_to,
            entered_at=now,
        )
        session.add(filing)
        session.flush()
        record(
            session,
            actor,
            "filing.add",
            "filing",
            filing.id,
            now=now,
            organization_id=organization.id,
            park_id=site.park_id or organization.park_id,
            stream_id=stream.id,
            receiving_site_id=receiving.id,
            filing_no=filing.filing_no,
            filed_kg=filing.filed_kg,
            filed_trips=filing.filed_trips,
            valid_from=filing.valid_from.isoformat(),
            valid_to=filing.valid_to.isoformat(),
        )
    return filing.id


def end_filing(session: Session, actor: Actor, filing_id: int, *, now: datetime) -> None:
    """
    End a filing before its last day: nothing more goes under it.

    Raises NotFound, NotAllowed, and Conflict if it was ended already or awards still reserve part of it.
    """
    with transaction(session):
        filing, site, organization = find_filing(session, filing_id)
        whose = belonging(organization, site)
        if not actor.may("filing.keep", whose):
            raise NotAllowed if actor.may("filing.read", _both(session, filing, whose)) else NotFound
        ended = cast(
            "CursorResult[Any]",
            session.execute(
                update(Filing)
                .where(Filing.id == filing.id, Filing.ended_at.is_(None), Filing.reserved_kg == 0)
                .values(ended_at=now)
                .execution_options(synchronize_session=False)
            ),
        ).rowcount
        if not ended and filing.ended_at is not None:
            raise Conflict("This filing was ended already.")
        if not ended:
            raise Conflict("Awards still reserve tonnes of this filing. Answer them first.")
        record(
            session,
            actor,
            "filing.end",
            "filing",
            filing.id,
            now=now,
            organization_id=organization.id,
            park_id=site.park_id or organization.park_id,
            filing_no=filing.filing_no,
        )


def _both(session: Session, filing: Filing, sender: Belonging) -> Belonging:
    """Return whom a filing may be seen by: both its ends, and the parks that oversee the sender."""
    _, receiver = find_site(session, filing.receiving_site_id)
    return Belonging(sender.owners | {receiver.id}, sender.parties, sender.parks)
