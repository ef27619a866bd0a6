"""The refusals, each mapped once to an answer; anything else that is raised is a defect."""

from __future__ import annotations

from marketplace.domain.wording import Sentence, Value


class MarketplaceError(Exception):
    """
    A refusal that a reader is told, in the reader's language.

    ``text`` is English and the key of its translation (it is collected from these calls); ``values`` are filled in by
    name, see `Sentence`.
    """

    def __init__(self, text: str, /, **values: Value) -> None:
        self.sentence = Sentence(text, values)
        super().__init__(str(self.sentence))


class Invalid(MarketplaceError):
    """
    What was asked for makes no sense as it stands: 422.

    ``field`` names the field of the command that is wrong; the form shows the message beside it.
    """

    def __init__(self, text: str, /, *, field: str | None = None, **values: Value) -> None:
        self.field = field
        super().__init__(text, **values)


class NotFound(MarketplaceError):
    """It is not there, or the actor may not know that it is: 404."""

    def __init__(self, text: str = "There is no such page, or it is not yours to see.", /, **values: Value) -> None:
        super().__init__(text, **values)


class NotAllowed(MarketplaceError):
    """The actor may see it and may not do this with it: 403."""

    def __init__(self, text: str = "Your role does not allow this.", /, **values: Value) -> None:
        super().__init__(text, **values)


class Conflict(MarketplaceError):
    """It made sense, but the rows do not allow it now: 409."""


class TooMany(MarketplaceError):
    """It was tried too often in a short time: 429; the sentence says when to try again."""
