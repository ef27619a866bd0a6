"""Use cases of waste streams and their lab sheets."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.errors import Conflict, Invalid, NotFound
from marketplace.domain.grades import grade_of
from marketplace.domain.hazards import refuse_hazardous
from marketplace.domain.streams import NewSheet, NewStream
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.fit import latest_values
from marketplace.persistence.kept import belonging, find_site, find_stream
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.streams import LabSheet, LabValue, WasteStream
from marketplace.services.salerules import change_stream, held_sales


def add_stream(session: Session, actor: Actor, new: NewStream, *, now: datetime) -> int:
    """
    Keep a waste stream at a site and return its id.

    Raises NotFound, NotAllowed, and Conflict if the site is closed, is no producer's, or has a stream of that name.
    """
    with transaction(session):
        site, organization = find_site(session, new.site_id, lock=True)
        actor.must("stream.keep", belonging(organization, site))
        if site.closed_at is not None:
            raise Conflict("This site is closed.")
        if not organization.produces:
            raise Conflict("Your organization is registered as a recycler only. Its signatory can change that.")
        _refuse_namesake(session, site, new.name)
        stream = WasteStream(site_id=site.id, material=new.material, created_at=now)
        _write(stream, new)
        session.add(stream)
        session.flush()
        _note(session, actor, "stream.add", stream, site, organization, now=now)
    return stream.id


def edit_stream(
    session: Session, actor: Actor, stream_id: int, new: NewStream, *, confirmed: bool = False, now: datetime
) -> None:
    """
    Change a waste stream; site and material stay, for another material is another stream.

    Where it is sold and is described otherwise, bids are void. Raises NotFound, NotAllowed, Invalid if a gate refuses it
    with its latest test values or bids would become void and that was not confirmed, and Conflict if it is retired or its
    name is taken.
    """
    with transaction(session):
        sales = held_sales(session, stream_id, now=now)
        stream, site, organization = find_stream(session, stream_id, lock=True)
        actor.must("stream.keep", belonging(organization, site))
        if stream.retired_at is not None:
            raise Conflict("This waste stream is retired and does not change any more.")
        if (new.site_id, new.material) != (stream.site_id, stream.material):
            raise Invalid("Site and material of a waste stream stay as they are; keep another stream.", field="name")
        new.refuse_hazardous(latest_values(session, [stream.id], now=now).get(stream.id, {}))
        _refuse_namesake(session, site, new.name, but=stream.id)
        before = {"waste_code": stream.waste_code, "legal_status": stream.legal_status, "stock_kg": stream.stock_kg}
        _write(stream, new)
        stream.grade = _grade(session, stream)
        _note(session, actor, "stream.edit", stream, site, organization, now=now, before=before)
        change_stream(session, actor, stream, sales, "stream", confirmed=confirmed, now=now)


def retire_stream(session: Session, actor: Actor, stream_id: int, *, now: datetime) -> None:
    """
    Retire a waste stream: it is kept, and nothing new is listed of it.

    Raises NotFound, NotAllowed, and Conflict if it is retired already or has an open listing.
    """
    with transaction(session):
        stream, site, organization = find_stream(session, stream_id, lock=True)
        actor.must("stream.keep", belonging(organization, site))
        if stream.retired_at is not None:
            raise Conflict("This waste stream is retired already.")
        listed = select(Listing.id).where(
            Listing.stream_id == stream.id,
            Listing.withdrawn_at.is_(None),
            or_(Listing.published_at.is_(None), Listing.expires_at > now),
        )
        if session.scalar(listed.limit(1)) is not None:
            raise Conflict("This waste stream has an open listing or a draft. Withdraw it first.")
        stream.retired_at = now
        _note(session, actor, "stream.retire", stream, site, organization, now=now)


def add_sheet(session: Session, actor: Actor, new: NewSheet, *, confirmed: bool = False, now: datetime) -> int:
    """
    Keep a lab sheet of a stream, compute the stream's grade anew, and return the sheet's id.

    Where the stream is sold, bids are void. Raises NotFound, NotAllowed, Invalid if a gate refuses the waste with these
    values, the day has not come yet, or bids would become void and that was not confirmed, and Conflict if the stream is
    retired or has a sheet of that number.
    """
    with transaction(session):
        sales = held_sales(session, new.stream_id, now=now)
        stream, site, organization = find_stream(session, new.stream_id, lock=True)
        actor.must("stream.keep", belonging(organization, site))
        if stream.retired_at is not None:
            raise Conflict("This waste stream is retired and does not change any more.")
        new.refuse_future(now)
        refuse_hazardous(
            code_text=stream.waste_code,
            material=stream.material,
            origin_answers=stream.origin_answers,
            mixed_with_hazardous=stream.mixed_with_hazardous,
            values=new.by_property,
        )
        known = select(LabSheet.id).where(LabSheet.stream_id == stream.id, LabSheet.sheet_no == new.sheet_no.strip())
        if session.scalar(known) is not None:
            raise Conflict("This stream already has a sheet of this number. A void sheet keeps its number too.")
        sheet = LabSheet(
            stream_id=stream.id,
            sheet_no=new.sheet_no.strip(),
            laboratory=new.laboratory.strip(),
            accredited=new.accredited,
            sampled_on=new.sampled_on,
            reported_on=new.reported_on,
            entered_at=now,
            entered_by=actor.person_id,
        )
        sheet.values = [
            LabValue(property=value.property, value=value.value, basis=value.basis, method=value.method.strip())
            for value in new.values
        ]
        session.add(sheet)
        session.flush()
        stream.grade = _grade(session, stream)
        record(
            session,
            actor,
            "sheet.add",
            "lab_sheet",
            sheet.id,
            now=now,
            organization_id=organization.id,
            park_id=site.park_id or organization.park_id,
            stream_id=stream.id,
            sheet_no=sheet.sheet_no,
            values={value.property: format(value.value, "f") for value in new.values},
            entered_on_dry_mass={
                value.property: format(value.entered, "f") for value in new.values if value.is_converted
            },
            grade=stream.grade,
        )
        change_stream(session, actor, stream, sales, "sheet", confirmed=confirmed, now=now)
    return sheet.id


def void_sheet(
    session: Session, actor: Actor, stream_id: int, sheet_id: int, *, confirmed: bool = False, now: datetime
) -> None:
    """
    Void a lab sheet: it stays on record and counts for nothing; the grade is computed anew.

    Where the stream is sold, bids are void too. Raises NotFound, NotAllowed, Invalid if that was not confirmed, and
    Conflict if the sheet is void already.
    """
    with transaction(session):
        sales = held_sales(session, stream_id, now=now)
        stream, site, organization = find_stream(session, stream_id, lock=True)
        actor.must("stream.keep", belonging(organization, site))
        sheet = session.get(LabSheet, sheet_id) if 0 < sheet_id < 2**31 else None
        if sheet is None or sheet.stream_id != stream.id:
            raise NotFound
        if sheet.voided_at is not None:
            raise Conflict("This sheet is void already.")
        sheet.voided_at = now
        session.flush()
        stream.grade = _grade(session, stream)
        record(
            session,
            actor,
            "sheet.void",
            "lab_sheet",
            sheet.id,
            now=now,
            organization_id=organization.id,
            park_id=site.park_id or organization.park_id,
            stream_id=stream.id,
            sheet_no=sheet.sheet_no,
            grade=stream.grade,
        )
        change_stream(session, actor, stream, sales, "sheet", confirmed=confirmed, now=now)


def _grade(session: Session, stream: WasteStream) -> str:
    """Return the grade that the newest sheet meets: a standard judges one sample, not figures of several."""
    newest = (
        select(LabSheet.id)
        .where(LabSheet.stream_id == stream.id, LabSheet.voided_at.is_(None))
        .order_by(LabSheet.sampled_on.desc(), LabSheet.id.desc())
        .limit(1)
    )
    sheet_id = session.scalar(newest)
    if sheet_id is None:
        return ""
    rows = session.execute(select(LabValue.property, LabValue.value).where(LabValue.sheet_id == sheet_id)).all()
    values = {row.property: row.value for row in rows}
    found = grade_of(stream.material, values, ash_class=stream.ash_class or None, boiler=stream.boiler or None)
    return found.grade or "" if found else ""


def _refuse_namesake(session: Session, site: Site, name: str, *, but: int | None = None) -> None:
    known = session.scalar(
        select(WasteStream.id).where(WasteStream.site_id == site.id, WasteStream.name == name.strip())
    )
    if known is not None and known != but:
        raise Conflict("This site already has a waste stream of this name.")


def _write(stream: WasteStream, new: NewStream) -> None:
    stream.name = new.name.strip()
    stream.name_en = new.name_en.strip()
    stream.waste_code = new.waste_code
    stream.legal_status = new.legal_status
    stream.origin_process = new.origin_process.strip()
    stream.boiler = new.boiler
    stream.ash_class = new.ash_class
    stream.form = new.form
    stream.generation_kg_per_month = new.generation_kg_per_month
    stream.stock_kg = new.stock_kg
    stream.storage_limit_kg = new.storage_limit_kg
    stream.origin_answers = dict(new.origin_answers)
    stream.mixed_with_hazardous = new.mixed_with_hazardous


def _note(
    session: Session,
    actor: Actor,
    action: str,
    stream: WasteStream,
    site: Site,
    organization: Organization,
    *,
    now: datetime,
    **detail: object,
) -> None:
    record(
        session,
        actor,
        action,
        "stream",
        stream.id,
        now=now,
        organization_id=organization.id,
        park_id=site.park_id or organization.park_id,
        name=stream.name,
        material=stream.material,
        waste_code=stream.waste_code,
        legal_status=stream.legal_status,
        stock_kg=stream.stock_kg,
        origin_answers=stream.origin_answers,
        **detail,
    )
