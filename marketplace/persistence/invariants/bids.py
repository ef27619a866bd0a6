"""Of sales and the bids on them: one that stands, in time, sealed until the opening, on rules that stay."""

from __future__ import annotations

from typing import Final

from marketplace.persistence.invariants.kinds import Invariant

BIDS: Final = (
    Invariant(
        "I12",
        "A bidder has one live bid for a listing and line, and revisions without a gap.",
        "select 'listing ' || listing_id || ' line ' || line_id from bids group by listing_id, line_id"
        " having sum(case when replaced_at is null and withdrawn_at is null then 1 else 0 end) > 1"
        " or max(revision) <> count(*)",
    ),
    Invariant(
        "I13",
        "A bid was received before its listing's deadline; at a fixed price there is none, and each bid is a hold that was awarded.",
        """
        select 'bid ' || b.id from bids b join listings l on l.id = b.listing_id
        where l.sale_kind <> 'fixed' and (l.bids_close_at is null or b.received_at >= l.bids_close_at)
        union all
        select 'bid ' || b.id from bids b join listings l on l.id = b.listing_id
        where l.sale_kind = 'fixed' and not exists (
            select 1 from awards a where a.bid_id = b.id and a.awarded_at = b.received_at)
        """,
    ),
    Invariant(
        "I14",
        "A sealed bid was opened not before the deadline, and only with all bids of its listing.",
        "select 'bid ' || b.id from bids b join listings l on l.id = b.listing_id"
        " where b.sealed is not null and b.opened_at is not null"
        " and (b.opened_at < l.bids_close_at or l.bids_opened_at is null or b.opened_at <> l.bids_opened_at)",
    ),
    Invariant(
        "I15",
        "An opening is total: every live bid is opened or invalid before anything is decided.",
        """
        select 'bid ' || b.id from bids b join listings l on l.id = b.listing_id
        where l.bids_opened_at is not null and b.opened_at is null and b.replaced_at is null and b.withdrawn_at is null
        union all
        select 'listing ' || l.id from listings l
        where l.bids_opened_at is null and l.bids_close_at is not null
          and (l.bids_decided_at is not null
               or exists (select 1 from awards a where a.listing_id = l.id and a.bid_id is not null))
        union all
        select 'award ' || a.id from awards a join bids b on b.id = a.bid_id where b.price_fen_per_t is null
        """,
    ),
    Invariant(
        "I16a",
        "A bid was made on the rules in force when it was received; one that stands, on those in force now.",
        """
        select 'bid ' || b.id from bids b
        where b.rules_sha256 is not null and not exists (
            select 1 from sale_rules r where r.listing_id = b.listing_id and r.sha256 = b.rules_sha256
              and r.since_at <= b.received_at
              and r.version = (select max(then_.version) from sale_rules then_
                               where then_.listing_id = b.listing_id and then_.since_at <= b.received_at))
        union all
        select 'bid ' || b.id from bids b join listings l on l.id = b.listing_id
        where l.sale_kind <> 'fixed' and b.rules_sha256 is not null and b.replaced_at is null and b.withdrawn_at is null
          and b.rules_sha256 <> (select r.sha256 from sale_rules r where r.listing_id = b.listing_id
                                 order by r.version desc limit 1)
        """,
    ),
    Invariant(
        "I16b",
        "From its first bid on the fixed rules of a sale are one, and a change of the goods leaves a day to bid anew.",
        """
        select 'listing ' || r.listing_id from sale_rules r
        join (select listing_id, min(received_at) as first_at from bids where rules_sha256 is not null
              group by listing_id) b on b.listing_id = r.listing_id
        where r.version >= (select max(then_.version) from sale_rules then_
                            where then_.listing_id = r.listing_id and then_.since_at <= b.first_at)
        group by r.listing_id having count(distinct r.fixed_sha256) > 1
        union all
        select 'listing ' || r.listing_id from sale_rules r
        join sale_rules earlier on earlier.listing_id = r.listing_id and earlier.version = r.version - 1
        where earlier.closes_at > r.since_at and (r.closes_at < r.since_at + 86400000000
              or r.closes_at < earlier.closes_at)
        union all
        select 'listing ' || listing_id from sale_rules group by listing_id having max(version) <> count(*)
        """,
    ),
    Invariant(
        "I24",
        "A published listing has a counter for each of its months.",
        """
        select 'listing ' || l.id from listings l
        where l.published_at is not null
          and (select count(*) from listing_months m where m.listing_id = l.id)
              <> (cast(substr(l.last_month, 1, 4) as integer) - cast(substr(l.first_month, 1, 4) as integer)) * 12
                 + cast(substr(l.last_month, 6, 2) as integer) - cast(substr(l.first_month, 6, 2) as integer) + 1
        """,
    ),
    Invariant(
        "I12a",
        "A bid ends once: replaced or withdrawn; and what has ended is not awarded.",
        """
        select 'bid ' || id from bids where replaced_at is not null and withdrawn_at is not null
        union all
        select 'award ' || a.id from awards a join bids b on b.id = a.bid_id join listings l on l.id = a.listing_id
        where (b.replaced_at is not null or b.withdrawn_at is not null)
          and (l.sale_kind <> 'fixed' or (a.declined_at is null and a.lapsed_at is null
               and (a.producer_accepted_at is null or a.recycler_accepted_at is null)))
        """,
    ),
    Invariant(
        "I12b",
        "At a fixed price a recycler has one hold of a listing that waits for an answer, at the asking price.",
        """
        select 'listing ' || a.listing_id || ' recycler ' || a.recycler_id
        from awards a join listings l on l.id = a.listing_id
        where l.sale_kind = 'fixed' and a.bid_id is not null and a.declined_at is null and a.lapsed_at is null
          and (a.producer_accepted_at is null or a.recycler_accepted_at is null)
        group by a.listing_id, a.recycler_id having count(*) > 1
        union all
        select 'bid ' || b.id from bids b join listings l on l.id = b.listing_id
        where l.sale_kind = 'fixed' and b.price_fen_per_t <> l.asking_fen_per_t
        """,
    ),
    Invariant(
        "I14a",
        "What was replaced or withdrawn before the opening stays sealed.",
        "select 'bid ' || id from bids where sealed is not null and opened_at is not null"
        " and (replaced_at is not null or withdrawn_at is not null)",
    ),
    Invariant(
        "I15b",
        "What stands of what was handed in to a round came in time, and is opened when the round's first run opened it.",
        """
        select 'offer ' || o.id from round_offers o join rounds r on r.id = o.round_id
        where o.received_at < r.opened_at or o.received_at >= r.closes_at
           or (o.replaced_at is null and o.withdrawn_at is null
               and coalesce(o.opened_at, -1) <> coalesce(r.offers_opened_at, -1))
        """,
    ),
    Invariant(
        "I24a",
        "What was withdrawn, or never published, holds nothing.",
        """
        select 'listing ' || l.id from listings l join listing_months m on m.listing_id = l.id
        where (l.withdrawn_at is not null or l.published_at is null) and m.reserved_kg + m.contracted_kg > 0
        union all
        select 'bid ' || b.id from bids b join listings l on l.id = b.listing_id where l.published_at is null
        """,
    ),
    Invariant(
        "I24b",
        "Of an award that was let go and a round that was made void nothing goes on.",
        """
        select 'round ' || id from rounds where voided_at is not null and solving_at is not null
        union all
        select 'award ' || a.id from awards a join rounds r on r.id = a.round_id
        where r.voided_at is not null and a.declined_at is null and a.lapsed_at is null
        """,
    ),
)
