"""Reads: what a round says of itself, for lists and for the head of its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from marketplace.domain.quantities import Month
from marketplace.domain.rounds import LEASE, State, state_of
from marketplace.persistence.parks import Park
from marketplace.persistence.rounds import Round

MOST_ROUNDS: Final = 100


@dataclass(frozen=True)
class RoundRow:
    """A round in the list, and at the head of its page."""

    id: int
    number: int
    park_id: int
    park_zh: str
    park_en: str
    kind: str
    objective: str
    subsidy_fen_per_t: int
    contract_fee_fen: int
    truckload_kg: int | None
    first_month: Month
    last_month: Month
    max_m: int
    circuity_permille: int
    opened_at: datetime
    closes_at: datetime
    answer_by: datetime
    closed_at: datetime | None
    solving_at: datetime | None
    attempt: int
    failed_because: Mapping[str, object] | None
    solved_at: datetime | None
    input_sha256: str | None
    result_sha256: str | None
    published_at: datetime | None
    recourse_passes: int
    settled_at: datetime | None
    voided_at: datetime | None
    void_cause: str
    now: datetime

    @property
    def state(self) -> State:
        """How far it is."""
        return state_of(
            self.now,
            opens_at=self.opened_at,
            closes_at=self.closes_at,
            answers_until=self.answer_by,
            closed_at=self.closed_at,
            solving_at=self.solving_at,
            solved_at=self.solved_at,
            published_at=self.published_at,
            settled_at=self.settled_at,
            voided_at=self.voided_at,
        )

    @property
    def planning(self) -> bool:
        """Whether it leaves prices out and only recommends."""
        return self.kind == "planning"

    @property
    def for_surplus(self) -> bool:
        """Whether it is solved for the greatest surplus, not for the most tonnes."""
        return self.objective == "surplus"

    @property
    def stalled(self) -> bool:
        """Whether the run that holds it has not been heard of for too long, so that another may take it over."""
        return self.solving_at is not None and self.solving_at <= self.now - LEASE and self.voided_at is None

    @property
    def recourse_runs(self) -> bool:
        """Whether what was declined is being allotted again just now."""
        return self.state == "published" and self.solving_at is not None


def rows_of(session: Session, where: ColumnElement[bool], now: datetime) -> list[RoundRow]:
    """Return rounds, newest first. One SELECT."""
    rows = session.execute(
        select(
            Round.id, Round.number, Round.park_id, Park.name_zh, Park.name_en, Round.kind, Round.objective,
            Round.subsidy_fen_per_t, Round.contract_fee_fen, Round.truckload_kg, Round.first_month, Round.last_month, Round.max_m, Round.circuity_permille,
            Round.opened_at, Round.closes_at, Round.answer_by,
            Round.closed_at, Round.solving_at, Round.attempt, Round.failed_because, Round.solved_at,
            Round.input_sha256, Round.result_sha256, Round.published_at, Round.recourse_passes, Round.settled_at,
            Round.voided_at, Round.void_cause,
        )
        .join(Park, Round.park_id == Park.id)
        .where(where)
        .order_by(Round.opened_at.desc(), Round.id.desc())
        .limit(MOST_ROUNDS)
    )  # fmt: skip
    return [_row([*row, now]) for row in rows]


def _row(values: list[Any]) -> RoundRow:
    return RoundRow(*values)
