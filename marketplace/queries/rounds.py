"""Reads: the rounds that somebody oversees or takes part in, and one round with all that came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, true
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import NotFound
from marketplace.domain.rounds import MOST_RECOURSES
from marketplace.persistence.listings import Listing, ListingMonth
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.outbox import Job
from marketplace.persistence.parks import Park
from marketplace.persistence.recourse import newly_declined
from marketplace.persistence.rounds import Award, Round, RoundFile
from marketplace.persistence.streams import WasteStream
from marketplace.queries.deals import Deal, deals, read_deals
from marketplace.queries.outcomes import PER_PAGE, Answered, Left, Preview, answer_of, left_over, preview
from marketplace.queries.participants import rounds_open_to
from marketplace.queries.roundoffers import count_of
from marketplace.queries.roundrows import RoundRow, rows_of


@dataclass(frozen=True)
class IndexRow:
    """A round in the list, with what came of it."""

    of: RoundRow
    awards: int
    kg: int


@dataclass(frozen=True)
class IndexPage:
    """Rounds, newest first."""

    rows: tuple[IndexRow, ...]
    may_open: bool


@dataclass(frozen=True)
class FileRow:
    """A frozen file of a run."""

    pass_no: int
    kind: str
    sha256: str
    written_at: datetime
    characters: int


@dataclass(frozen=True)
class Work:
    """The job that runs a round; ``done`` and ``of`` are about its ``step``, see `marketplace.domain.steps`."""

    asked_at: datetime
    step: str | None
    done: int
    of: int
    cancelled: bool
    ended: bool
    failed_because: Mapping[str, object] | None

    @property
    def percent(self) -> int | None:
        """How much of the step is done; none if that is not known."""
        return 100 * self.done // self.of if self.of else None


@dataclass(frozen=True)
class RoundPage:
    """One round; ``full`` for who oversees it, else with what is the reader's own."""

    of: RoundRow
    full: bool
    may: frozenset[str]
    reads_input: bool
    newly_declined: bool
    listings: int
    listed_kg: int
    answered: Answered | None
    awards: tuple[Deal, ...] | tuple[Preview, ...]
    awards_total: int
    number: int
    pages: int
    answers: Mapping[str, int]
    left_listings: tuple[Left, ...]
    left_lines: tuple[Left, ...]
    files: tuple[FileRow, ...]
    work: Work | None
    offers: int | None
    """How many offers and reserves were handed in sealed and opened; none before that, and for who does not oversee it."""

    @property
    def total(self) -> int:
        """How many awards there are on all pages."""
        return self.awards_total

    @property
    def next(self) -> str:
        """What the reader should do next: ``close``, ``run``, ``publish``, ``recourse`` or nothing."""
        state = self.of.state
        if self.under_way:
            return ""
        if state == "collecting" and "round.close" in self.may:
            return "close"
        if (state == "closed" or self.of.stalled) and "round.run" in self.may:
            return "run"
        if state == "solved" and "round.publish" in self.may:
            return "publish"
        if self.may_recourse:
            return "recourse"
        return ""

    @property
    def under_way(self) -> bool:
        """Whether a run is going on or waits for a worker."""
        held = self.of.solving_at is not None and not self.of.stalled
        return held or (self.work is not None and not self.work.ended)

    @property
    def may_stop(self) -> bool:
        """Whether the run that is under way can be stopped here, and nobody has done so yet."""
        work = self.work
        return "round.stop" in self.may and work is not None and not work.ended and not work.cancelled

    @property
    def last_failed_because(self) -> Mapping[str, object] | None:
        """Why the newest run gave no result; none while one is under way, or if it gave one."""
        of, work = self.of, self.work
        if not self.full or self.under_way:
            return None
        if of.failed_because is None and work is not None and work.asked_at >= (of.published_at or work.asked_at):
            return work.failed_because if of.state in ("closed", "published") else None
        return of.failed_because

    @property
    def may_recourse(self) -> bool:
        """Whether something declined can be allotted again now."""
        return (
            self.of.state == "published"
            and not self.under_way
            and "round.run" in self.may
            and self.of.recourse_passes < MOST_RECOURSES
            and self.newly_declined
        )

    @property
    def may_ask(self) -> bool:
        """Whether the answer that is shown can be asked what it would be otherwise."""
        return (
            "round.ask" in self.may
            and self.answered is not None
            and not self.of.for_surplus
            and self.of.state in ("solved", "published", "settled")
        )

    @property
    def may_void(self) -> bool:
        """Whether the round can still be made void."""
        return (
            "round.void" in self.may
            and not self.of.recourse_runs
            and self.of.state in ("planned", "collecting", "closed", "solved", "published")
            and not self.answers.get("contracted", 0)
        )


def rounds_index(session: Session, actor: Actor, *, now: datetime) -> IndexPage:
    """Return the rounds that an actor oversees or may take part in, newest first. At most five SELECTs."""
    overseen = [park for park in actor.park_ids if actor.may("round.read", Belonging.to_park(park))]
    everything = actor.may("round.read")
    where = true() if everything or actor.organization_ids else Round.park_id.in_(overseen)
    rows = rows_of(session, where, now)
    if not everything:
        open_to = rounds_open_to(session, actor.organization_ids, [(of.id, of.park_id, of.max_m) for of in rows])
        rows = [of for of in rows if of.park_id in overseen or of.id in open_to]
    all_of = {of.id for of in rows if everything or of.park_id in overseen}
    mine = or_(Award.producer_id.in_(actor.organization_ids), Award.recycler_id.in_(actor.organization_ids))
    counts = {
        row.round_id: (row.awards, int(row.kg))
        for row in session.execute(
            select(Award.round_id, func.count(Award.id).label("awards"), func.sum(Award.kg).label("kg"))
            .where(
                Award.round_id.in_([of.id for of in rows]),
                or_(Award.round_id.in_(all_of), mine),
                Award.declined_at.is_(None),
            )
            .group_by(Award.round_id)
        )
    }
    return IndexPage(
        tuple(IndexRow(of, *counts.get(of.id, (0, 0))) for of in rows),
        may_open=any(actor.may("round.open", Belonging.to_park(park)) for park in actor.park_ids),
    )


def parks_to_open(session: Session, actor: Actor) -> tuple[tuple[int, str, str], ...]:
    """Return the parks for which an actor may open rounds: id and names. Raises NotFound if there is none."""
    parks = [park for park in actor.park_ids if actor.may("round.open", Belonging.to_park(park))]
    rows = session.execute(select(Park.id, Park.name_zh, Park.name_en).where(Park.id.in_(parks)).order_by(Park.id))
    found = tuple((row[0], row[1], row[2]) for row in rows)
    if not found:
        raise NotFound
    return found


def round_page(session: Session, actor: Actor, round_id: int, *, number: int = 1, now: datetime) -> RoundPage:
    """
    Return a round: all of it for who oversees it, what is their own for who takes part.

    Raises NotFound for everybody else. A constant number of SELECTs.
    """
    rows = rows_of(session, Round.id == round_id, now)
    if not rows:
        raise NotFound
    of = rows[0]
    park = Belonging.to_park(of.park_id)
    full = actor.may("round.read", park)
    own: Collection[int] = () if full else actor.organization_ids
    if not full and not rounds_open_to(session, own, [(of.id, of.park_id, of.max_m)]):
        raise NotFound
    answered, content = answer_of(session, of) if full else (None, None)
    listings, listed_kg = _listed(session, of, own, now)
    mine = true() if full else or_(Award.producer_id.in_(own), Award.recycler_id.in_(own))
    answers, total = _answers(session, of, mine, now)
    awards: tuple[Deal, ...] | tuple[Preview, ...] = ()
    if of.published_at is not None:
        pages = max(1, -(-total // PER_PAGE))
        number = min(max(1, number), pages)
        awards = read_deals(
            session.execute(
                deals()
                .where(Award.round_id == of.id, mine)
                .order_by(Award.kg.desc(), Award.id)
                .limit(PER_PAGE)
                .offset((number - 1) * PER_PAGE)
            ),
            now,
        )
        left = left_over(session, of, None if full else own)
    elif content is not None:
        total = len(content["awards"])
        pages = max(1, -(-total // PER_PAGE))
        number = min(max(1, number), pages)
        awards, left = preview(session, content, number)
    else:
        pages, number, left = 1, 1, ((), ())
    return RoundPage(
        of=of,
        full=full,
        may=frozenset(
            action
            for action in ("round.ask", "round.close", "round.run", "round.stop", "round.publish", "round.void")
            if actor.may(action, park)
        ),
        reads_input="auditor" in actor.roles,
        newly_declined=full and of.published_at is not None and newly_declined(session, of.id),
        listings=listings,
        listed_kg=listed_kg,
        answered=answered,
        awards=awards,
        awards_total=total,
        number=number,
        pages=pages,
        answers=answers,
        left_listings=left[0],
        left_lines=left[1],
        files=_files(session, of.id) if full else (),
        work=_work(session, of.id) if full else None,
        offers=count_of(session, of.id) if full and not of.planning else None,
    )


def work_of(session: Session, actor: Actor, round_id: int, *, now: datetime) -> tuple[RoundRow, Work | None]:
    """Return how far the run of a round is. Raises NotFound. Two SELECTs."""
    rows = rows_of(session, Round.id == round_id, now)
    if not rows:
        raise NotFound
    actor.must("round.read", Belonging.to_park(rows[0].park_id))
    return rows[0], _work(session, round_id)


def round_file(session: Session, actor: Actor, round_id: int, pass_no: int, kind: str) -> tuple[str, str]:
    """
    Return the name and the text of a frozen file.

    The result is read by who oversees the round; the input holds the producers' reserves, which no park reads, and is
    for the auditor alone. Raises NotFound.
    """
    row = session.execute(
        select(Round.number, Round.park_id, RoundFile.sha256, RoundFile.content)
        .join(RoundFile, RoundFile.round_id == Round.id)
        .where(Round.id == round_id, RoundFile.pass_no == pass_no, RoundFile.kind == kind)
    ).one_or_none()
    if row is None:
        raise NotFound
    actor.must("round.read", Belonging.to_park(row.park_id))
    if kind == "input" and "auditor" not in actor.roles:
        raise NotFound
    return f"round-{row.number}-run-{pass_no}-{kind}-{row.sha256}.json", row.content


def _listed(session: Session, of: RoundRow, own: Collection[int], now: datetime) -> tuple[int, int]:
    """Return how many listings could take part as things stand, and their free kilograms; own ones for who takes part."""
    row = session.execute(
        select(
            func.count(Listing.id.distinct()),
            func.sum(ListingMonth.offered_kg - ListingMonth.reserved_kg - ListingMonth.contracted_kg),
        )
        .join(ListingMonth, ListingMonth.listing_id == Listing.id)
        .join(WasteStream, Listing.stream_id == WasteStream.id)
        .join(Site, WasteStream.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(
            Site.park_id == of.park_id,
            Organization.id.in_(own) if own else true(),
            Organization.verified_at.is_not(None),
            Organization.suspended_at.is_(None),
            Listing.published_at.is_not(None),
            Listing.withdrawn_at.is_(None),
            Listing.expires_at > now,
            ListingMonth.month.between(of.first_month, of.last_month),
            ListingMonth.offered_kg > ListingMonth.reserved_kg + ListingMonth.contracted_kg,
        )
    ).one()
    return row[0], int(row[1] or 0)


def _answers(session: Session, of: RoundRow, mine: ColumnElement[bool], now: datetime) -> tuple[Mapping[str, int], int]:
    """Return how many awards stand in which state, and how many there are."""
    counted: Counter[str] = Counter()
    if of.published_at is None:
        return counted, 0
    for each in read_deals(session.execute(deals().where(Award.round_id == of.id, mine)), now):
        counted[each.state] += 1
    return counted, counted.total()


def _files(session: Session, round_id: int) -> tuple[FileRow, ...]:
    rows = session.execute(
        select(
            RoundFile.pass_no, RoundFile.kind, RoundFile.sha256, RoundFile.written_at, func.length(RoundFile.content)
        )
        .where(RoundFile.round_id == round_id)
        .order_by(RoundFile.pass_no.desc(), RoundFile.kind, RoundFile.id)
        .limit(40)
    )
    return tuple(FileRow(*row) for row in rows)


def _work(session: Session, round_id: int) -> Work | None:
    row = session.execute(
        select(Job.created_at, Job.step, Job.done, Job.of, Job.cancelled_at, Job.ended_at, Job.failed_because)
        .where(Job.key.startswith(f"round:{round_id}:"))
        .order_by(Job.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return Work(
        asked_at=row.created_at,
        step=row.step,
        done=row.done,
        of=row.of,
        cancelled=row.cancelled_at is not None,
        ended=row.ended_at is not None,
        failed_because=row.failed_because,
    )
