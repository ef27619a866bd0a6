"""Writes to the ledger: a month that a plant states, the stock it begins with, and past years from a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain import monthfiles
from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import Conflict, Invalid, NotFound
from marketplace.domain.ledger import (
    Figures,
    MonthFigures,
    NewOpeningStock,
    Posted,
    figures_of,
    first_overdrawn,
    overdrawn,
    postings_for,
)
from marketplace.domain.monthfiles import Book, Plan
from marketplace.domain.quantities import Month
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.ledger import OpeningStock, Posting, StatedMonth
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.streams import WasteStream

LOCAL = timedelta(hours=8)
"""Months are those of China, which has one time all year round."""


@dataclass(frozen=True)
class _Kept:
    """A stream with what the ledger needs of it."""

    stream: WasteStream
    site: Site
    organization: Organization

    @property
    def belonging(self) -> Belonging:
        return Belonging.to(self.organization.id, self.site.park_id, self.organization.park_id)


def state_month(session: Session, actor: Actor, new: MonthFigures, *, now: datetime) -> int:
    """
    State one month of a stream and return how many rows that took; none if the same stands already.

    What stood before is reversed, never changed, and the reason stands with the reversal.

    Raises NotFound, NotAllowed, Invalid for a month to come, a correction without a reason or a store that would hold
    less than nothing, Conflict if less is keyed in than was weighed.
    """
    with transaction(session):
        kept = _stream(session, new.stream_id)
        actor.must("ledger.keep", kept.belonging)
        _must_have_begun(new.month, now)
        book = _books(session, [kept])[0]
        written = _write(session, actor, kept, book, {new.month: new.figures}, new.reason, now=now)
        if written:
            record(
                session, actor, "ledger.state", "stream", kept.stream.id, now=now, organization_id=kept.organization.id,
                park_id=kept.site.park_id, month=str(new.month), postings=written,
            )  # fmt: skip
    return written


def open_stock(session: Session, actor: Actor, new: NewOpeningStock, *, now: datetime) -> int:
    """
    Say what lay in store of a stream before the first month of its ledger, once; return the row's id.

    Raises NotFound, NotAllowed, Conflict if it was said before, Invalid if figures stand for earlier months.
    """
    with transaction(session):
        kept = _stream(session, new.stream_id)
        actor.must("ledger.keep", kept.belonging)
        _must_have_begun(new.month, now)
        book = _books(session, [kept])[0]
        if book.opening_kg is not None:
            raise Conflict("The opening stock of this stream is stated already.")
        first = min(book.months, default=None)
        if first is not None and first < new.month:
            raise Invalid(
                "There are figures from %(first_month)s on; the opening stock is what lay in store before that month.",
                field="month",
                first_month=str(first),
            )
        row = OpeningStock(
            site_id=kept.site.id, stream_id=kept.stream.id, month=new.month, kg=new.kg, entered_at=now
        )  # fmt: skip
        session.add(row)
        session.flush()
        record(
            session, actor, "ledger.open_stock", "stream", kept.stream.id, now=now, organization_id=kept.organization.id,
            park_id=kept.site.park_id, month=str(new.month), kg=new.kg,
        )  # fmt: skip
    return row.id


def check_months(
    session: Session, actor: Actor, organization_id: int, text: str, *, reason: str, now: datetime
) -> Plan:
    """
    Read a file of months and say row by row what it would do; nothing is written.

    Raises NotFound, NotAllowed, Invalid if it is no such file at all.
    """
    kept = _streams_of(session, actor, organization_id, hold=False)
    return monthfiles.plan(text, _books(session, kept), reason=reason, this_month=this_month(now))


def import_months(
    session: Session, actor: Actor, organization_id: int, text: str, *, reason: str, now: datetime
) -> Plan:
    """
    Write all months of a file, or none of them, and return what was done.

    Raises NotFound, NotAllowed, Invalid if a row is faulty; `check_months` names each.
    """
    with transaction(session):
        kept = {each.stream.id: each for each in _streams_of(session, actor, organization_id, hold=True)}
        books = _books(session, list(kept.values()))
        plan = monthfiles.plan(text, books, reason=reason, this_month=this_month(now))
        if plan.faults:
            raise Invalid("%(count)s rows are faulty; nothing was written.", count=len(plan.faulty_lines), field="text")
        written = 0
        for book in books:
            months = {row.month: row.figures for row in plan.rows if row.stream_id == book.stream_id}
            if months:
                written += _write(session, actor, kept[book.stream_id], book, months, reason, now=now)
        if written:
            record(
                session, actor, "ledger.import", "organization", organization_id, now=now,
                organization_id=organization_id, rows=len(plan.rows), postings=written,
            )  # fmt: skip
    return plan


def this_month(now: datetime) -> Month:
    """Return the month that runs in China."""
    return Month.of((now + LOCAL).date())


def _write(
    session: Session,
    actor: Actor,
    kept: _Kept,
    book: Book,
    months: Mapping[Month, Figures],
    reason: str,
    *,
    now: datetime,
) -> int:
    """Add the postings of months to the transaction. Raises Invalid, Conflict."""
    if book.opening_month is not None and min(months) < book.opening_month:
        raise Invalid(
            "The ledger of this stream begins with its opening stock in %(first_month)s.",
            field="month",
            first_month=str(book.opening_month),
        )
    short = first_overdrawn(book.opening_kg or 0, {**book.months, **months})
    if short is not None:
        raise overdrawn(short)
    written = 0
    for month, figures in sorted(months.items()):
        entries = postings_for(figures, book.postings.get(month, ()))
        if any(entry.reverses_id is not None for entry in entries) and not reason:
            raise Invalid("Figures stand for this month already. Say why they are corrected.", field="reason")
        session.add_all(
            Posting(
                organization_id=kept.organization.id,
                site_id=kept.site.id,
                stream_id=kept.stream.id,
                material=kept.stream.material,
                waste_code=kept.stream.waste_code,
                month=month,
                debit=entry.debit,
                credit=entry.credit,
                kg=entry.kg,
                note=reason,
                reverses_id=entry.reverses_id,
                posted_at=now,
                posted_by=actor.person_id,
            )
            for entry in entries
        )
        if month not in book.stated and (entries or month not in book.told):
            session.add(StatedMonth(stream_id=kept.stream.id, month=month, stated_at=now, stated_by=actor.person_id))
            written += 1
        written += len(entries)
    return written


def _must_have_begun(month: Month, now: datetime) -> None:
    if month > this_month(now):
        raise Invalid("This month has not begun.", field="month")


def _stream(session: Session, stream_id: int) -> _Kept:
    """Return a stream and hold it until the transaction ends, so that no two state one month at the same time."""
    row = session.execute(
        select(WasteStream, Site, Organization)
        .join(Site, Site.id == WasteStream.site_id)
        .join(Organization, Organization.id == Site.organization_id)
        .where(WasteStream.id == stream_id)
        .with_for_update(of=WasteStream)
    ).one_or_none()
    if row is None:
        raise NotFound
    return _Kept(*row)


def _streams_of(session: Session, actor: Actor, organization_id: int, *, hold: bool) -> list[_Kept]:
    organization = session.get(Organization, organization_id)
    if organization is None:
        raise NotFound
    actor.must("ledger.keep", Belonging.to(organization.id, organization.park_id))
    streams = (
        select(WasteStream, Site)
        .join(Site, Site.id == WasteStream.site_id)
        .where(Site.organization_id == organization_id)
        .order_by(WasteStream.id)
    )
    rows = session.execute(streams.with_for_update(of=WasteStream) if hold else streams).all()
    return [_Kept(stream, site, organization) for stream, site in rows]


def _books(session: Session, kept: Sequence[_Kept]) -> list[Book]:
    """Read what stands of some streams: three SELECTs, however many they are."""
    ids = [each.stream.id for each in kept]
    openings = {
        stream_id: (month, kg)
        for stream_id, month, kg in session.execute(
            select(OpeningStock.stream_id, OpeningStock.month, func.sum(OpeningStock.kg))
            .where(OpeningStock.stream_id.in_(ids))
            .group_by(OpeningStock.stream_id, OpeningStock.month)
        )
    }
    postings: dict[int, dict[Month, list[Posted]]] = {}
    for row in session.execute(
        select(
            Posting.stream_id, Posting.id, Posting.month, Posting.debit, Posting.credit, Posting.kg, Posting.evidence,
            Posting.reverses_id, Posting.since, Posting.shipment_id,
        )
        .where(Posting.stream_id.in_(ids))
        .order_by(Posting.id)
    ):  # fmt: skip
        posted = Posted(
            row.id, row.month, row.debit, row.credit, row.kg, row.evidence, row.reverses_id, row.since, row.shipment_id
        )
        postings.setdefault(row.stream_id or 0, {}).setdefault(row.month, []).append(posted)
    stated: dict[int, set[Month]] = {}
    for stream_id, month in session.execute(
        select(StatedMonth.stream_id, StatedMonth.month).where(StatedMonth.stream_id.in_(ids))
    ):
        stated.setdefault(stream_id, set()).add(month)
    return [_book(each, openings, postings.get(each.stream.id, {}), stated.get(each.stream.id, set())) for each in kept]


def _book(
    kept: _Kept,
    openings: Mapping[int, tuple[Month, int]],
    postings: Mapping[Month, Iterable[Posted]],
    stated: Iterable[Month],
) -> Book:
    opening = openings.get(kept.stream.id)
    standing = {month: tuple(rows) for month, rows in postings.items()}
    return Book(
        stream_id=kept.stream.id,
        names=(kept.stream.name, kept.stream.name_en),
        sites=(kept.site.name, kept.site.name_en),
        opening_month=opening[0] if opening else None,
        opening_kg=opening[1] if opening else None,
        months={month: figures_of(rows) for month, rows in standing.items()},
        postings=standing,
        stated=frozenset(stated),
    )
