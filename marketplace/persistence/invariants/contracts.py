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
    Invariant(
        "I20d",
        "A new version in force has one signature of each side, over the hash of its text; versions follow each other.",
        """
        select 'amendment ' || v.id from amendments v join contracts c on c.id = v.contract_id
        where v.made_at is not null and (
            select count(*) from amendment_signatures s
            where s.amendment_id = v.id and s.sha256 = v.terms_sha256 and s.signed_at between v.proposed_at and v.made_at
              and ((s.side = 'producer' and s.organization_id = c.producer_id)
                or (s.side = 'recycler' and s.organization_id = c.recycler_id))
            ) <> 2
        union all
        select 'contract ' || contract_id from amendments where made_at is not null
        group by contract_id having max(version) <> count(*) + 1
        """,
    ),
    Invariant(
        "I20e",
        "What was terminated was ended by one of its sides, frees what it says, and changes no more.",
        """
        select 'termination ' || t.id from terminations t join contracts c on c.id = t.contract_id
        where t.organization_id <> case when t.side = 'producer' then c.producer_id else c.recycler_id end
           or t.freed_kg <> (select coalesce(sum(m.kg), 0) from termination_months m where m.termination_id = t.id)
           or exists (select 1 from termination_months m where m.termination_id = t.id and m.month < t.month)
        union all
        select 'amendment ' || v.id from amendments v join terminations t on t.contract_id = v.contract_id
        where (v.made_at is null and v.declined_at is null and v.withdrawn_at is null) or v.made_at > t.terminated_at
        """,
    ),
)
