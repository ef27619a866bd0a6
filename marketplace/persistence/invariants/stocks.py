"""Of stocks and postings: no store below nothing, nothing generated that goes nowhere."""

from __future__ import annotations

from typing import Final

from marketplace.persistence.invariants.kinds import Invariant

STOCKS: Final = (
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
)
