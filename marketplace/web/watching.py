"""
Who watches a sale: one thread of this process asks the database for all watchers, and wakes those whose sale has changed.

A stream carries tokens that say nothing; what changed is fetched as a part of the page, with the watcher's rights. A
process serves only so many streams, since each holds a thread; to the others the page asks again by itself.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Condition, Thread
from time import monotonic
from typing import Final, Self

log = logging.getLogger("marketplace.watching")

PERIOD: Final = 1.0
"""Seconds between two looks at the sales that are watched."""

SILENCE: Final = 5.0
"""Seconds after which a stream says that it is there, and finds out whether its reader is."""

LIFE: Final = 120.0
"""Seconds after which a stream ends, and its reader asks for another: rights are looked at anew."""


@dataclass
class Hub:
    """
    The watchers of this process.

    ``versions`` returns the token of each of some sales as they are at an instant, in one go; a sale that is gone has none.
    """

    versions: Callable[[frozenset[int], datetime], dict[int, str]]
    most: int
    period: float = PERIOD
    silence: float = SILENCE
    life: float = LIFE
    _changed: Condition = field(default_factory=Condition)
    _watched: Counter[int] = field(default_factory=Counter)
    _known: dict[int, str] = field(default_factory=dict)
    _thread: Thread | None = None

    def stream(self, listing_id: int, version: str) -> Stream | None:
        """Return the events of a sale from a version on; None if there are as many streams as there may be."""
        with self._changed:
            if self._watched.total() >= self.most:
                return None
            self._watched[listing_id] += 1
            if self._thread is None:
                self._thread = Thread(target=self._look, name="watching", daemon=True)
                self._thread.start()
        return Stream(self, listing_id, version, monotonic() + self.life)

    @property
    def watching(self) -> int:
        """How many streams there are."""
        with self._changed:
            return self._watched.total()

    def after(self, listing_id: int, version: str, seconds: float) -> str:
        """Return the version of a sale once it is another one, or the same after so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._known.get(listing_id, version) != version, timeout=seconds)
            return self._known.get(listing_id, version)

    def leave(self, listing_id: int) -> None:
        """Take a watcher off."""
        with self._changed:
            self._watched[listing_id] -= 1
            self._watched += Counter()  # forget the sales that nobody watches
            self._changed.notify_all()

    def _look(self) -> None:
        """Ask, wake, and end when nobody watches any more."""
        while True:
            with self._changed:
                wanted = frozenset(self._watched)
                if not wanted:
                    self._thread = None
                    self._known = {}
                    return
            try:
                found = self.versions(wanted, datetime.now(UTC))
            except Exception as error:  # the database may be away; the next look tells
                log.warning("the sales that are watched cannot be read: %s", type(error).__name__)
            else:
                with self._changed:
                    self._known = found
                    self._changed.notify_all()
            with self._changed:
                self._changed.wait_for(lambda: not self._watched, timeout=self.period)


@dataclass
class Stream:
    """Server-sent events of one watcher; whoever reads it closes it, also before the first one."""

    hub: Hub
    listing_id: int
    version: str
    until: float
    _begun: bool = False
    _closed: bool = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        """Return the next event, or a sign of life."""
        if not self._begun:
            self._begun = True
            return "retry: 3000\n\n"
        left = self.until - monotonic()
        if left <= 0 or self._closed:
            self.close()
            raise StopIteration
        known = self.hub.after(self.listing_id, self.version, min(self.hub.silence, left))
        if known == self.version:
            return ": still here\n\n"
        self.version = known
        return f"event: changed\ndata: {known}\n\n"

    def close(self) -> None:
        """Make room for another watcher."""
        if not self._closed:
            self._closed = True
            self.hub.leave(self.listing_id)
