"""Margins and worth in words, for each reader; of another's line no more than its place by freight and deductions."""

from __future__ import annotations

from marketplace.domain.results import Margin
from marketplace.domain.wording import Sentence, Value


def margin_words(margin: Margin, rank: int | None, *, stored: bool = False) -> Sentence:
    """Say by how much the cost could rise before tonnes go elsewhere; ``rank`` is that of the next line, if it is told."""
    values = {"margin_fen_per_t": margin.fen_per_t, "rank": rank}
    if margin.fen_per_t is None:
        return Sentence("There is no other way to put as many tonnes to use without this award.")
    if margin.fen_per_t == 0:
        return Sentence("Another plan costs just as much: by the stated rule for ties the tonnes go here.")
    if stored and margin.waits:
        return Sentence(
            "Freight, deductions and storage of it could rise by %(margin_fen_per_t)s yuan per tonne before some of it waits for"
            " another month.",
            values,
        )
    if margin.next_line_id is None:
        return Sentence(
            "Freight and deductions here could rise by %(margin_fen_per_t)s yuan per tonne before other waste takes the"
            " place of some of it.",
            values,
        )
    if rank is None:
        return Sentence(
            "Freight and deductions here could rise by %(margin_fen_per_t)s yuan per tonne before some of it goes to"
            " another line.",
            values,
        )
    return Sentence(
        "Freight and deductions here could rise by %(margin_fen_per_t)s yuan per tonne before some of it goes to line"
        " number %(rank)s.",
        values,
    )


def room_words(fen_per_t: int, *, stored: bool = False) -> Sentence:
    """Say what a tonne of room puts to use, for what is left over."""
    gained = Sentence("One more tonne of room at the line where it costs least puts one more tonne to use")
    return _at(gained, fen_per_t, stored=stored)


def waste_words(fen_per_t: int, *, stored: bool = False) -> Sentence:
    """Say what a tonne of waste puts to use, for room that is left over."""
    gained = Sentence("One more tonne of the waste that costs least to bring is one more tonne put to use")
    return _at(gained, fen_per_t, stored=stored)


def supply_words(month: str, fen_per_t: int, *, stored: bool = False) -> Sentence:
    """Say to a producer whose lot is placed whole what one more tonne of it would do."""
    gained = Sentence(
        "All that was offered for %(placed_month)s is placed: one more tonne of it would be put to use too",
        {"placed_month": month},
    )
    return _at(gained, fen_per_t, stored=stored)


def _at(gained: Sentence, fen_per_t: int, *, stored: bool) -> Sentence:
    values: dict[str, Value] = {"gained": gained, "worth_fen_per_t": abs(fen_per_t)}
    if stored and fen_per_t < 0:
        return Sentence(
            "%(gained)s, and saves %(worth_fen_per_t)s yuan of freight, deductions and storage over the whole round; least"
            " lots, filings, caps and permits aside.",
            values,
        )
    if stored:
        return Sentence(
            "%(gained)s, for %(worth_fen_per_t)s yuan of freight, deductions and storage over the whole round; least lots,"
            " filings, caps and permits aside.",
            values,
        )
    if fen_per_t < 0:
        return Sentence(
            "%(gained)s, and saves %(worth_fen_per_t)s yuan of freight and deductions over the whole round; least lots,"
            " filings, caps and permits aside.",
            values,
        )
    return Sentence(
        "%(gained)s, for %(worth_fen_per_t)s yuan of freight and deductions over the whole round; least lots, filings,"
        " caps and permits aside.",
        values,
    )
