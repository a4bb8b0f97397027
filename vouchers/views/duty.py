"""Who stands at which counter, before anything is done there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from bureau.accounts.http import SignedInRequest
from bureau.common.errors import DomainError
from vouchers.http import current_device, keep_device
from vouchers.models import Device, Member, Shop
from vouchers.queries.counter import (
    CounterPost,
    counters_of_person,
)


@dataclass(frozen=True)
class Duty:
    """Who stands at which counter, and with which device."""

    member: Member
    shop: Shop
    device: Device
    key: str
    """What the device keeps in its cookie."""
    has_several: bool
    """Whether the person serves other counters, too."""


View = Callable[..., HttpResponse]


def on_duty(view: View) -> View:
    """For who serves a counter: the only one, or the one that was chosen."""

    @wraps(view)
    @login_required
    def find(request: SignedInRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        posts = posts_of(request)
        chosen = _chosen(request, posts)
        if chosen is None:
            return render(request, "vouchers/counter/shops.html", {"posts": posts})
        try:
            device, key = current_device(request, chosen.member)
        except DomainError as blocked:
            return show_blocked(request, chosen.shop, blocked)
        duty = Duty(chosen.member, chosen.shop, device, key, len(posts) > 1)
        response = view(request, duty, *args, **kwargs)
        keep_device(response, key)
        return response

    return never_cache(find)


def show_blocked(
    request: HttpRequest, shop: Shop, blocked: DomainError
) -> HttpResponse:
    return render(
        request,
        "vouchers/counter/blocked.html",
        {"shop": shop, "refusal": blocked},
        status=HTTPStatus.FORBIDDEN,
    )


def posts_of(request: SignedInRequest) -> list[CounterPost]:
    """The counters that a person serves; whoever serves none has no business here."""
    posts = counters_of_person(request.user)
    if not posts:
        raise PermissionDenied
    return posts


def _chosen(request: HttpRequest, posts: list[CounterPost]) -> CounterPost | None:
    number = request.session.get("counter_shop", "")
    known = {post.shop.number: post for post in posts}
    return known.get(number) or (posts[0] if len(posts) == 1 else None)
