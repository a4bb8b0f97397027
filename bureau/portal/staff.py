"""What django-unfold asks for: the sidebar and the first page of the staff pages."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from bureau.accounts.models import User
from bureau.audit.queries import latest_proof
from bureau.common import clock
from bureau.common.templatetags.bureau import amount
from bureau.portal import queries
from bureau.regions.queries import districts_of
from bureau.workdays.models import CalendarYear
from bureau.workdays.queries import missing_year
from venues.queries import club_work, open_appeals
from vouchers.queries import merchant_work
from vouchers.queries.evidence import flags_in, open_flags, redeemed_today

# App labels by domain, with a symbol of Material Symbols; an app in none of them makes
# its own group at the end.
_ICONS = {
    "venues": "stadium",
    "vouchers": "confirmation_number",
    "payments": "payments",
    "notices": "notifications",
    "photos": "photo_camera",
    "draws": "casino",
    "regions": "map",
    "workdays": "calendar_month",
    "audit": "verified_user",
}
# Tables in the order of the work; others follow by name.
_FIRST = ("Venue", "Bookable", "Campaign", "Merchant", "Payment", "Refund")
# The tables of the venues are too many for one group; a table in none stays with them.
_OF_VENUES: tuple[tuple[Promise, str, tuple[str, ...]], ...] = (
    (
        gettext_lazy("Bookings"),
        "event_available",
        (
            "Booking",
            "BookingChange",
            "WaitingEntry",
            "Ballot",
            "OpenSession",
            "SessionPlan",
        ),
    ),
    (
        gettext_lazy("Clubs"),
        "groups",
        ("Season", "SeasonRequest", "Invoice", "TransferBack", "Club"),
    ),
    (
        pgettext_lazy("at the gate", "Entry"),
        "qr_code_scanner",
        ("EntryPass", "Admission", "Crossing", "GateDevice", "OfflineScan"),
    ),
    (
        gettext_lazy("Conduct"),
        "gavel",
        ("Appeal", "ConductPoint", "Ban", "ConductRule"),
    ),
    (
        gettext_lazy("Prices and public service"),
        "sell",
        (
            "PriceRule",
            "PriceException",
            "MarketPrice",
            "Quota",
            "Programme",
            "ExportRecord",
        ),
    ),
)
_PEOPLE = ("accounts", "auth", "account", "usersessions", "mfa", "knox")


def stylesheet(request: HttpRequest) -> str:  # noqa: ARG001
    return static("css/admin.css")


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sidebar: every table this person may see, grouped by domain."""
    groups = [
        (_("Venues"), ("venues",)),
        (_("Vouchers"), ("vouchers",)),
        (_("Money"), ("payments",)),
        (_("Draws"), ("draws",)),
        (_("People"), _PEOPLE),
        (_("Messages and photos"), ("notices", "photos")),
        (_("City and calendar"), ("regions", "workdays")),
        (_("Control"), ("audit",)),
    ]
    apps = {app["app_label"]: app for app in admin.site.get_app_list(request)}
    home = {"title": _("Today"), "icon": "dashboard", "link": "/admin/"}
    first = [home]
    if request.user.has_perm("venues.view_booking"):
        counted = reverse("admin:venues_venue_statistics")
        first.append({"title": _("Statistics"), "icon": "bar_chart", "link": counted})
    if request.user.has_perm("vouchers.view_hourfigure"):
        moved = reverse("admin:vouchers_hourfigure_dashboard")
        title = _("What the money did")
        first.append({"title": title, "icon": "monitoring", "link": moved})
    sidebar: list[dict[str, Any]] = [{"items": first}]
    parts = _parts_of_venues(apps.get("venues"))
    for title, labels in groups:
        items = [item for label in labels for item in _items(apps.pop(label, None))]
        if items:
            sidebar.append({"title": title, "collapsible": True, "items": items})
        if "venues" in labels:
            sidebar += parts
    return sidebar + [
        {"title": app["name"], "collapsible": True, "items": _items(app)}
        for app in apps.values()
    ]


def _parts_of_venues(app: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Groups of their own for most tables of venues; what is left stays in `app`."""
    if app is None:
        return []
    parts = []
    for title, icon, names in _OF_VENUES:
        models = {
            model["object_name"]: model
            for model in app["models"]
            if model["object_name"] in names and model["admin_url"]
        }
        app["models"] = [one for one in app["models"] if one not in models.values()]
        items = [_item(models[name], icon) for name in names if name in models]
        if items:
            parts.append({"title": title, "collapsible": True, "items": items})
    return parts


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Today's numbers, as far as this person may see them, and the latest proof.

    Who works for some districts sees theirs; money and people count city-wide only.
    """
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - the admin let them in
    now = clock.now()
    mine = districts_of(user)
    day = queries.staff_day_at(now, districts=mine)
    figures: list[tuple[str, str | int, str, str]] = []
    bookings = reverse("admin:venues_booking_changelist")
    if user.has_perm("venues.view_booking"):
        figures += [
            (_("Bookings made today"), day.bookings, _("confirmed"), bookings),
            (_("Slots played today"), day.slots, _("booked"), bookings),
            (
                _("Being paid now"),
                day.held,
                _("holds"),
                f"{bookings}?state__exact=held",
            ),
        ]
        context["chart"] = _chart(mine)
    if user.has_perm("venues.change_appeal") and (waiting := open_appeals(mine)):
        appeals = reverse("admin:venues_appeal_changelist")
        figures.append((_("Open appeals"), waiting, _("to be answered"), appeals))
    figures += _club_figures(user, mine)
    figures += _voucher_figures(user, mine)
    if mine is None and user.has_perm("payments.view_payment"):
        refunded = _("%(amount)s of it refunded") % {"amount": amount(day.refunded_fen)}
        payments = reverse("admin:payments_payment_changelist")
        figures.append((_("Paid today"), amount(day.paid_fen), refunded, payments))
    if mine is None and user.has_perm("accounts.view_user"):
        people = reverse("admin:accounts_user_changelist")
        figures.append((_("New people today"), day.new_people, _("accounts"), people))
    figures += _calendar_figures(user)
    context |= {"figures": figures, "as_of": now}
    if user.has_perm("audit.view_proofrun"):
        context |= {"may_see_proof": True, "proof": latest_proof()}
    return context


def _club_figures(
    user: User, districts: set[int] | None
) -> list[tuple[str, str | int, str, str]]:
    """What clubs wait for; nothing where they wait for nothing."""
    if not user.has_perm("venues.change_club"):
        return []
    unchecked, back = club_work(districts)
    clubs = reverse("admin:venues_club_changelist") + "?is_approved__exact=0"
    transfers = reverse("admin:venues_transferback_changelist")
    figures: list[tuple[str, str | int, str, str]] = []
    if unchecked:
        figures.append((_("Clubs to check"), unchecked, _("registered"), clubs))
    if back:
        what = _("to clubs, to be made")
        figures.append((_("Transfers back"), back, what, transfers))
    return figures


def _voucher_figures(
    user: User, districts: set[int] | None
) -> list[tuple[str, str | int, str, str]]:
    """What was redeemed today, and what the radar found; nothing where nothing is."""
    figures: list[tuple[str, str | int, str, str]] = []
    if user.has_perm("vouchers.view_hourfigure"):
        used, fen = redeemed_today(districts, on=clock.today())
        moved = reverse("admin:vouchers_hourfigure_dashboard")
        if used:
            bills = _("bills of %(amount)s") % {"amount": amount(fen)}
            figures.append((_("Vouchers used today"), used, bills, moved))
    if user.has_perm("vouchers.view_flag"):
        waiting = open_flags(flags_in(districts))
        flags = reverse("admin:vouchers_flag_changelist") + "?state__exact=open"
        if waiting.flags:
            held = _("%(amount)s held") % {"amount": amount(waiting.held_fen)}
            figures.append((_("Open flags"), waiting.flags, held, flags))
    if user.has_perm("vouchers.decide_merchant") and (
        asked := merchant_work(districts)
    ):
        merchants = reverse("admin:vouchers_merchant_changelist")
        what = _("applications, changes, shops")
        figures.append((_("Merchants to check"), asked, what, merchants))
    return figures


def _calendar_figures(user: User) -> list[tuple[str, str | int, str, str]]:
    """The year without holidays: hours and prices take its feasts for plain days."""
    if not user.has_perm("workdays.add_calendaryear"):
        return []
    year = missing_year(on=clock.today())
    if year is None:
        return []
    form = f"{reverse('admin:workdays_calendaryear_add')}?year={year}"
    label = capfirst(str(CalendarYear._meta.verbose_name))
    note = _("The public holidays of this year are not entered yet.")
    return [(label, str(year), note, form)]


def _items(app: dict[str, Any] | None) -> list[dict[str, Any]]:
    if app is None:
        return []
    icon = _ICONS.get(app["app_label"], "group")
    first = {name: place for place, name in enumerate(_FIRST)}
    models = sorted(
        app["models"], key=lambda model: first.get(model["object_name"], len(first))
    )
    return [_item(model, icon) for model in models if model["admin_url"]]


def _item(model: dict[str, Any], icon: str) -> dict[str, Any]:
    return {"title": model["name"], "icon": icon, "link": model["admin_url"]}


def _chart(districts: set[int] | None) -> str:
    """Booked slots a day, a week back and a week ahead, for Chart.js."""
    days = queries.slots_by_day(clock.today(), districts=districts)
    return json.dumps(
        {
            "labels": [date_format(day, "m-d") for day, _count in days],
            "datasets": [
                {
                    "label": ngettext("Booked slot", "Booked slots", 2),
                    "data": [count for _day, count in days],
                    "backgroundColor": "#1b8462",
                }
            ],
        }
    )
