"""Use cases of intake lines."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.errors import Conflict
from marketplace.domain.lines import NewLine
from marketplace.domain.quantities import Month
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.kept import belonging, find_line, find_site
from marketplace.persistence.lines import AcceptanceLimit, IntakeLine, LineMaterial, LineMonth, LineYear
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.storage import arriving_at_line, stored_at_lines
from marketplace.services.counters import set_ceilings


def add_line(session: Session, actor: Actor, new: NewLine, *, now: datetime) -> int:
    """
    Keep an intake line at a site and return its id.

    Raises NotFound, NotAllowed, and Conflict if the site is closed, is no recycler's, or has a line of that name.
    """
    with transaction(session):
        site, organization = find_site(session, new.site_id, lock=True)
        actor.must("line.keep", belonging(organization, site))
        if site.closed_at is not None:
            raise Conflict("This site is closed.")
        if not organization.recycles:
            raise Conflict("Your organization is registered as a producer only. Its signatory can change that.")
        _refuse_namesake(session, site, new.name)
        line = IntakeLine(site_id=site.id, created_at=now)
        _write(line, new)
        line.materials = _materials(new)
        line.limits = _limits(new)
        session.add(line)
        session.flush()
        _note(session, actor, "line.add", line, new, site, organization, now=now)
    return line.id


def edit_line(session: Session, actor: Actor, line_id: int, new: NewLine, *, now: datetime) -> None:
    """
    Change an intake line; its site stays. A changed permit has to be verified again, and so has a higher capacity.

    Raises NotFound, NotAllowed, and Conflict if it is retired, its name is taken, or its capacity would become less and
    more than that is already committed in a month or year from now on, or anything in a month that would be closed.
    """
    with transaction(session):
        line, site, organization = find_line(session, line_id, lock=True)
        actor.must("line.keep", belonging(organization, site))
        if line.retired_at is not None:
            raise Conflict("This intake line is retired and does not change any more.")
        _refuse_namesake(session, site, new.name, but=line.id)
        this_month = Month.of(now.date())
        _refuse_closing(session, line, new, this_month)
        _refuse_less_storage(session, line, new, this_month)
        _refuse_less_than_committed(session, line, new, this_month)
        permit = (line.permit_no, line.permit_valid_until)
        before = {
            "capacity_kg_per_month": line.capacity_kg_per_month,
            "capacity_kg_per_year": line.capacity_kg_per_year,
            "permit_no": line.permit_no,
        }
        raised = (
            new.capacity_kg_per_month > line.capacity_kg_per_month
            or new.capacity_kg_per_year > line.capacity_kg_per_year
        )
        _write(line, new)
        session.flush()
        set_ceilings(session, line, this_month)
        if raised or (line.permit_no, line.permit_valid_until) != permit:
            line.permit_verified_at = None
            line.permit_verified_by = None
        session.execute(delete(LineMaterial).where(LineMaterial.line_id == line.id))
        session.execute(delete(AcceptanceLimit).where(AcceptanceLimit.line_id == line.id))
        rows: list[LineMaterial | AcceptanceLimit] = [*_materials(new), *_limits(new)]
        for row in rows:
            row.line_id = line.id
            session.add(row)
        _note(session, actor, "line.edit", line, new, site, organization, now=now, before=before)


def retire_line(session: Session, actor: Actor, line_id: int, *, now: datetime) -> None:
    """
    Retire an intake line: it takes part in nothing any more; what is contracted is still taken in.

    Raises NotFound, NotAllowed, and Conflict if it is retired already or awards still reserve part of it.
    """
    with transaction(session):
        line, site, organization = find_line(session, line_id, lock=True)
        actor.must("line.keep", belonging(organization, site))
        if line.retired_at is not None:
            raise Conflict("This intake line is retired already.")
        this_month = Month.of(now.date())
        reserved = session.scalar(
            select(func.sum(LineMonth.reserved_kg)).where(LineMonth.line_id == line.id, LineMonth.month >= this_month)
        )
        if reserved:
            raise Conflict(
                "Awards reserve %(reserved_kg)s t of this line. Answer them first.", reserved_kg=int(reserved)
            )
        line.retired_at = now
        record(
            session,
            actor,
            "line.retire",
            "line",
            line.id,
            now=now,
            organization_id=organization.id,
            park_id=site.park_id or organization.park_id,
            name=line.name,
        )


def _refuse_closing(session: Session, line: IntakeLine, new: NewLine, this_month: Month) -> None:
    """Ask whether anything is used or arrives in a month that is to be closed: what waits is counted in the one in which it is used."""
    used = session.execute(
        select(LineMonth.month, LineMonth.reserved_kg + LineMonth.contracted_kg)
        .where(LineMonth.line_id == line.id, LineMonth.month >= this_month)
        .order_by(LineMonth.month)
    )
    arriving = arriving_at_line(session, line.id) if line.storage_kg else {}
    committed = {month: kg for month, kg in arriving.items() if month >= this_month}
    committed |= {month: kg for month, kg in used if kg}
    for month, kg in sorted(committed.items()):
        if month.number in new.closed_months:
            raise Conflict(
                "%(committed_kg)s t are already committed in %(committed_month)s, so the line cannot stand still then.",
                committed_kg=kg,
                committed_month=str(month),
            )


def _refuse_less_storage(session: Session, line: IntakeLine, new: NewLine, this_month: Month) -> None:
    """Ask whether what is to wait by awards and contracts still can; the line is held, so that nothing comes to it meanwhile."""
    if new.storage_kg >= line.storage_kg:
        return
    for month, kg in stored_at_lines(session, [line.id]).get(line.id, {}).items():
        if month >= this_month and kg > new.storage_kg:
            raise Conflict(
                "%(committed_kg)s t are to wait in front of the line over the end of %(committed_month)s; it cannot hold less.",
                committed_kg=kg,
                committed_month=str(month),
            )


def _refuse_less_than_committed(session: Session, line: IntakeLine, new: NewLine, this_month: Month) -> None:
    """Ask whether a capacity that becomes less still holds what is committed; the line is held, so that no more comes."""
    if new.capacity_kg_per_month < line.capacity_kg_per_month:
        most = session.scalar(
            select(func.max(LineMonth.reserved_kg + LineMonth.contracted_kg)).where(
                LineMonth.line_id == line.id, LineMonth.month >= this_month
            )
        )
        if (most or 0) > new.capacity_kg_per_month:
            raise Conflict(
                "%(committed_kg)s t are already committed in one month; the capacity cannot be less.",
                committed_kg=most,
            )
    if new.capacity_kg_per_year < line.capacity_kg_per_year:
        most = session.scalar(
            select(func.max(LineYear.reserved_kg + LineYear.contracted_kg)).where(
                LineYear.line_id == line.id, LineYear.year >= this_month.year
            )
        )
        if (most or 0) > new.capacity_kg_per_year:
            raise Conflict(
                "%(committed_kg)s t are already committed in one year; the capacity cannot be less.",
                committed_kg=most,
            )


def _refuse_namesake(session: Session, site: Site, name: str, *, but: int | None = None) -> None:
    known = session.scalar(select(IntakeLine.id).where(IntakeLine.site_id == site.id, IntakeLine.name == name.strip()))
    if known is not None and known != but:
        raise Conflict("This site already has an intake line of this name.")


def _write(line: IntakeLine, new: NewLine) -> None:
    line.name = new.name.strip()
    line.name_en = new.name_en.strip()
    line.route = new.route
    line.capacity_kg_per_month = new.capacity_kg_per_month
    line.capacity_kg_per_year = new.capacity_kg_per_year
    line.closed_months = new.closed_text
    line.radius_m = new.radius_m
    line.least_lot_kg = new.least_lot_kg
    line.storage_kg = new.storage_kg
    line.storage_fen_per_t = new.storage_fen_per_t
    line.unloading_hours = new.unloading_hours.strip()
    line.permit_no = new.permit_no.strip()
    line.permit_valid_until = new.permit_valid_until


def _materials(new: NewLine) -> list[LineMaterial]:
    return [LineMaterial(material=code, price_fen_per_t=price) for code, price in new.materials]


def _limits(new: NewLine) -> list[AcceptanceLimit]:
    return [
        AcceptanceLimit(
            property=limit.property,
            material=limit.material,
            minimum=limit.minimum,
            maximum=limit.maximum,
            deduction_fen_per_unit=limit.deduction_fen_per_unit,
            stop_value=limit.stop_value,
            monthly_mean=limit.monthly_mean,
        )
        for limit in new.limits
    ]


def _note(
    session: Session,
    actor: Actor,
    action: str,
    line: IntakeLine,
    new: NewLine,
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
        "line",
        line.id,
        now=now,
        organization_id=organization.id,
        park_id=site.park_id or organization.park_id,
        name=line.name,
        route=line.route,
        materials=dict(new.materials),
        limits=len(new.limits),
        monthly_means=[limit.property for limit in new.limits if limit.monthly_mean],
        capacity_kg_per_month=line.capacity_kg_per_month,
        capacity_kg_per_year=line.capacity_kg_per_year,
        permit_no=line.permit_no,
        permit_valid_until=line.permit_valid_until.isoformat() if line.permit_valid_until else None,
        **detail,
    )
