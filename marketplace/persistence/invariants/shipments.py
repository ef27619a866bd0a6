"""Of shipments and tickets: what left, arrived and counts is what the tickets say, and the counters hold it."""

from __future__ import annotations

from typing import Final

from marketplace.persistence.invariants.kinds import Invariant

SHIPMENTS: Final = (
    Invariant(
        "I5",
        "What has left under a contract, but for what came back, is what its counter holds; the same of each filing and its trips.",
        """
        select 'contract ' || c.id from contracts c where c.shipped_kg <> (
            select coalesce(sum(s.out_kg), 0) from shipments s
            where s.contract_id = c.id and s.dispatched_at is not null and s.returned_at is null)
        union all
        select 'filing ' || f.id from filings f where f.shipped_kg <> (
            select coalesce(sum(s.out_kg), 0) from shipments s
            where s.filing_id = f.id and s.dispatched_at is not null and s.returned_at is null)
        or f.shipped_trips <> (
            select count(*) from shipments s
            where s.filing_id = f.id and s.dispatched_at is not null and s.returned_at is null)
        """,
    ),
    Invariant(
        "I5b",
        "What counts of a shipment lies between its two scales.",
        """
        select 'shipment ' || id from shipments
        where counted_kg is not null and (counted_kg not between out_kg and in_kg and counted_kg not between in_kg and out_kg)
        """,
    ),
    Invariant(
        "I9",
        "A shipment that has left, or arrived, has a ticket at that end, at that site, whose last version says what is kept of it.",
        """
        select 'shipment ' || s.id from shipments s
        left join tickets o on o.shipment_id = s.id and o.place = 'origin' and o.site_id = s.from_site_id and o.version = (
            select max(t.version) from tickets t where t.shipment_id = s.id and t.place = 'origin')
        left join tickets d on d.shipment_id = s.id and d.place = 'destination' and d.site_id = s.to_site_id and d.version = (
            select max(t.version) from tickets t where t.shipment_id = s.id and t.place = 'destination')
        where coalesce(s.out_kg, -1) <> coalesce(o.gross_kg - o.tare_kg, -1)
           or coalesce(s.in_kg, -1) <> coalesce(d.gross_kg - d.tare_kg, -1)
        """,
    ),
    Invariant(
        "I7",
        "What a shipment has moved in the ledger is what counts of it: sent, and used in the month that its receiver named.",
        """
        select 'shipment ' || s.id from shipments s left join (
            select shipment_id,
                   sum(case when credit = 'sent' then kg when debit = 'sent' and credit <> 'utilized' then -kg else 0 end) as sent,
                   sum(case when credit = 'utilized' then kg when debit = 'utilized' then -kg else 0 end) as used
            from postings where shipment_id is not null group by shipment_id
        ) p on p.shipment_id = s.id
        where coalesce(p.sent, 0) <> case when s.dispatched_at is null or s.returned_at is not null then 0
                                          else coalesce(s.counted_kg, s.out_kg) end
           or coalesce(p.used, 0) <> case when s.utilized_at is null then 0 else s.counted_kg end
        union all
        select 'posting ' || p.id from postings p join shipments s on s.id = p.shipment_id
        where p.stream_id <> s.stream_id or p.organization_id <> s.producer_id
           or (p.credit = 'utilized' and p.month <> s.used_month)
        """,
    ),
    Invariant(
        "I9b",
        "The versions of a ticket follow each other and keep its scale and number, and no two shipments have one ticket.",
        """
        select 'shipment ' || shipment_id from tickets group by shipment_id, place
        having max(version) <> count(*) or count(distinct scale || ' ' || number) <> 1
        union all
        select 'ticket ' || min(id) from tickets group by site_id, scale, day, number having count(distinct shipment_id) > 1
        """,
    ),
)
