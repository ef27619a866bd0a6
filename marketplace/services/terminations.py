"""Writes: one side ends a contract before its time, with a cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.amendments import NewTermination, left_after, said, waits_left
from marketplace.domain.errors import Conflict, NotAllowed
from marketplace.domain.listings import month_at
from marketplace.persistence.amendments import Termination, TerminationMonth
from marketplace.persistence.database import transaction
from marketplace.services.contracts import held_contract, note, open_proposal
from marketplace.services.ladder import free
from marketplace.services.parties import tell_parties
from marketplace.services.proposals import share_of
from marketplace.services.signing import FreshProof


def terminate_contract(
    session: Session,
    actor: Actor,
    contract_id: int,
    new: NewTermination,
    *,
    proof: FreshProof,
    terms_sha256: str,
    now: datetime,
) -> None:
    """
    End a contract for the actor's side, with a cause; what was not delivered is free again, and a proposal is over.

    Where the recycler ends it while bids stand by, the next is called in the same transaction. Raises NotFound, NotAllowed;
    Invalid if more was delivered than planned; Conflict if the contract is over or another version is in force by now.
    """
    with transaction(session):
        held = held_contract(session, actor, contract_id, now)
        if proof.person_id != actor.person_id:
            raise NotAllowed
        if terms_sha256 != held.text.sha256:
            raise Conflict("Another version of the contract is in force by now. Read it before you end it.")
        before = share_of(session, held.award)
        kept, freed = left_after(before.months, month_at(now), new.delivered_kg)
        ended = Termination(
            contract_id=contract_id,
            side=held.side,
            cause=new.cause,
            reason=said(new.reason),
            person_id=proof.person_id,
            person_name=proof.name,
            organization_id=held.organization_id,
            sha256=terms_sha256,
            month=month_at(now),
            delivered_kg=new.delivered_kg,
            freed_kg=sum(freed.values()),
            terminated_at=max(now, held.since),  # whose clock is ahead
            checked=proof.checked,
        )
        session.add(ended)
        session.flush()
        session.add_all(
            TerminationMonth(termination_id=ended.id, month=month, kg=kg) for month, kg in sorted(freed.items())
        )
        proposal = open_proposal(session, contract_id)
        if proposal is not None and proposal.proposed_by == held.side:
            proposal.withdrawn_at = now
        elif proposal is not None:
            proposal.declined_at, proposal.decline_reason = now, ended.reason
        filings = {month: filing_id for month, filing_id in before.filings.items() if month in kept}
        after = replace(before, months=kept, filings=filings, waits=waits_left(before.waits, kept))
        free(session, held.listing, held.award, after, terminated_by=held.side, now=now)
        note(
            session, actor, "contract.terminate", held, now,
            side=held.side, cause=new.cause, reason=ended.reason, kg=ended.freed_kg, terms_sha256=terms_sha256,
        )  # fmt: skip
        tell_parties(
            session, "terminated", held.award, now,
            number=held.contract.number, contract_id=contract_id, by=held.side, why=ended.reason, freed_kg=ended.freed_kg,
        )  # fmt: skip
