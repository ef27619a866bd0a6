"""What a round proposes: awards with their text, what is left over, kilograms reserved, both sides told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.contracts import award_state
from marketplace.domain.errors import Conflict
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import LEASE, ProposedAward, RoundResult, Snapshot
from marketplace.domain.waiting import Wait
from marketplace.domain.wording import Sentence
from marketplace.matching.clearing import remainder
from marketplace.matching.storage import held
from marketplace.persistence.caps import held_by_buyers, left_for_others
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization
from marketplace.persistence.rounds import Award, AwardMonth, AwardWait, Leftover, Round, RoundFile
from marketplace.persistence.storage import stored_at_lines, stored_at_listings, waits_of
from marketplace.persistence.terms import Deal, terms_of
from marketplace.services.counters import Share, reserve
from marketplace.services.means import must_keep_means
from marketplace.services.resultletters import send_result_letters
from marketplace.services.snapshots import excluded, within
from marketplace.services.standing import must_still_stand


def propose(
    session: Session, of: Round, pass_no: int, result: RoundResult, *, recourse: bool = False, now: datetime
) -> None:
    """
    Write what a run proposes, in the caller's transaction: awards, leftovers, reservations and letters.

    Raises Conflict if a listing or a line does not stand any more, a counter or a cap per buyer does not hold what an
    award takes, or a mean may not be kept any more. A planning round reserves nothing. Of a recourse only those hear to
    whom it gives something: the others have had their letter.
    """
    awards = [_award(of, pass_no, each, now) for each in result.awards]
    shares = [
        Share(each.listing_id, each.line_id, dict(each.months), dict(each.filings), each.waits)
        for each in result.awards
    ]
    if of.kind == "market":
        listing_ids, line_ids = {each.listing_id for each in awards}, {each.line_id for each in awards}
        alone = bool(result.report.means) or any(each.waits for each in result.awards)
        must_still_stand(session, listing_ids, line_ids, alone=alone, now=now)
        _must_keep_storage(session, result.awards)
        _must_keep_caps(session, result.awards)
        _must_keep_shares(session, result.awards)
        must_keep_means(session, of.id, pass_no, result, now=now)
        reserve(session, *shares)
        _put_terms(session, awards, shares, now)
    session.add_all(awards)
    session.flush()
    session.add_all(
        AwardMonth(award_id=award.id, month=month, kg=kg, filing_id=share.filings.get(month))
        for award, share in zip(awards, shares, strict=True)
        for month, kg in share.months.items()
    )
    session.add_all(
        AwardWait(award_id=award.id, side=wait.side, since_month=wait.since, until_month=wait.until, kg=wait.kg)
        for award, share in zip(awards, shares, strict=True)
        for wait in share.waits
    )
    session.add_all(_leftovers(of, pass_no, result))
    session.add_all(
        Leftover(round_id=of.id, pass_no=pass_no, listing_id=listing_id, kg=kg, reason=reason, sentence=why.plain())
        for listing_id, kg, reason, why in _excluded(session, of, now)
    )
    session.flush()
    send_result_letters(session, of, pass_no, awards, everybody=not recourse, now=now)
    session.flush()


def rest_of(session: Session, of: Round, today: Snapshot) -> Snapshot:
    """
    Return what a published round may still allot: its frozen input less all awards that stand, without declined pairs.

    Nothing takes part with more than it has today.
    """
    text = session.scalars(
        select(RoundFile.content)
        .where(RoundFile.round_id == of.id, RoundFile.kind == "input", RoundFile.sha256 == of.input_sha256)
        .order_by(RoundFile.pass_no.desc())
        .limit(1)
    ).one()
    rows = session.execute(
        select(
            Award.id,
            Award.listing_id,
            Award.line_id,
            Award.declined_at,
            Award.lapsed_at,
            AwardMonth.month,
            AwardMonth.kg,
            AwardMonth.filing_id,
        )
        .join(AwardMonth, AwardMonth.award_id == Award.id)
        .where(Award.round_id == of.id)
        .order_by(AwardMonth.id)
    ).all()
    stands: dict[tuple[int, int, Month], int] = defaultdict(int)
    filing_of: dict[tuple[int, int, Month], int] = {}
    declined: set[tuple[int, int]] = set()
    waiting: dict[tuple[int, int], tuple[Wait, ...]] = defaultdict(tuple)
    standing = {
        row.id: (row.listing_id, row.line_id) for row in rows if row.declined_at is None and row.lapsed_at is None
    }
    for award_id, waits in sorted(waits_of(session, standing).items()):
        waiting[standing[award_id]] += waits
    for row in rows:
        if row.declined_at is not None or row.lapsed_at is not None:
            declined.add((row.listing_id, row.line_id))
        else:
            key = (row.listing_id, row.line_id, row.month)
            stands[key] += row.kg
            if row.filing_id is not None:
                filing_of[key] = row.filing_id
    frozen = Snapshot.from_json(text)
    return within(remainder(frozen, accepted=stands, declined=declined, filing_of=filing_of, waits=waiting), today)


def share_of(session: Session, award: Award) -> Share:
    """Return the kilograms that an award holds."""
    rows = session.execute(
        select(AwardMonth.month, AwardMonth.kg, AwardMonth.filing_id).where(AwardMonth.award_id == award.id)
    ).all()
    filings = {row.month: row.filing_id for row in rows if row.filing_id is not None}
    waits = waits_of(session, [award.id]).get(award.id, ())
    return Share(award.listing_id, award.line_id, {row.month: row.kg for row in rows}, filings, waits)


def deal_of(award: Award, share: Share) -> Deal:
    """Return what an award says of its deal; it has a price."""
    return Deal(
        listing_id=award.listing_id,
        line_id=award.line_id,
        months=share.months,
        price_fen_per_t=award.price_fen_per_t or 0,
        freight_fen_per_t=award.freight_fen_per_t,
        deduction_fen_per_t=award.deduction_fen_per_t,
        transport=award.transport,
        great_circle_m=award.great_circle_m,
        road_m=award.road_m,
        filing_ids=tuple(share.filings.values()),
        round_id=award.round_id,
    )


def hold_round(session: Session, round_id: int) -> None:
    """Hold a round before its awards, as all who change both do: its answers come one after the other."""
    session.execute(select(Round.id).where(Round.id == round_id).with_for_update(key_share=True))


def settle_if_final(session: Session, round_id: int, *, most_recourses: int, now: datetime) -> bool:
    """
    Say that a round is settled once every award is final and nothing declined can be allotted again.

    Return whether it has become so.
    """
    of = session.get_one(Round, round_id, populate_existing=True)
    if of.published_at is None or of.settled_at is not None or of.voided_at is not None:
        return False
    if of.solving_at is not None and of.solving_at > now - LEASE:
        return False  # what was declined is being allotted again
    rows = session.execute(
        select(
            Award.price_fen_per_t, Award.answer_by, Award.producer_accepted_at, Award.recycler_accepted_at,
            Award.declined_at, Award.lapsed_at,
        ).where(Award.round_id == round_id)
    )  # fmt: skip
    states = {award_state(now, **row._asdict()) for row in rows}
    again = "declined" in states and of.recourse_passes < most_recourses
    if now >= of.answer_by or (states and states <= {"contracted", "declined", "lapsed"} and not again):
        of.settled_at = now
    return of.settled_at is not None


def _award(of: Round, pass_no: int, each: ProposedAward, now: datetime) -> Award:
    return Award(
        round_id=of.id,
        pass_no=pass_no,
        listing_id=each.listing_id,
        line_id=each.line_id,
        producer_id=each.producer_id,
        recycler_id=each.recycler_id,
        kg=each.kg,
        price_fen_per_t=each.price_fen_per_t,
        transport="recycler",
        freight_fen_per_t=each.freight_fen_per_t,
        deduction_fen_per_t=each.deduction_fen_per_t,
        great_circle_m=each.great_circle_m,
        road_m=each.road_m,
        explanation=_explanation(each),
        awarded_at=now,
        answer_by=of.answer_by,
    )


_UNPRICED = Sentence("its price does not cover reserve, freight and deductions.")
"""Said without the figure, from which another's price could be told."""


def _explanation(each: ProposedAward) -> dict[str, Any]:
    told = each.explanation
    return {
        "producer": [sentence.plain() for sentence in told.producer],
        "recycler": [sentence.plain() for sentence in told.recycler],
        "park": [sentence.plain() for sentence in told.park],
        "rank": each.rank,
        "alternatives": [
            {
                "rank": other.rank,
                "code": other.code,
                "sentence": (_UNPRICED if other.code == "priced_out" else other.sentence).plain(),
                "kg": other.kg,
                "road_m": other.road_m,
                "freight_fen_per_t": other.freight_fen_per_t,
                "deduction_fen_per_t": other.deduction_fen_per_t,
            }
            for other in each.alternatives
        ],
    }


def _must_keep_caps(session: Session, awards: Sequence[ProposedAward]) -> None:
    """Hold the listings that have a cap, so that nobody awards of them meanwhile, and ask whether it still holds."""
    caps = {
        row.id: row.cap_per_buyer_kg
        for row in session.execute(
            select(Listing.id, Listing.cap_per_buyer_kg)
            .where(Listing.id.in_({each.listing_id for each in awards}), Listing.cap_per_buyer_kg.is_not(None))
            .order_by(Listing.id)
            .with_for_update()
        )
    }
    held = held_by_buyers(session, caps)
    for each in awards:
        if each.listing_id not in caps:
            continue
        buyers = held.setdefault(each.listing_id, {})
        buyers[each.recycler_id] = buyers.get(each.recycler_id, 0) + each.kg
        if buyers[each.recycler_id] > caps[each.listing_id]:
            raise Conflict(
                "By a listing's own rule one buyer gets at most %(cap_kg)s t of it. With what it has by now this round"
                " would give it %(has_kg)s t.",
                cap_kg=caps[each.listing_id],
                has_kg=buyers[each.recycler_id],
            )


def _must_keep_storage(session: Session, awards: Sequence[ProposedAward]) -> None:
    """Ask whether yards and lines hold what waits, beside what waits there already; both are held by now."""
    waits = {(each.listing_id, each.line_id): each.waits for each in awards if each.waits}
    yards, fronts = held(waits, "producer"), held(waits, "recycler")
    for model, stored, there in (
        (Listing, yards, stored_at_listings(session, yards)),
        (IntakeLine, fronts, stored_at_lines(session, fronts)),
    ):
        rows = session.execute(select(model.id, model.storage_kg).where(model.id.in_(stored)))
        most = {row.id: row.storage_kg for row in rows}
        for own, months in stored.items():
            for month, kg in months.items():
                if kg + there.get(own, {}).get(month, 0) > most[own]:
                    raise Conflict(
                        "Of what waits over the end of %(full_month)s, a yard or a line holds no more than %(most_kg)s t."
                        " Run the round again.",
                        full_month=str(month),
                        most_kg=most[own],
                    )


def _must_keep_shares(session: Session, awards: Sequence[ProposedAward]) -> None:
    """Hold the listings that keep a share for small works, and ask whether it is still kept."""
    sharing = list(
        session.scalars(
            select(Listing.id)
            .where(Listing.id.in_({each.listing_id for each in awards}), Listing.small_works_share_percent > 0)
            .order_by(Listing.id)
            .with_for_update()
        )
    )
    if not sharing:
        return
    left = left_for_others(session, sharing)
    buyers = {each.recycler_id for each in awards}
    small = set(session.scalars(select(Organization.id).where(Organization.id.in_(buyers), Organization.small_works)))
    for each in awards:
        if each.listing_id not in left or each.recycler_id in small:
            continue
        left[each.listing_id] -= each.kg
        if left[each.listing_id] < 0:
            raise Conflict(
                "A listing keeps a share for small works, and this round would give %(over_kg)s t of it to others."
                " Run it again.",
                over_kg=-left[each.listing_id],
            )


def _put_terms(session: Session, awards: list[Award], shares: Sequence[Share], now: datetime) -> None:
    deals = [deal_of(award, share) for award, share in zip(awards, shares, strict=True)]
    for award, terms in zip(awards, terms_of(session, deals, now=now), strict=True):
        award.terms = terms.plain()


def _leftovers(of: Round, pass_no: int, result: RoundResult) -> Iterable[Leftover]:
    """Yield one row for each thing and reason; of its months the one with most left over lends the words."""
    grouped: dict[tuple[int | None, int | None, str], list[Any]] = {}
    for each in result.leftovers:
        grouped.setdefault((each.listing_id, each.line_id, each.code), []).append(each)
    for (listing_id, line_id, code), rows in grouped.items():
        most = max(rows, key=lambda row: row.kg)
        yield Leftover(
            round_id=of.id,
            pass_no=pass_no,
            listing_id=listing_id,
            line_id=line_id,
            kg=sum(row.kg for row in rows),
            reason=code,
            sentence=most.sentence.plain(),
            flip=most.change.plain() if most.change else None,
        )


def _excluded(session: Session, of: Round, now: datetime) -> Iterable[tuple[int, int, str, Sentence]]:
    for listing_id, kg, suspended in excluded(session, of, now=now):
        if suspended:
            yield listing_id, kg, "suspended", Sentence("Its organization is suspended by the park and takes no part.")
        else:
            yield (
                listing_id,
                kg,
                "not_verified",
                Sentence("Its organization has not been verified by the park yet and takes no part."),
            )
