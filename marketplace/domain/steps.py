"""What a run of a round does, step by step, and how it says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

Step: TypeAlias = Literal["reading", "joining", "solving", "proving", "explaining"]

STEPS: Final[tuple[Step, ...]] = ("reading", "joining", "solving", "proving", "explaining")
"""
In this order; where a plan breaks a least lot, a filing or a cap, solving and proving come again.

``reading`` what is offered and what room there is, ``joining`` each listing with every line that may take it,
``solving``, ``proving`` the plan, ``explaining`` each award and each leftover.
"""

Tell: TypeAlias = Callable[[Step, int, int], None]
"""Told which step a run is at and how much of it is done, of how much (0: not known); what it raises ends the run."""


def silent(step: Step, done: int, of: int) -> None:
    """Tell nobody."""
