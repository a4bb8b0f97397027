from __future__ import annotations

from typing import Any

from django import template
from django.middleware.csrf import get_token
from django.template.context import RequestContext

from bureau.accounts.models import User
from venues.models import Venue
from venues.queries import favourite_ids

register = template.Library()


@register.inclusion_tag("components/heart.html", takes_context=True)
def heart(
    context: RequestContext, venue: Venue, form: str = "", *, words: bool = False
) -> dict[str, Any]:
    """The button that keeps a venue among the person's favourites.

    Inside another form give `form`, the id of one that stands outside: `heart_form`.
    A page of hearts asks the database once.
    """
    request = context.request
    kept: frozenset[int] | None = getattr(request, "favourite_ids", None)
    if kept is None:
        user = request.user
        kept = favourite_ids(user) if isinstance(user, User) else frozenset()
        request.favourite_ids = kept  # type: ignore[attr-defined]
    return {
        "venue": venue,
        "is_kept": venue.pk in kept,
        "is_signed_in": request.user.is_authenticated,
        "form": form,
        "words": words,
        "next": request.get_full_path(),
        "csrf_token": get_token(request),
    }
