"""What all tables share: constraint names, and columns that keep whole kilograms, fen, instants and measured values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final

from sqlalchemy import BigInteger, Dialect, MetaData, String
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator

from marketplace.domain.quantities import Month

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
MILLION: Final = Decimal(1_000_000)


class InstantType(TypeDecorator[datetime]):
    """An instant as microseconds since 1970 in UTC; SQLite would drop the zone of a date and time."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Write; raises ValueError for a time without a zone, which is no instant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Read, in UTC."""
        return None if value is None else EPOCH + timedelta(microseconds=int(value))


class MonthType(TypeDecorator[Month]):
    """A month as ``YYYY-MM``, which sorts as months do."""

    impl = String(7)
    cache_ok = True

    def process_bind_param(self, value: Month | None, dialect: Dialect) -> str | None:
        """Write."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Month | None:
        """Read."""
        return None if value is None else Month.parse(value)


class MeasureType(TypeDecorator[Decimal]):
    """A measured value as millionths of its unit; neither database keeps a decimal fraction alike."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Write; raises ValueError if six decimals do not hold the value."""
        if value is None:
            return None
        millionths = value * MILLION
        if millionths != millionths.to_integral_value():
            raise ValueError("a measured value has at most six decimals")
        return int(millionths)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Read, without trailing zeros."""
        if value is None:
            return None
        return Decimal(f"{Decimal(int(value)) / MILLION:f}")


Instant = Annotated[datetime, mapped_column(InstantType)]
Kilograms = Annotated[int, mapped_column(BigInteger)]
Fen = Annotated[int, mapped_column(BigInteger)]
Microdegrees = Annotated[int, mapped_column(BigInteger)]
Measure = Annotated[Decimal, mapped_column(MeasureType)]
MonthOf = Annotated[Month, mapped_column(MonthType)]


class Base(DeclarativeBase):
    """The tables. Every constraint has a name, or a migration on SQLite would lose it in silence."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
