"""Of quantities: counters hold what awards and contracts take of them, and never more than there is."""

from __future__ import annotations

from typing import Final

from marketplace.persistence.invariants.kinds import Invariant

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


QUANTITIES: Final = (
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
)
