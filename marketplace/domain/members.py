"""What an organization says of itself when it registers, and which of it a park verifies."""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.domain.accounts import one_line
from marketplace.domain.errors import Invalid
from marketplace.domain.organizations import credit_code

MOST_TEXT = 200


@dataclass(frozen=True)
class OrganizationFacts:
    """An organization as it describes itself."""

    credit_code: str
    name_zh: str
    name_en: str
    produces: bool
    recycles: bool
    park_id: int
    contact_name: str
    contact_phone: str
    address: str = ""
    related_group: str = ""
    small_works: bool = False

    def __post_init__(self) -> None:
        """Check the code's check digit; refuse an organization that neither produces nor recycles."""
        object.__setattr__(self, "credit_code", credit_code(self.credit_code, field="credit_code"))
        object.__setattr__(self, "name_zh", one_line(self.name_zh, most=MOST_TEXT, field="name_zh"))
        for name in ("name_en", "address", "related_group"):
            given: str = getattr(self, name)
            object.__setattr__(self, name, one_line(given, most=MOST_TEXT, field=name) if given.strip() else "")
        object.__setattr__(self, "contact_name", one_line(self.contact_name, field="contact_name"))
        object.__setattr__(self, "contact_phone", one_line(self.contact_phone, most=40, field="contact_phone"))
        if not (self.produces or self.recycles):
            raise Invalid("An organization produces waste, recycles it, or both. Choose.", field="produces")


@dataclass(frozen=True)
class ParkFacts:
    """A park as the operator of the platform describes it; the goal in thousandths."""

    name_zh: str
    name_en: str
    kind: str
    division_code: str
    goal_permille: int
    goal_source: str
    goal_source_en: str = ""

    def __post_init__(self) -> None:
        """Refuse a goal that is no share, and one without a source."""
        object.__setattr__(self, "name_zh", one_line(self.name_zh, most=MOST_TEXT, field="name_zh"))
        if self.name_en.strip():
            object.__setattr__(self, "name_en", one_line(self.name_en, most=MOST_TEXT, field="name_en"))
        if self.kind not in ("estate", "virtual"):
            raise Invalid("Choose one of the kinds.", field="kind")
        if not 0 <= self.goal_permille <= 1000:
            raise Invalid("A goal is a share from 0 to 100 percent.", field="goal")
        object.__setattr__(self, "goal_source", one_line(self.goal_source, most=MOST_TEXT, field="goal_source"))
        if self.goal_source_en.strip():
            english = one_line(self.goal_source_en, most=MOST_TEXT, field="goal_source_en")
            object.__setattr__(self, "goal_source_en", english)
