"""The nodes of the lines of a round: one for each month, or one for each price step of it."""

from __future__ import annotations

from collections.abc import Iterator

from marketplace.domain.pricesteps import rooms
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import Snapshot, SnapshotLine

Node = tuple[int, Month]
"""A listing or a line in one month."""


class LineNodes:
    """
    The nodes of the lines, by id and month, of a line with price steps by step, and, lists of one entry a node, what they hold.

    ``nodes``, ``capacity`` in kilograms, and ``less`` in fen per tonne, what is bid less there. ``entries`` are where arcs end;
    ``room_at`` is the node of what a line can use in a month, the last of its nodes in it. Where something may also wait in
    front of a line with steps that is a node of its own, since what arrives stands on a step whenever it is used: the steps
    have no capacity there, and ``into_room`` are (step, room, kilograms) that lead on.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.nodes: list[Node] = []
        self.capacity: list[int] = []
        self.less: list[int] = []
        self.entries: dict[Node, range] = {}
        self.room_at: dict[Node, int] = {}
        self.into_room: list[tuple[int, int, int]] = []
        for line in snapshot.lines:
            for month, kg, steps in _months(line, snapshot.truckload_kg or 1):
                self._add((line.line_id, month), kg, steps, apart=bool(line.storage_kg and steps != [(kg, 0)]))

    def _add(self, node: Node, kg: int, steps: list[tuple[int, int]], *, apart: bool) -> None:
        first = len(self.nodes)
        self.nodes += [node] * (len(steps) + apart)
        self.capacity += [*([0] * len(steps) if apart else [mass for mass, _ in steps]), *([kg] * apart)]
        self.less += [*(less for _, less in steps), *([0] * apart)]
        self.entries[node] = range(first, first + len(steps))
        self.room_at[node] = room = len(self.nodes) - 1
        if apart:
            self.into_room += [(first + place, room, mass) for place, (mass, _) in enumerate(steps)]


def _months(line: SnapshotLine, load_kg: int) -> Iterator[tuple[Month, int, list[tuple[int, int]]]]:
    """Yield each month with what the line can use in it, and the steps that arrive on: kilograms, and what they are bid less."""
    uses, stood, stores = dict(line.months), dict(line.stood_kg), dict(line.storage_kg)
    for month in line.receives:
        kg = uses.get(month, 0)
        most = kg + stores.get(month, 0)
        steps = list(rooms(line.steps, stood_kg=stood.get(month, 0), room_kg=most, load_kg=load_kg))
        yield month, kg, steps if any(less for _, less in steps) else [(kg, 0)]
