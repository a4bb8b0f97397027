from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.template import TemplateDoesNotExist

from bureau.accounts.models import User
from bureau.notices.models import Channel, Kind, Mute, Notice, all_kinds, kind_named


@dataclass(frozen=True)
class Letter:
    """A notice as its recipient reads it, in the language of the page."""

    notice: Notice
    subject: str
    body: str
    url: str  # a page of ours, or empty


@dataclass(frozen=True)
class Wish:
    """Whether a person wants a kind of notice by a channel."""

    kind: Kind
    channel: Channel
    is_wanted: bool


def letters(notices: Iterable[Notice]) -> list[Letter]:
    return [letter_of(notice) for notice in notices]


def letter_of(notice: Notice) -> Letter:
    url = str(notice.context.get("url", ""))
    # Only a path on this portal: no scheme, and no "//other.example".
    ours = url if url.startswith("/") and not url.startswith("//") else ""
    try:
        subject, body = notice.text("subject"), notice.text("body")
    except TemplateDoesNotExist:
        # Of an app that has been taken out; old messages stay readable by name.
        return Letter(notice, _label_of(notice.kind), "", ours)
    return Letter(notice, " ".join(subject.split()), body, ours)


def unread_count(user: User) -> int:
    return Notice.objects.visible_to(user).unread().count()


def wishes_of(user: User) -> list[Wish]:
    """Every kind and channel that a person can turn off, and what was chosen."""
    muted = set(Mute.objects.of(user).values_list("kind", "channel"))
    return [
        Wish(kind, channel, (kind.name, channel.value) not in muted)
        for kind in all_kinds()
        if not kind.necessary
        for channel in kind.channels
    ]


def necessary_kinds() -> list[Kind]:
    """Those that cannot be turned off and leave the inbox."""
    return [kind for kind in all_kinds() if kind.necessary and kind.channels]


def _label_of(name: str) -> str:
    try:
        return str(kind_named(name).label)
    except ImproperlyConfigured:
        return name
