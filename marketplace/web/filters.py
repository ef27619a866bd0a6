"""Numbers, dates and sentences for the reader; all that a template may say about a quantity it says with these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import Flask

from marketplace.domain import grades, places, routes, wastes
from marketplace.domain.errors import Invalid
from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence, sentence
from marketplace.web.context import parts
from marketplace.web.i18n import BOUND, gettext, instant_text, locale

NOTHING = "—"


def tonnes(kg: int | None, decimals: int = 0) -> str:
    """Write kilograms as tonnes, thousands separated; a dash where there is nothing to say."""
    return NOTHING if kg is None else f"{Decimal(kg) / 1000:,.{decimals}f}"


def tonnes2(kg: int | None) -> str:
    """Write kilograms as tonnes with the ledger's two decimals."""
    return tonnes(kg, 2)


def tonnes_exact(kg: int | None) -> str:
    """Write kilograms as tonnes with no more decimals than needed, as in a form's field."""
    return "" if kg is None else f"{(Decimal(kg) / 1000).normalize():f}"


def yuan(fen: int | None) -> str:
    """Write fen as yuan, two decimals."""
    return NOTHING if fen is None else f"{Decimal(fen) / 100:,.2f}"


def yuan_exact(fen: int | None) -> str:
    """Write fen as yuan with no more decimals than needed, as in a form's field."""
    return "" if fen is None else f"{(Decimal(fen) / 100).normalize():f}"


def percent(ratio: float | Decimal | None, decimals: int = 1) -> str:
    """Write a ratio as percent without the sign; a dash where there was nothing to divide by."""
    return NOTHING if ratio is None else f"{Decimal(ratio) * 100:.{decimals}f}"


def km(m: int | None) -> str:
    """Write meters as whole kilometers; one decimal below ten."""
    if m is None:
        return NOTHING
    return f"{Decimal(m) / 1000:,.0f}" if m >= 10_000 else f"{Decimal(m) / 1000:.1f}"


def month(value: Month | str) -> str:
    """Write a month for the reader."""
    read = value if isinstance(value, Month) else Month.parse(value)
    if locale() == "en":
        return f"{read.first_day:%b}{BOUND}{read.year}"
    return f"{read.year} 年 {read.number} 月".replace(" ", BOUND)


def months(first: Month, last: Month) -> str:
    """Write a window of months for the reader."""
    if first == last:
        return month(first)
    if locale() == "en":
        return f"{month(first)} – {month(last)}"
    if first.year == last.year:
        return f"{first.year} 年 {first.number}–{last.number} 月".replace(" ", BOUND)
    return f"{month(first)}至 {month(last)}"


def instant(at: datetime | None) -> str:
    """Write an instant in the site's time zone."""
    return NOTHING if at is None else instant_text(at, parts().settings.timezone)


def second(at: datetime | None) -> str:
    """Write an instant to the second, in the site's time zone."""
    return NOTHING if at is None else instant_text(at, parts().settings.timezone, seconds=True)


def day(value: date | datetime | None) -> str:
    """Write a day; of an instant, the day in the site's time zone."""
    if value is None:
        return NOTHING
    if isinstance(value, datetime):
        return instant_text(value, parts().settings.timezone, day_only=True)
    written = f"{value:%-d %b %Y}" if locale() == "en" else f"{value.year} 年 {value.month} 月 {value.day} 日"
    return written.replace(" ", BOUND)


def measure(value: Decimal | None) -> str:
    """Write a measured value as it was given, without trailing zeros."""
    return NOTHING if value is None else f"{value.normalize():f}"


def dash(value: object) -> object:
    """Write a dash where there is nothing."""
    return NOTHING if value is None or value == "" else value


def named(thing: Any) -> str:
    """Return the name of a thing that has one in both languages; the Chinese one where English has none."""
    chinese = getattr(thing, "name_zh", None) or getattr(thing, "name", "")
    return str((getattr(thing, "name_en", "") or chinese) if locale() == "en" else chinese)


def pick(chinese: str, english: str | None) -> str:
    """Return the one of two names that the reader reads."""
    return (english or chinese) if locale() == "en" else chinese


def _name_of(find: Callable[[str], Any]) -> Callable[[str], str]:
    def name(code: str) -> str:
        try:
            return named(find(code))
        except (Invalid, KeyError):
            return code

    return name


material = _name_of(wastes.material)
waste_code = _name_of(wastes.waste_code)
property_name = _name_of(grades.property_of)
route = _name_of(routes.route)
place = _name_of(places.division)


def legal_status(code: str) -> str:
    """Return the name of a legal status."""
    return {
        "solid_waste": gettext("solid waste"),
        "by_product": gettext("by-product"),
        "secondary_raw_material": gettext("secondary raw material"),
    }.get(code, code)


def unit(code: str) -> str:
    """Return the unit of a property."""
    try:
        return str(grades.property_of(code).unit)
    except (Invalid, KeyError):
        return ""


_WRITTEN: dict[str, Callable[[Any], object]] = {
    "_kg": lambda kg: f"{Decimal(kg) / 1000:,f}".rstrip("0").rstrip(".") if kg % 1000 else tonnes(kg),
    "_fen_per_t": yuan,
    "_fen": yuan,
    "_m": km,
    "_month": month,
    "_material": material,
    "_property": property_name,
    "_route": route,
    "_place": place,
    "_legal_status": legal_status,
}


def _value(name: str, value: Any) -> object:
    if value is None:
        return NOTHING
    if isinstance(value, Sentence):
        return say(value)
    if name.endswith("_named"):
        return pick(*value)
    if isinstance(value, tuple | list):
        return gettext(", ").join(str(_value(name, part)) for part in value)
    if name.endswith("_at"):
        return instant(datetime.fromisoformat(value) if isinstance(value, str) else value)
    if name.endswith("_date"):
        return day(date.fromisoformat(value) if isinstance(value, str) else value)
    for suffix in sorted(_WRITTEN, key=len, reverse=True):
        if name == suffix[1:] or name.endswith(suffix):
            return _WRITTEN[suffix](value)
    return value


def say(text: Sentence | Mapping[str, object] | str | None) -> str:
    """Write a sentence in the reader's language, its values by their names."""
    if text is None:
        return ""
    if isinstance(text, str):
        return gettext(text)
    spoken = text if isinstance(text, Sentence) else sentence(text)
    values = {name: _value(name, value) for name, value in (spoken.values or {}).items()}
    translated = gettext(spoken.text)
    return translated % values if values else translated.replace("%%", "%")


def price_sentence(fen_per_t: int | None, payer: str, payee: str) -> str:
    """Say who pays whom; a price above zero is paid by the recycler, below zero by the producer."""
    if fen_per_t is None:
        return gettext("No price: this is a recommendation of a planning round.")
    if fen_per_t == 0:
        return gettext("Nobody pays for the material itself.")
    first, second = (payer, payee) if fen_per_t > 0 else (payee, payer)
    return gettext(
        "%(payer)s pays %(payee)s %(yuan)s yuan per tonne", payer=first, payee=second, yuan=yuan(abs(fen_per_t))
    )


FILTERS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        tonnes, tonnes2, tonnes_exact, yuan, yuan_exact, percent, km, month, months, instant, second, day, measure, dash, named,
        pick, legal_status, unit, say, price_sentence,
    )
}  # fmt: skip
FILTERS |= {
    "material": material,
    "waste_code": waste_code,
    "property": property_name,
    "route": route,
    "place": place,
    "yuan_per_t": yuan,
}


def install(app: Flask) -> None:
    """Make the filters known to the templates."""
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(price_sentence=price_sentence, pick=pick)
