"""Shops of the reader's districts, and whether they are where they are said to be."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display

from bureau.audit.admin import ReadOnly
from venues.admin.pages import ask
from venues.admin.places import PinWidget, SportFilter
from venues.admin.scope import ScopedAdmin, StaffRequest
from vouchers import actions
from vouchers.admin.merchants.deciding import Decides
from vouchers.admin.shop_map import ShopMapPages
from vouchers.forms.staff_merchants import SeenShop
from vouchers.models import Shop


@admin.register(Shop)
class ShopAdmin(ShopMapPages, Decides, ReadOnly, ScopedAdmin):
    """Shops of the reader's districts; new and moved ones first."""

    district_path = "district"
    list_display = ["name", "merchant", "district", "address", "is_open", "waits_since"]
    list_filter = [
        ("waits_since", admin.EmptyFieldListFilter),
        "is_open",
        SportFilter,
        ("district", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["merchant", "district"]
    search_fields = ["name", "address", "merchant__name", "=number"]
    ordering = ["waits_since", "merchant__name", "name", "pk"]  # NULL is the greatest
    fields = readonly_fields = [
        "number",
        "name",
        "merchant",
        "district",
        "address",
        "phone",
        "place",
        "sports_text",
        "is_open",
        "waits_since",
    ]
    actions_list = ["shops_map"]
    actions_detail = ["look"]

    @display(description=gettext_lazy("latitude, longitude (WGS-84)"))
    def place(self, shop: Shop) -> str:
        return shop.centre

    @display(description=gettext_lazy("sports"))
    def sports_text(self, shop: Shop) -> str:
        return ", ".join(shop.sport_labels)

    @action(
        description=gettext_lazy("On the map, and check"),
        url_path="look",
        permissions=["decide"],
    )
    def look(self, request: StaffRequest, object_id: str) -> HttpResponse:
        """Where it is; a shop that waits is let in."""
        shop: Shop = self.get_object(request, object_id)
        initial = {
            "seen_at": shop.waits_since.isoformat() if shop.waits_since else "",
            "location": shop.location,
        }

        def act(given: dict[str, Any]) -> tuple[str, Shop]:
            shop.waits_since = given["seen_at"]
            actions.check_shop(shop=shop, by=request.user)
            return _("The shop takes vouchers."), shop

        nonce = getattr(request, "csp_nonce", None)
        return ask(
            self,
            request,
            row=shop,
            title=_("Check: %(shop)s") % {"shop": shop},
            form=SeenShop(
                request.POST or None, initial=initial, pin=PinWidget, nonce=nonce
            ),
            lead=f"{shop.merchant}: {shop.district}, {shop.address} ({shop.centre})",
            button=_("The shop takes vouchers"),
            act=act,
        )
