"""Parks, whose administrators oversee the sites that lie in them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.persistence.base import Base, Instant


class Park(Base):
    """An industrial estate, or a virtual park that groups sites across boundaries."""

    __tablename__ = "parks"
    __table_args__ = (
        CheckConstraint("goal_permille between 0 and 1000", name="goal_is_a_share"),
        CheckConstraint("kind in ('estate', 'virtual')", name="kind_known"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name_zh: Mapped[str]
    name_en: Mapped[str] = mapped_column(default="")
    kind: Mapped[str] = mapped_column(default="estate")
    division_code: Mapped[str]
    goal_permille: Mapped[int] = mapped_column(default=570)
    goal_source: Mapped[str] = mapped_column(default="")
    goal_source_en: Mapped[str] = mapped_column(default="")
    created_at: Mapped[Instant]
    demo: Mapped[bool] = mapped_column(default=False)
