"""Of rounds, awards and contracts: how they come about, and that each ends once."""

from __future__ import annotations

from typing import Final

from marketplace.persistence.invariants.kinds import Invariant

AWARDS: Final = (
    Invariant(
        "I4",
        "An award ends once: accepted, declined or lapsed.",
        "select 'award ' || a.id from awards a left join contracts c on c.award_id = a.id"
        " where (case when c.id is null then 0 else 1 end) + (case when a.declined_at is null then 0 else 1 end)"
        " + (case when a.lapsed_at is null then 0 else 1 end) > 1",
    ),
    Invariant(
        "I4a",
        "An award's months add up to the award; of a contract, to its version in force, less what its termination freed.",
        """
        select 'award ' || a.id from awards a
        left join award_months m on m.award_id = a.id
        left join contracts c on c.award_id = a.id
        left join terminations t on t.contract_id = c.id
        left join amendments v on v.contract_id = c.id and v.made_at is not null and v.version = (
            select max(last_.version) from amendments last_ where last_.contract_id = c.id and last_.made_at is not null)
        group by a.id, a.kg, v.kg, t.freed_kg
        having coalesce(sum(m.kg), 0) <> coalesce(v.kg, a.kg) - coalesce(t.freed_kg, 0)
        """,
    ),
    Invariant(
        "I4d",
        "Who was called from standby was called after an award of the same listing that the recycler let go, all or in part.",
        """
        select 'call ' || c.id from standby_calls c
        join awards a on a.id = c.after_award_id
        join bids b on b.id = c.bid_id
        left join awards made on made.id = c.award_id
        left join contracts k on k.award_id = a.id
        left join terminations t on t.contract_id = k.id
        where a.bid_id is null or b.listing_id <> a.listing_id or made.bid_id <> c.bid_id
           or a.declined_by = 'producer'
           or ((a.declined_at is null and a.lapsed_at is null and t.id is null
                or t.side = 'producer'
                or a.declined_at is null and t.id is null and a.recycler_accepted_at is not null)
               and not exists (select 1 from shortfall_months f join amendments v on v.id = f.amendment_id
                               where v.contract_id = k.id and v.proposed_by = 'recycler' and v.made_at is not null))
        """,
    ),
    Invariant(
        "I4e",
        "No more was called from standby than came free in the month.",
        """
        select 'award ' || c.after_award_id from standby_calls c
        join award_months m on m.award_id = c.award_id
        left join (
            select award_id, month, sum(kg) as kg from (
                select a.id as award_id, f.month, f.kg from awards a join award_months f on f.award_id = a.id
                where a.declined_at is not null or a.lapsed_at is not null
                union all
                select k.award_id, f.month, f.kg from contracts k join terminations t on t.contract_id = k.id
                join termination_months f on f.termination_id = t.id
                union all
                select k.award_id, f.month, f.kg from contracts k join amendments v on v.contract_id = k.id
                join shortfall_months f on f.amendment_id = v.id
            ) each_freed group by award_id, month
        ) freed on freed.award_id = c.after_award_id and freed.month = m.month
        where not exists (select 1 from contracts k join amendments v on v.contract_id = k.id
                          where k.award_id = c.award_id and v.made_at is not null)
        group by c.after_award_id, m.month, freed.kg having sum(m.kg) > coalesce(freed.kg, 0)
        """,
    ),
    Invariant(
        "I17",
        "A published round has its frozen input and its result, with the hashes that it states.",
        """
        select 'round ' || r.id from rounds r
        where r.published_at is not null and (
            not exists (select 1 from round_files f where f.round_id = r.id and f.kind = 'input'
                        and f.sha256 = r.input_sha256)
            or not exists (select 1 from round_files f where f.round_id = r.id and f.kind = 'result'
                           and f.sha256 = r.result_sha256))
        """,
    ),
    Invariant(
        "I20",
        "A contract has the acceptance of both sides.",
        "select 'contract ' || c.id from contracts c join awards a on a.id = c.award_id"
        " where a.producer_accepted_at is null or a.recycler_accepted_at is null or a.kg <> c.kg",
    ),
    Invariant(
        "I4f",
        "An award is answered before its deadline, and lapses not before it.",
        """
        select 'award ' || id from awards
        where producer_accepted_at >= answer_by or recycler_accepted_at >= answer_by
           or (declined_at >= answer_by and declined_by <> 'park') or lapsed_at < answer_by
        """,
    ),
    Invariant(
        "I17a",
        "The awards of a round come with its publication.",
        "select 'award ' || a.id from awards a join rounds r on r.id = a.round_id where r.published_at is null",
    ),
    Invariant(
        "I18a",
        "An award of a bid is of that bid: its listing, line, bidder and price, and in no month more than was bid.",
        """
        select 'award ' || a.id from awards a join bids b on b.id = a.bid_id
        where a.listing_id <> b.listing_id or a.line_id <> b.line_id or a.recycler_id <> b.organization_id
           or a.transport <> b.transport
        union all
        select 'award ' || a.id from awards a join bids b on b.id = a.bid_id join award_months m on m.award_id = a.id
        left join contracts c on c.award_id = a.id
        where m.kg > b.kg_per_month and not exists (
            select 1 from amendments v where v.contract_id = c.id and v.made_at is not null)
        """,
    ),
    Invariant(
        "I18b",
        "An award is of its listing's producer and of its line's recycler, who are not the same.",
        """
        select 'award ' || a.id from awards a
        join listings l on l.id = a.listing_id
        join waste_streams w on w.id = l.stream_id
        join sites from_site on from_site.id = w.site_id
        join intake_lines i on i.id = a.line_id
        join sites to_site on to_site.id = i.site_id
        where a.producer_id <> from_site.organization_id or a.recycler_id <> to_site.organization_id
           or a.producer_id = a.recycler_id
        """,
    ),
    Invariant(
        "I20a",
        "A contract is between the parties of its award, made with the later acceptance and before the deadline.",
        """
        select 'contract ' || c.id from contracts c join awards a on a.id = c.award_id
        where c.producer_id <> a.producer_id or c.recycler_id <> a.recycler_id
           or c.price_fen_per_t <> a.price_fen_per_t or c.made_at >= a.answer_by
           or (c.made_at <> a.producer_accepted_at and c.made_at <> a.recycler_accepted_at)
        union all
        select 'award ' || a.id from awards a left join contracts c on c.award_id = a.id
        where a.producer_accepted_at is not null and a.recycler_accepted_at is not null and c.id is null
        """,
    ),
)
