"""Of contracts: both sides have signed the very text that is kept."""

from __future__ import annotations

from typing import Final

from marketplace.persistence.invariants.kinds import Invariant

CONTRACTS: Final = (
    Invariant(
        "I20b",
        "A contract has one signature of each side, over the hash of its text, given in time and not after it was made.",
        """
        select 'contract ' || c.id from contracts c join awards a on a.id = c.award_id
        where c.concluded_by = 'signatures' and (
            select count(*) from contract_signatures s
            where s.award_id = c.award_id and s.sha256 = c.terms_sha256 and s.signed_at <= c.made_at
              and ((s.side = 'producer' and s.organization_id = c.producer_id and s.signed_at = a.producer_accepted_at)
                or (s.side = 'recycler' and s.organization_id = c.recycler_id and s.signed_at = a.recycler_accepted_at))
            ) <> 2
        """,
    ),
    Invariant(
        "I20c",
        "Whoever has accepted an award has signed it, and nobody else; but for contracts made before that was asked.",
        """
        select 'award ' || a.id from awards a left join contracts c on c.award_id = a.id
        left join contract_signatures p on p.award_id = a.id and p.side = 'producer'
        left join contract_signatures r on r.award_id = a.id and r.side = 'recycler'
        where coalesce(c.concluded_by, 'signatures') = 'signatures' and a.declined_at is null and a.lapsed_at is null
          and ((a.producer_accepted_at is null) <> (p.id is null) or (a.recycler_accepted_at is null) <> (r.id is null))
        """,
    ),
)
