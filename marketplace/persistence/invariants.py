"""
What must hold at every commit, each as a query for the rows that break it.

`broken` runs after tests, as the command `check` on a live database, and after every restore. It only reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

MOST_NAMED: Final = 5
"""Rows that are named of one invariant; more are counted."""


@dataclass(frozen=True)
class Invariant:
    """A rule, and the query that finds what breaks it: its first column says where."""

    code: str
    statement: str
    query: str


@dataclass(frozen=True)
class Breach:
    """An invariant that does not hold, how often, and the first places."""

    invariant: Invariant
    count: int
    places: tuple[str, ...]


_LIVE = """
    select a.id, a.listing_id, a.line_id, m.filing_id, m.month, m.kg,
           case when c.id is null then 0 else 1 end as contracted
    from awards a
    join award_months m on m.award_id = a.id
    left join contracts c on c.award_id = a.id
    where a.price_fen_per_t is not null and a.declined_at is null and a.lapsed_at is null
"""
"""Kilograms that awards hold, by month. A planning round has no prices and holds nothing."""


def _shifted(side: str, travels: str, counts: str) -> str:
    """Return live kilograms by the month in which a side counts them: what waits there, in another than it travels in."""
    waits = """
        select a.id, a.listing_id, a.line_id, null as filing_id, w.{month} as month, {sign}w.kg as kg,
               case when c.id is null then 0 else 1 end as contracted
        from awards a
        join award_waits w on w.award_id = a.id and w.side = '{side}'
        left join contracts c on c.award_id = a.id
        where a.price_fen_per_t is not null and a.declined_at is null and a.lapsed_at is null
    """
    parts = (
        _LIVE,
        waits.format(month=travels, sign="-", side=side),
        waits.format(month=counts, sign="", side=side),
    )
    return " union all ".join(parts)


_READY: Final = _shifted("producer", "until_month", "since_month")
_USED: Final = _shifted("recycler", "since_month", "until_month")


def _over_storage(table: str, key: str, side: str) -> str:
    """Return the query for what waits beyond the room to store over the end of a month: one in which something begins to wait."""
    live = f"""
        select a.{key} as owner, w.since_month, w.until_month, w.kg from awards a
        join award_waits w on w.award_id = a.id and w.side = '{side}'
        where a.price_fen_per_t is not null and a.declined_at is null and a.lapsed_at is null
    """
    return f"""
        select '{table} ' || t.id from {table} t
        join (select distinct owner, since_month as month from ({live}) begun) ends on ends.owner = t.id
        join ({live}) held on held.owner = t.id and held.since_month <= ends.month and held.until_month > ends.month
        group by t.id, t.storage_kg, ends.month having sum(held.kg) > t.storage_kg
    """


def _counter(table: str, key: str, part: str, of: str, live: str = _LIVE) -> str:
    """Return the query for counters that are not the sum of what holds them."""
    return f"""
        select '{table} ' || t.id from {table} t
        left join (
            select {key} as owner, {of} as part,
                   sum(case when contracted = 0 then kg else 0 end) as reserved,
                   sum(case when contracted = 1 then kg else 0 end) as contracted
            from ({live}) live group by {key}, {of}
        ) held on held.owner = t.{key} and held.part = t.{part}
        where t.reserved_kg <> coalesce(held.reserved, 0) or t.contracted_kg <> coalesce(held.contracted, 0)
    """


INVARIANTS: Final = (
    Invariant(
        "I1",
        "Of a listing's month no more is reserved and contracted than is offered.",
        "select 'listing month ' || id from listing_months"
        " where reserved_kg < 0 or contracted_kg < 0 or reserved_kg + contracted_kg > offered_kg",
    ),
    Invariant(
        "I2",
        "Of a line's month and year, and of a filing, no more is reserved and contracted than there is.",
        "select 'line month ' || id from line_months where reserved_kg < 0 or contracted_kg < 0"
        " or reserved_kg + contracted_kg > capacity_kg"
        " union all select 'line year ' || id from line_years where reserved_kg < 0 or contracted_kg < 0"
        " or reserved_kg + contracted_kg > capacity_kg"
        " union all select 'filing ' || id from filings where reserved_kg < 0 or contracted_kg < 0"
        " or reserved_kg + contracted_kg > filed_kg",
    ),
    Invariant(
        "I3a",
        "A listing's counters are the sum of the awards and contracts that hold them.",
        _counter("listing_months", "listing_id", "month", "month", _READY),
    ),
    Invariant(
        "I3b",
        "A line's monthly counters are the sum of the awards and contracts that hold them.",
        _counter("line_months", "line_id", "month", "month", _USED),
    ),
    Invariant(
        "I3c",
        "A line's yearly counters are the sum of the awards and contracts that hold them.",
        _counter("line_years", "line_id", "year", "cast(substr(month, 1, 4) as integer)"),
    ),
    Invariant(
        "I3d",
        "A filing's counters are the sum of the awards and contracts under it.",
        f"""
        select 'filing ' || f.id from filings f
        left join (
            select filing_id, sum(case when contracted = 0 then kg else 0 end) as reserved,
                   sum(case when contracted = 1 then kg else 0 end) as contracted
            from ({_LIVE}) live where filing_id is not null group by filing_id
        ) held on held.filing_id = f.id
        where f.reserved_kg <> coalesce(held.reserved, 0) or f.contracted_kg <> coalesce(held.contracted, 0)
        """,
    ),
    Invariant(
        "I4",
        "An award ends once: accepted, declined or lapsed.",
        "select 'award ' || a.id from awards a left join contracts c on c.award_id = a.id"
        " where (case when c.id is null then 0 else 1 end) + (case when a.declined_at is null then 0 else 1 end)"
        " + (case when a.lapsed_at is null then 0 else 1 end) > 1",
    ),
    Invariant(
        "I4a",
        "An award's months add up to the award.",
        "select 'award ' || a.id from awards a left join award_months m on m.award_id = a.id"
        " group by a.id, a.kg having coalesce(sum(m.kg), 0) <> a.kg",
    ),
    Invariant(
        "I4b",
        "Of an award no more waits than travels in the month in which it is fetched, or arrives.",
        """
        select 'award ' || w.award_id from (
            select award_id, side, case when side = 'producer' then until_month else since_month end as month, sum(kg) as kg
            from award_waits
            group by award_id, side, case when side = 'producer' then until_month else since_month end
        ) w
        left join award_months m on m.award_id = w.award_id and m.month = w.month
        where w.kg > coalesce(m.kg, 0)
        """,
    ),
    Invariant(
        "I4c",
        "No more waits in a yard or in front of a line than it holds.",
        f"{_over_storage('listings', 'listing_id', 'producer')}"
        f" union all {_over_storage('intake_lines', 'line_id', 'recycler')}",
    ),
    Invariant(
        "I4d",
        "Who was called from standby was called after an award of the same listing that the recycler let go.",
        """
        select 'call ' || c.id from standby_calls c
        join awards a on a.id = c.after_award_id
        join bids b on b.id = c.bid_id
        left join awards made on made.id = c.award_id
        where a.bid_id is null or b.listing_id <> a.listing_id or made.bid_id <> c.bid_id
           or (a.declined_at is null and a.lapsed_at is null) or a.declined_by = 'producer'
        """,
    ),
    Invariant(
        "I4e",
        "No more was called from standby than came free in the month.",
        """
        select 'award ' || c.after_award_id from standby_calls c
        join award_months m on m.award_id = c.award_id
        left join award_months freed on freed.award_id = c.after_award_id and freed.month = m.month
        group by c.after_award_id, m.month, freed.kg having sum(m.kg) > coalesce(freed.kg, 0)
        """,
    ),
    Invariant(
        "I6",
        "No store holds less than nothing.",
        """
        select 'stream ' || p.stream_id from postings p
        left join (select stream_id, sum(kg) as kg from opening_stocks group by stream_id) o
          on o.stream_id = p.stream_id
        where p.stream_id is not null
        group by p.stream_id, o.kg
        having coalesce(o.kg, 0) + sum(case when p.credit = 'store' then p.kg when p.debit = 'store' then -p.kg else 0 end) < 0
        """,
    ),
    Invariant(
        "I8",
        "What is generated in a month leaves the yard in the same month.",
        """
        select 'stream ' || stream_id || ' ' || month from postings
        group by stream_id, month
        having sum(case when credit = 'yard' then kg when debit = 'yard' then -kg else 0 end) <> 0
        """,
    ),
    Invariant(
        "I12",
        "A bidder has one live bid for a listing and line, and revisions without a gap.",
        "select 'listing ' || listing_id || ' line ' || line_id from bids group by listing_id, line_id"
        " having sum(case when replaced_at is null and withdrawn_at is null then 1 else 0 end) > 1"
        " or max(revision) <> count(*)",
    ),
    Invariant(
        "I13",
        "A bid was received before its listing's deadline.",
        "select 'bid ' || b.id from bids b join listings l on l.id = b.listing_id"
        " where l.bids_close_at is null or b.received_at >= l.bids_close_at",
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
        select 'bid ' || b.id from bids b
        where b.rules_sha256 is not null and b.replaced_at is null and b.withdrawn_at is null
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
        "Q1",
        "The versions of an answer have no gap, and each is later than what it follows.",
        """
        select 'question ' || question_id from answers group by question_id having max(version) <> count(*)
        union all
        select 'question ' || a.question_id from answers a join questions q on q.id = a.question_id
        left join answers earlier on earlier.question_id = a.question_id and earlier.version = a.version - 1
        where a.answered_at < q.asked_at or a.answered_at < earlier.answered_at
        """,
    ),
    Invariant(
        "Q2",
        "A question is asked by another than the producer, on a listing that was published.",
        """
        select 'question ' || q.id from questions q
        join listings l on l.id = q.listing_id
        join waste_streams w on w.id = l.stream_id
        join sites s on s.id = w.site_id
        where s.organization_id = q.organization_id or l.published_at is null or q.asked_at < l.published_at
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
)


def broken(session: Session) -> Iterator[Breach]:
    """Yield what does not hold."""
    for invariant in INVARIANTS:
        places = [str(row[0]) for row in session.execute(text(invariant.query))]
        if places:
            yield Breach(invariant, len(places), tuple(sorted(places)[:MOST_NAMED]))
    if session.get_bind().dialect.name == "sqlite" and session.scalar(text("pragma foreign_keys")) != 1:
        yield Breach(Invariant("S1", "Foreign keys are on.", ""), 1, ("this connection",))
