"""`{% load bureau %}`: how the bureau writes money, times and form controls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from django import template
from django.forms import BoundField, CheckboxSelectMultiple, RadioSelect
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from bureau.common import clock, fields, money, words
from bureau.common.sports import Sport

register = template.Library()

_DRAWINGS: dict[str, str] = {
    Sport.BADMINTON: "badminton",
    Sport.BASKETBALL: "basketball",
    Sport.TABLE_TENNIS: "tabletennis",
    Sport.TENNIS: "tennis",
    Sport.FOOTBALL: "football",
    Sport.VOLLEYBALL: "badminton",
    Sport.SWIMMING: "pool",
    Sport.ATHLETICS: "track",
    Sport.FITNESS: "fitness",
    Sport.CLIMBING: "fitness",
    Sport.SKIING: "track",
    Sport.DIVING: "pool",
}
_ICONS: dict[str, str] = {
    Sport.BADMINTON: "badminton",
    Sport.BASKETBALL: "ball",
    Sport.FOOTBALL: "ball",
    Sport.VOLLEYBALL: "ball",
    Sport.SWIMMING: "swim",
    Sport.DIVING: "swim",
    Sport.ATHLETICS: "run",
    Sport.FITNESS: "fitness",
    Sport.CLIMBING: "fitness",
}


@register.filter
def yuan(fen: int) -> str:
    """4500 -> "¥45"; 0 -> "Free"; -500 -> "-¥5"."""
    if fen == 0:
        return _("Free")
    return f"-¥{money.yuan(-fen)}" if fen < 0 else f"¥{money.yuan(fen)}"


@register.filter
def price_from(fen: int) -> str:
    """The cheapest hour: `from ¥30 an hour`, or that there are free ones."""
    if fen == 0:
        return _("Free hours")
    return _("from %(price)s an hour") % {"price": yuan(fen)}


@register.filter
def amount(fen: int) -> str:
    """As `yuan`, where nothing is free but a sum may be zero: 0 -> "¥0"."""
    return yuan(fen) if fen else "¥0"


@register.filter
def listed(items: Iterable[object]) -> str:
    """The items with the commas of the language between them."""
    return words.listed(items)


@register.filter(is_safe=True)
def run_on(text: str) -> str:
    """Sentences as the language puts them together: `{% filter run_on %}`."""
    return words.run_on(" ".join(text.split()))


@register.filter
def clock_text(minute_of_day: int) -> str:
    """570 -> "09:30"."""
    return fields.clock_text(minute_of_day)


@register.filter
def day_name(day: date) -> str:
    """Today, Tomorrow, or the day of the week."""
    away = (day - clock.today()).days
    if away in (0, 1):
        return [_("Today"), _("Tomorrow")][away]
    return weekday(day)


@register.filter
def weekday(day: date) -> str:
    """The short day of the week: Sat."""
    return date_format(day, "D")


@register.filter
def month(day: date) -> str:
    """The short month: Nov; in Chinese by its number, as people write it."""
    # Translators: a format of Django's date filter: "M" is Nov.
    return date_format(day, pgettext("date format", "M"))


@register.filter
def distance(metres: float) -> str:
    """350 -> "350 m"; 1234 -> "1.2 km"."""
    if metres < 995:
        return _("%(number)s m") % {"number": round(metres / 10) * 10}
    return _("%(number)s km") % {"number": f"{metres / 1000:.1f}"}


@register.filter
def duration(minutes: int) -> str:
    """120 -> "2 hours", 90 -> "90 minutes", 2880 -> "2 days"."""
    days, hours = minutes // 1440, minutes // 60
    if days and minutes % 1440 == 0:
        return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
    if hours and minutes % 60 == 0:
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}


@register.filter
def court_image(sports: Sequence[str]) -> str:
    """The drawing, under static, of a court of the first of these sports."""
    return f"img/court-{_DRAWINGS.get(sports[0] if sports else '', 'track')}.svg"


@register.filter
def sport_icon(sport: str) -> str:
    """The symbol of a sport in icons/sprite.svg."""
    return _ICONS.get(sport, "court")


@register.filter
def is_choices(field: BoundField) -> bool:
    """Whether the field is a group of radio buttons or check boxes."""
    return isinstance(field.field.widget, CheckboxSelectMultiple | RadioSelect)


@register.filter
def control(field: BoundField) -> SafeString:
    """The field's control in the portal's look."""
    given = field.field.widget.attrs.get("class", "")
    return field.as_widget(attrs={"class": f"input {given}".strip()})
