"""All shops on one map, also those that are closed or wait to be looked at."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import action

from bureau.accounts.models import User
from venues.admin.scope import StaffRequest
from vouchers.forms.merchants import ShopMapQuery
from vouchers.models import Merchant, Shop
from vouchers.queries.shops import ShopGroup, group_shops


class ShopMapPages(ModelAdmin):
    """The map beside the list of shops; each sees those of their own districts."""

    def has_map_permission(self, request: HttpRequest, *_args: Any) -> bool:
        user = request.user
        return isinstance(user, User) and user.has_perm("vouchers.view_shop")

    def get_urls(self) -> list[URLPattern]:
        points = path(
            "points.geojson",
            self.admin_site.admin_view(self.points),
            name="vouchers_shop_points",
        )
        return [points, *super().get_urls()]

    @action(
        description=gettext_lazy("Map of shops"),
        url_path="map",
        permissions=["map"],
        icon="map",
    )
    def shops_map(self, request: StaffRequest) -> HttpResponse:
        if not self.has_map_permission(request):
            raise PermissionDenied
        shops = self.get_queryset(request)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Map of shops"),
            "count": shops.count(),
            "waiting": _waiting(shops).select_related("merchant")[:50],
            "tiles": settings.MAP_TILES_URL,
        }
        return TemplateResponse(request, "admin/vouchers/shop_map.html", context)

    def points(self, request: StaffRequest) -> HttpResponse:
        """Shops of a viewport as GeoJSON, near ones as one point with a count."""
        if not self.has_map_permission(request):
            raise PermissionDenied
        form = ShopMapQuery(request.GET)
        if not form.is_valid():
            wrong = {"code": "bad_request", "fields": form.errors}
            return JsonResponse(wrong, status=HTTPStatus.BAD_REQUEST)
        asked = form.cleaned_data
        found = group_shops(
            self.get_queryset(request), box=asked["bbox"], zoom=asked["zoom"]
        )
        return JsonResponse(
            {"type": "FeatureCollection", "features": [_feature(one) for one in found]},
            content_type="application/geo+json",
        )


def _waiting(shops: QuerySet[Shop]) -> QuerySet[Shop]:
    return shops.filter(
        waits_since__isnull=False, merchant__state=Merchant.State.APPROVED
    ).order_by("waits_since", "pk")


def _feature(group: ShopGroup) -> dict[str, Any]:
    properties: dict[str, Any] = {"count": group.count}
    if shop := group.shop:
        merchant = shop.merchant
        properties |= {
            "name": shop.name,
            "url": reverse("admin:vouchers_shop_change", args=[shop.pk]),
            "text": f"{merchant}, {merchant.get_state_display()}",
            "badge": _badge(shop),
        }
    place = [round(group.longitude, 6), round(group.latitude, 6)]
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": place},
        "properties": properties,
    }


def _badge(shop: Shop) -> str:
    if shop.waits_since:
        return _("This shop waits for staff to look at it.")
    if shop.is_open:
        return _("This shop takes vouchers.")
    return _("This shop is closed for vouchers.")
