"""What businesses send: their facts, shops and people; what people look for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.gis.geos import Point
from django.utils.translation import gettext_lazy as _

from bureau.common import geo
from bureau.common.geo import Datum
from bureau.common.sports import Sport
from bureau.regions.models import District
from venues.forms import PlaceField
from vouchers.actions import Invitation, MerchantFacts, ShopFacts
from vouchers.models import Campaign, Member, Merchant, MerchantChange, Shop
from vouchers.queries.shops import Box, ShopWish

_CAPITALS = {"autocomplete": "off", "autocapitalize": "characters"}


# --- The business ---------------------------------------------------------------------


class MerchantForm(forms.Form):
    """What a business says of itself."""

    name = forms.CharField(label=_("Name on the licence"), max_length=120)
    credit_code = forms.CharField(
        label=_("Unified social credit code"),
        help_text=_("18 digits and capital letters, as on the licence."),
        max_length=30,
        widget=forms.TextInput(attrs=_CAPITALS),
    )
    licence = forms.FileField(
        label=_("Photo of the business licence"),
        help_text=_("JPEG, PNG or HEIC. Only staff of the bureau see it."),
        widget=forms.FileInput(attrs={"accept": "image/*"}),
    )
    sports = forms.MultipleChoiceField(
        label=_("Sports that you offer"),
        choices=Sport.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    permit_number = forms.CharField(
        label=_("Number of the permit for high-risk sports"),
        help_text=_("Only for swimming, skiing, climbing and diving."),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs=_CAPITALS),
    )
    permit_until = forms.DateField(
        label=_("Permit valid until"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )
    permit = forms.FileField(
        label=_("Photo of the permit"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/*"}),
    )
    bank_name = forms.CharField(
        label=_("Bank and branch"),
        help_text=_("The bureau settles to this account."),
        max_length=80,
    )
    account_name = forms.CharField(label=_("Name of the account"), max_length=120)
    account_number = forms.CharField(
        label=_("Number of the account"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )

    def __init__(
        self, *args: Any, known: Merchant | MerchantChange | None = None, **kwargs: Any
    ) -> None:
        """With what is `known`, photos and the account's number may be left out."""
        if known is not None:
            names = ("name", "credit_code", "sports", "permit_number", "permit_until")
            kwargs["initial"] = {
                name: getattr(known, name)
                for name in (*names, "bank_name", "account_name")
            }
        super().__init__(*args, **kwargs)
        if known is not None:
            self.fields["licence"].required = False
            self.fields["account_number"].required = False
            self.fields["account_number"].help_text = _(
                "We have %(number)s. Leave it empty to keep it."
            ) % {"number": known.masked_account}

    @property
    def facts(self) -> MerchantFacts:
        given = self.cleaned_data
        return MerchantFacts(
            name=given["name"],
            credit_code=given["credit_code"],
            sports=tuple(given["sports"]),
            permit_number=given["permit_number"],
            permit_until=given["permit_until"],
            bank_name=given["bank_name"],
            account_name=given["account_name"],
            account_number=given["account_number"],
        )


class ShopForm(forms.Form):
    """A place with a counter; `location` is of the datum that is named beside it."""

    shop_name = forms.CharField(label=_("Name of the shop"), max_length=120)
    address = forms.CharField(label=_("Address"), max_length=200)
    place = forms.CharField(
        label=_("Where it is on the map"),
        help_text=_(
            "Latitude and longitude, such as 35.41500,116.58700. The map and your "
            "phone can fill this in."
        ),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "text"}),
    )
    datum = forms.ChoiceField(
        label=_("Where these numbers come from"),
        choices=Datum.choices,
        initial=Datum.WGS84,
    )
    shop_phone = forms.CharField(
        label=_("Telephone of the shop"),
        max_length=24,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "tel"}),
    )

    def clean_place(self) -> Point:
        found = geo.parse_place(self.cleaned_data["place"].replace(" ", ""))
        if found is None:
            raise forms.ValidationError(
                _("Write it as 35.41500,116.58700, or put the pin on the map."),
                code="place",
            )
        return found

    @property
    def shop(self) -> ShopFacts:
        given = self.cleaned_data
        typed: Point = given["place"]
        return ShopFacts(
            name=given["shop_name"],
            address=given["address"],
            phone=given["shop_phone"],
            location=geo.point(typed.x, typed.y, given["datum"]),
            sports=tuple(given.get("shop_sports", ())),
        )


class OwnShopForm(ShopForm):
    """A shop of a known business, which may offer fewer sports than it."""

    shop_sports = forms.MultipleChoiceField(
        label=_("Sports there"), widget=forms.CheckboxSelectMultiple
    )

    def __init__(
        self,
        *args: Any,
        merchant: Merchant,
        shop: Shop | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs["initial"] = {"shop_sports": merchant.sports}
        if shop is not None:
            kwargs["initial"] = {
                "shop_name": shop.name,
                "address": shop.address,
                "place": f"{shop.location.y:.6f},{shop.location.x:.6f}",
                "shop_phone": shop.phone,
                "shop_sports": shop.sports,
            }
        super().__init__(*args, **kwargs)
        offered = [(code, Sport(code).label) for code in merchant.sports]
        self.fields["shop_sports"].choices = offered  # type: ignore[attr-defined]


class ApplicationForm(ShopForm, MerchantForm):
    """A business and its first shop, on one page."""

    field_order = (
        "name",
        "credit_code",
        "licence",
        "sports",
        "permit_number",
        "permit_until",
        "permit",
        "shop_name",
        "address",
        "place",
        "datum",
        "shop_phone",
        "bank_name",
        "account_name",
        "account_number",
    )


# --- People ---------------------------------------------------------------------------


class MemberForm(forms.Form):
    """Somebody's name at work, role and counters."""

    name = forms.CharField(label=_("Name at work"), max_length=40)
    role = forms.ChoiceField(
        label=_("Role"),
        choices=Member.Role.choices,
        initial=Member.Role.CLERK,
        help_text=_("Managers also refund, see statements and name people."),
    )
    shops = forms.ModelMultipleChoiceField(
        label=_("Counters"),
        queryset=Shop.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None marked: all shops."),
    )

    def __init__(
        self,
        *args: Any,
        merchant: Merchant,
        member: Member | None = None,
        **kwargs: Any,
    ) -> None:
        if member is not None:
            kwargs["initial"] = {
                "name": member.name,
                "role": member.role,
                "shops": [shop.pk for shop in member.shops.all()],
            }
        super().__init__(*args, **kwargs)
        own = merchant.shops.order_by("name", "pk")
        self.fields["shops"].queryset = own  # type: ignore[attr-defined]


class InvitationForm(MemberForm):
    phone = forms.CharField(
        label=_("Mobile number"),
        max_length=20,
        help_text=_("Only this number can take the invitation."),
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    field_order = ("phone", "name", "role", "shops")

    @property
    def invitation(self) -> Invitation:
        given = self.cleaned_data
        return Invitation(
            phone=given["phone"],
            name=given["name"],
            role=given["role"],
            shops=list(given["shops"]),
        )


# --- Where vouchers are taken ---------------------------------------------------------


class ShopFilter(forms.Form):
    """What somebody looks for; it lives in the address, so that it can be shared."""

    q = forms.CharField(label=_("Name or address"), max_length=60, required=False)
    sport = forms.ChoiceField(
        label=_("Sport"), choices=[("", _("All")), *Sport.choices], required=False
    )
    district = forms.ModelChoiceField(
        label=_("District"),
        queryset=District.objects.defer("boundary").in_order(),
        to_field_name="code",
        empty_label=_("All districts"),
        required=False,
    )
    campaign = forms.ModelChoiceField(
        label=_("Campaign"),
        queryset=Campaign.objects.public(),
        to_field_name="slug",
        empty_label=_("Any campaign"),
        required=False,
    )
    near = PlaceField(
        label=_("Near me"), max_length=40, required=False, widget=forms.HiddenInput
    )

    def wish(self, *, box: Box | None = None) -> ShopWish:
        """What was asked for; only of a valid form."""
        asked = self.cleaned_data
        return ShopWish(
            sports=(asked["sport"],) if asked["sport"] else (),
            district=asked["district"].code if asked["district"] else "",
            words=asked["q"],
            campaign=asked["campaign"],
            near=asked["near"],
            box=box,
        )


class ShopMapQuery(ShopFilter):
    """What a map asks for: the viewport in degrees, the zoom, and the filters."""

    bbox = forms.CharField(max_length=120)
    zoom = forms.IntegerField(min_value=0, max_value=22)

    def clean_bbox(self) -> Box:
        try:
            west, south, east, north = (
                float(part) for part in self.cleaned_data["bbox"].split(",")
            )
        except ValueError as wrong:
            raise self._no_box() from wrong
        # A map that was dragged around the world asks for more than 180 degrees.
        if not (-720 <= west < east <= 720 and -90 <= south < north <= 90):
            raise self._no_box()
        return max(west, -180.0), south, min(east, 180.0), north

    def _no_box(self) -> forms.ValidationError:
        return forms.ValidationError(
            _("bbox must be west,south,east,north in degrees."), code="bbox"
        )
