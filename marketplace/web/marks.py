"""The drawing class of a waste: its color and mark, the same on the board, in tables, in charts and on maps."""

from __future__ import annotations

from typing import Final

from marketplace.domain.errors import Invalid
from marketplace.domain.wastes import material

_CLASSES: Final = {
    "SW01": "slag",
    "SW02": "ash",
    "SW03": "ash",
    "SW04": "gangue",
    "SW05": "tailings",
    "SW06": "gypsum",
    "SW09": "tailings",
    "SW10": "gypsum",
    "SW11": "gypsum",
    "SW17": "scrap",
}
"""What boilers leave at the bottom is drawn as what they leave in the filter; the rest is drawn as other."""


def kind_of(material_code: str) -> str:
    """Return the class that a material is drawn as."""
    try:
        return kind_of_category(material(material_code).category)
    except Invalid:
        return "other"


def kind_of_category(category: str) -> str:
    """Return the class that a category of waste is drawn as."""
    return _CLASSES.get(category, "other")
