"""For whom a page is meant: the person who asks, or somebody of their family."""

from __future__ import annotations

from typing import cast

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from bureau.accounts.models import Dependant, User


def person_of(request: HttpRequest) -> User:
    """Who asks; behind `login_required`.

    The person's row itself: what Django hands out looks it up again at every touch.
    """
    user = request.user
    if isinstance(user, SimpleLazyObject) and user.pk:
        user = vars(user)["_wrapped"]
    return cast("User", user)


def dependant_asked(request: HttpRequest, person: User) -> Dependant | None:
    """The family member in `?for=`; a stranger's is not found."""
    if not (asked := request.GET.get("for", "")):
        return None
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 18):
        raise Http404
    dependant: Dependant = get_object_or_404(
        Dependant.objects.of(person), pk=int(asked)
    )
    return dependant


def family_links(
    request: HttpRequest, person: User, chosen: Dependant | None
) -> list[tuple[str, str, bool]]:
    """(name, address, is chosen) of everybody to book for; empty when alone."""
    family = list(Dependant.objects.of(person).order_by("pk"))
    if not family:
        return []
    links = [(_("Myself"), _address(request, None), chosen is None)]
    links += [
        (row.masked_name, _address(request, row), row == chosen) for row in family
    ]
    return links


def _address(request: HttpRequest, dependant: Dependant | None) -> str:
    asked = request.GET.copy()
    asked.pop("for", None)
    if dependant:
        asked["for"] = str(dependant.pk)
    return f"?{asked.urlencode()}"
