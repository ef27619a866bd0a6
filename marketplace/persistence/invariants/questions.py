"""Of questions and answers."""

from __future__ import annotations

from typing import Final

from marketplace.persistence.invariants.kinds import Invariant

QUESTIONS: Final = (
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
)
