"""A text for a reader whose language is known only at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = "str | int | Sentence | tuple[str, ...] | None"
Plain: TypeAlias = "dict[str, object]"


@dataclass(frozen=True)
class Sentence:
    """
    An English text, which is also the key of its translation, and the values to be filled in.

    The names of the values carry their unit, as columns do, and the edge writes them for the reader by that name:
    ``…_kg`` as tonnes, ``…_fen_per_t`` as yuan per tonne, ``…_fen`` as yuan, ``…_m`` as kilometers, ``…_month`` as a
    month, ``…_at`` as an instant, ``…_material``, ``…_property``, ``…_route``, ``…_place`` and ``…_legal_status`` as
    the name of the code; ``…_named`` is a Chinese and an English name, of which the reader gets one. A value that is
    itself a Sentence is translated first.

    >>> str(Sentence("Room for %(room_kg)s t.", {"room_kg": 1200}))
    'Room for 1200 t.'
    """

    text: str
    values: Mapping[str, Value] | None = None

    def __str__(self) -> str:
        """Return the English text with its bare values, for logs and the command line."""
        if not self.values:
            return self.text.replace("%%", "%")
        return self.text % {name: "" if value is None else str(value) for name, value in self.values.items()}

    def plain(self) -> Plain:
        """Return what JSON can hold, for a frozen record; `sentence` reads it back."""
        values = {
            name: value.plain() if isinstance(value, Sentence) else value for name, value in (self.values or {}).items()
        }
        return {"text": self.text, "values": values}


def sentence(plain: Mapping[str, object]) -> Sentence:
    """Read back what `Sentence.plain` wrote."""
    values = plain.get("values") or {}
    if not isinstance(values, Mapping):
        raise TypeError("the values of a sentence are a mapping")
    read = {
        str(name): sentence(value) if isinstance(value, Mapping) else tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
    }
    return Sentence(str(plain["text"]), read)
