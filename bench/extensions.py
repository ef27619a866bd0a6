"""What a plan may ask for beyond lots, lines and pairs, and what that takes."""

from __future__ import annotations

from collections.abc import Iterator

from bench import months, permits, wholes


def tables() -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Yield a table for each extension."""
    yield "12 months with storage, 3,000 listings", months.rows()
    yield "Least lots and costs of contracts, 3,000 listings", wholes.rows()
    yield "Rounds with least lots and a permit for the year", permits.rows()
