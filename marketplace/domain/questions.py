"""Questions on a listing and their answers: what may be said in them, how many, and when one waits too long."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from marketplace.domain.errors import Invalid

MOST_QUESTION: Final = 500
MOST_ANSWER: Final = 2000
"""Characters of a question and of an answer."""

MOST_A_DAY: Final = 10
DAY: Final = timedelta(days=1)
"""So many questions one organization asks within a day, of all listings together."""

MOST_VERSIONS: Final = 10
"""So many times an answer is given and corrected: each time all bidders are told."""

WAITS_LONG: Final = timedelta(days=3)
"""A question without an answer for so long is shown to the park too."""

_CONTACT: Final = re.compile(
    r"[^\s@]{1,64}@[^\s@]{1,64}\.[^\s@]"  # a mail address
    r"|(?<!\d)1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"  # a mobile number
    r"|(?<!\d)0\d{2,3}[- ]?\d{7,8}(?!\d)"  # a landline with its area code
    r"|(?:微信|wechat|weixin|qq)[号id: 是]{0,5}[a-z0-9_-]{5,}",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class NewQuestion:
    """A question as an organization asks it; raises Invalid where it says nothing, too much, or how to reach somebody."""

    listing_id: int
    organization_id: int
    text: str

    def __post_init__(self) -> None:
        """Refuse what cannot be shown to everybody."""
        refuse_text(self.text, most=MOST_QUESTION)


def refuse_text(text: str, *, most: int) -> None:
    """
    Raise Invalid for a text that is empty, longer than ``most`` or tells how to reach somebody.

    Whoever asks stays unnamed, and a masked producer too: what is agreed beside the site is neither fair nor on record.
    """
    if not text.strip():
        raise Invalid("This is needed.", field="text")
    if len(text) > most:
        raise Invalid("At most %(most)s characters.", field="text", most=most)
    if _CONTACT.search(unicodedata.normalize("NFKC", text)):
        raise Invalid(
            "Questions and answers are read by all bidders and name nobody: leave out telephone numbers, mail addresses"
            " and accounts.",
            field="text",
        )
