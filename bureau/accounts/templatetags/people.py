"""`{% load people %}`: persons as others may see them."""

from __future__ import annotations

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import Eligibility
from bureau.common import masking

register = template.Library()

# Marks in a user agent, the telling ones first: nearly all claim to be Safari as well.
_BROWSERS: tuple[tuple[str, str | Promise], ...] = (
    ("MicroMessenger", _("WeChat")),
    ("AlipayClient", _("Alipay")),
    ("Edg", "Edge"),
    ("HuaweiBrowser", "Huawei"),
    ("MQQBrowser", "QQ"),
    ("UCBrowser", "UC"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS: tuple[tuple[str, str | Promise], ...] = (
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)

_GROUPS: dict[str, str | Promise] = {
    "senior": _("60 and older"),
    "minor": _("under 18"),
    **dict(Eligibility.Kind.choices),
}


@register.filter
def masked_phone(phone: str | None) -> str:
    """13812341234 -> 138****1234."""
    return masking.masked_phone(phone)


@register.filter
def masked_name(name: str) -> str:
    """张三 -> 张*."""
    return masking.masked_name(name)


@register.filter
def masked_id_number(number: str) -> str:
    """11010519491231002X -> 1101**********002X."""
    return masking.masked_id_number(number)


@register.filter
def device_name(user_agent: str) -> str:
    """What a browser says of itself, as a person would: "Chrome · Android"."""
    parts = [_first_in(user_agent, _BROWSERS), _first_in(user_agent, _SYSTEMS)]
    return " · ".join(str(part) for part in parts if part) or user_agent[:60] or "–"


def _first_in(
    user_agent: str, names: tuple[tuple[str, str | Promise], ...]
) -> str | Promise:
    return next((name for mark, name in names if mark in user_agent), "")


@register.filter
def group_name(group: str) -> str:
    """The words for one of `queries.eligible_groups`."""
    return str(_GROUPS.get(group, group))
