"""Acts on contracts: one side ends one with a cause, and what was not delivered is free again."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy import select

from marketplace.domain.amendments import NewTermination
from marketplace.domain.listings import month_at
from marketplace.persistence.amendments import Termination
from marketplace.persistence.rounds import Contract
from marketplace.services.terminations import terminate_contract
from tests.factories import proof
from tests.machine.base import Deal
from tests.machine.selling import NUMBER, Selling


class Ending(Selling):
    """What both sides do with a contract that they have."""

    def _contracts(self) -> list[tuple[int, str, Deal, bool]]:
        """The contracts, the hash of their text, their deal in the model, and whether they were ended."""
        rows = self.session.execute(
            select(Contract.id, Contract.terms_sha256, Contract.award_id, Termination.id)
            .outerjoin(Termination, Termination.contract_id == Contract.id)
            .order_by(Contract.id)
        ).all()
        self.session.rollback()
        return [(row[0], row[1], self.deals[row[2]], row[3] is not None) for row in rows]

    @precondition(lambda self: any(len(deal.accepted) == 2 for deal in self.deals.values()))
    @rule(number=NUMBER, by_producer=st.booleans(), sure=st.integers(0, 2), share=st.integers(0, 4), stranger=NUMBER)
    def terminate(self, number: int, by_producer: bool, sure: int, share: int, stranger: int) -> None:
        """End a contract, now and then, after a part of this month's tonnes was delivered."""
        if sure:
            return
        known = self._contracts()
        contract_id, digest, deal, ended = self.pick(number, [each for each in known if not each[3]], known)
        month = month_at(self.now)
        planned = deal.months.get(month, 0)
        delivered = planned * share // 4
        mine = deal.producer if by_producer else deal.recycler
        ahead = any(later > month or (later == month and kg > delivered) for later, kg in deal.months.items())
        done = self.act(
            "terminate",
            lambda actor: (
                terminate_contract(
                    self.session, actor, contract_id, NewTermination("stopped", "窑线停产。", delivered),
                    proof=proof(actor), terms_sha256=digest, now=self.now,
                ),
                True,
            ),
            self.of(mine),
            expect=False if ended or not ahead else None,
            stranger=stranger,
            again=True,
        )  # fmt: skip
        if done:
            kept = {each: kg for each, kg in deal.months.items() if each < month}
            deal.months = kept | ({month: delivered} if delivered else {})
