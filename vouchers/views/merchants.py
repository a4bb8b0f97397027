"""Where vouchers are taken, and how a business comes to take them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from bureau.accounts.http import SignedInRequest
from bureau.accounts.queries import is_verified
from bureau.common import clock, codes
from bureau.common.errors import DomainError
from bureau.common.sports import Sport
from bureau.regions.queries import outline
from vouchers import actions, queries
from vouchers.errors.merchants import InvitationOfAnother
from vouchers.forms.merchants import ApplicationForm, ShopFilter, ShopMapQuery
from vouchers.models import Member, Merchant
from vouchers.queries.shops import ShopPoint

PER_PAGE = 20
ON_THE_MAP = 30
FURTHEST_PAGE = 500


# --- Where vouchers are taken ---------------------------------------------------------


@require_safe
def shop_list(request: HttpRequest) -> HttpResponse:
    form = ShopFilter(request.GET)
    if not form.is_valid():
        context = {"form": form, "shops": [], "count": 0, **_choices(form, request)}
        return render(
            request,
            "vouchers/merchants/shops.html",
            context,
            status=HTTPStatus.BAD_REQUEST,
        )
    wish, now, page = form.wish(), clock.now(), _page(request)
    count = queries.count_shops(wish, at=now)
    last = max(1, -(-count // PER_PAGE))
    if page > last:
        raise Http404
    context = {
        "form": form,
        "shops": queries.find_shops(
            wish, at=now, limit=PER_PAGE, offset=(page - 1) * PER_PAGE
        ),
        "count": count,
        "number": page,
        "last": last,
        "before": page - 1,
        "after": page + 1 if page < last else 0,
        **_choices(form, request),
    }
    return render(request, "vouchers/merchants/shops.html", context)


def _page(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= FURTHEST_PAGE):
        raise Http404
    return int(text)


def _choices(form: ShopFilter, request: HttpRequest) -> dict[str, Any]:
    """What the filters offer, and which of them are in use."""
    return {
        "sports": Sport.choices,
        "sport": form["sport"].value() or "",
        "near": form["near"].value() or "",
        "kept": [
            (name, request.GET[name])
            for name in ("sport", "near")
            if request.GET.get(name)
        ],
        "used": [name for name in form.fields if form[name].value()],
    }


@require_safe
def shop_map(request: HttpRequest) -> HttpResponse:
    form = ShopFilter(request.GET)
    if not form.is_valid():
        raise Http404
    wish, now = form.wish(), clock.now()
    context = {
        "form": form,
        "shops": queries.find_shops(wish, at=now, limit=ON_THE_MAP),
        "count": queries.count_shops(wish, at=now),
        "outline": outline(),
        "district_url": f"{reverse('vouchers:shops')}?district=",
        "tiles": settings.MAP_TILES_URL,
        **_choices(form, request),
    }
    return render(request, "vouchers/merchants/map.html", context)


@require_safe
@never_cache
def points(request: HttpRequest) -> HttpResponse:
    """Shops of a viewport as GeoJSON, near ones as one point with a count."""
    form = ShopMapQuery(request.GET)
    if not form.is_valid():
        wrong = {
            "code": "bad_request",
            "message": _("We could not read this."),
            "fields": form.errors,
        }
        return JsonResponse(wrong, status=HTTPStatus.BAD_REQUEST)
    asked = form.cleaned_data
    found = queries.shop_points(
        form.wish(box=asked["bbox"]), zoom=asked["zoom"], at=clock.now()
    )
    return JsonResponse(
        {"type": "FeatureCollection", "features": [_feature(one) for one in found]},
        content_type="application/geo+json",
    )


def _feature(point: ShopPoint) -> dict[str, Any]:
    properties: dict[str, Any] = {"count": point.count}
    if point.number:
        page = reverse("vouchers:merchant", args=[point.merchant_number])
        properties |= {"name": point.name, "url": f"{page}#shop-{point.number}"}
    place = [round(point.longitude, 6), round(point.latitude, 6)]
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": place},
        "properties": properties,
    }


@require_safe
@never_cache
def nearby(request: HttpRequest) -> HttpResponse:
    """The list beside the map: the shops that it shows."""
    form = ShopMapQuery(request.GET)
    if not form.is_valid():
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    wish = form.wish(box=form.cleaned_data["bbox"])
    shops = queries.find_shops(wish, at=clock.now(), limit=ON_THE_MAP)
    context = {"shops": shops, "is_moved": True, "level": "h3"}
    return render(request, "vouchers/merchants/_shops.html", context)


@require_safe
def merchant(request: HttpRequest, number: str) -> HttpResponse:
    """A business that takes vouchers, for everybody; others are not there."""
    shown = get_object_or_404(
        Merchant.objects.approved(), number=codes.normalise(number)
    )
    shops = shown.shops.taking_vouchers().select_related("district")
    now = clock.now()
    context = {
        "merchant": shown,
        "shops": shops.order_by("district__position", "name", "pk"),
        "parts": shown.participations.running_at(now).select_related("campaign"),
    }
    return render(request, "vouchers/merchants/merchant.html", context)


# --- Taking part ----------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def apply(request: SignedInRequest) -> HttpResponse:
    """A business and its first shop; staff check both."""
    if not is_verified(request.user):
        return render(request, "vouchers/merchants/apply.html", {"must_verify": True})
    form = ApplicationForm(request.POST or None, request.FILES or None)
    status = HTTPStatus.OK
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = actions.register_merchant(
                facts=form.facts,
                shop=form.shop,
                licence=given["licence"],
                permit=given["permit"],
                by=request.user,
            )
        except DomainError as said_no:
            status = say_no(form, said_no)
        else:
            messages.success(
                request, _("Our staff check your business now. You get a message.")
            )
            return redirect("vouchers:my-merchant", number=made.number)
    elif request.method == "POST":
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    context = {"form": form, "tiles": settings.MAP_TILES_URL}
    return render(request, "vouchers/merchants/apply.html", context, status=status)


_FIELDS = {
    "credit_code_wrong": "credit_code",
    "merchant_code_taken": "credit_code",
    "sports_missing": "sports",
    "permit_missing": "permit",
    "permit_over": "permit_until",
    "account_number_wrong": "account_number",
    "shop_outside_city": "place",
    "shop_named": "shop_name",
    "shop_sport_unknown": "shop_sports",
    "phone_invalid": "phone",
}


def say_no(form: forms.Form, said_no: DomainError) -> HTTPStatus:
    """Beside the field that the refusal is about, where there is one."""
    field = _FIELDS.get(said_no.code)
    if said_no.code.startswith("photo_"):
        field = "licence"
    beside = field if field in form.fields else None
    form.add_error(beside, forms.ValidationError(str(said_no), code=said_no.code))
    return said_no.status


# --- Invited --------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def join(request: SignedInRequest, code: str) -> HttpResponse:
    """Take an invitation, signed in with the number that it was sent to."""
    try:
        member = actions.find_invitation(code=code, by=request.user)
        if request.method == "POST":
            member = actions.accept_invitation(code=code, by=request.user)
    except DomainError as said_no:
        context: dict[str, Any] = {
            "refusal": said_no,
            "is_other_number": isinstance(said_no, InvitationOfAnother),
        }
        return render(
            request, "vouchers/merchants/join.html", context, status=said_no.status
        )
    if member.person_id:
        messages.success(
            request, _("You work for %(merchant)s now.") % {"merchant": member.merchant}
        )
        return redirect("vouchers:my-merchant", number=member.merchant.number)
    context = {"member": member, "is_manager": member.role == Member.Role.MANAGER}
    return render(request, "vouchers/merchants/join.html", context)
