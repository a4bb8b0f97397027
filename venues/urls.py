from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from venues.views import (
    bookings,
    calendar,
    changes,
    companions,
    conduct,
    desk,
    favourites,
    gate,
    offline,
    passes,
    public,
    sessions,
    waiting,
)

app_name = "venues"
urlpatterns: list[URLPattern | URLResolver] = [
    path("venues/", public.venue_list, name="list"),
    path("venues/map/", public.venue_map, name="map"),
    path("venues/points.geojson", public.points, name="points"),
    path("venues/<slug:code>/", public.venue, name="venue"),
    path("venues/<slug:code>/book/", bookings.book, name="book"),
    path("venues/<slug:code>/slot/", waiting.slot, name="slot"),
    path("waiting/", waiting.waiting, name="waiting"),
    path("waiting/<int:entry_id>/leave/", waiting.leave, name="waiting-leave"),
    path("bookings/<slug:number>/change/", changes.change, name="change"),
    path(
        "bookings/<slug:number>/change/confirm/",
        changes.confirm_change,
        name="change-confirm",
    ),
    path(
        "bookings/<slug:number>/change/drop/", changes.drop_change, name="change-drop"
    ),
    path("bookings/<slug:number>/accept/", waiting.accept, name="accept"),
    path("bookings/<slug:number>/decline/", waiting.decline, name="decline"),
    path(
        "venues/<slug:code>/sessions/<int:pk>/", sessions.session, name="session"
    ),
    path("conduct/", conduct.conduct, name="conduct"),
    path("conduct/<int:pk>/appeal/", conduct.appeal, name="appeal"),
    path("bookings/", bookings.booking_list, name="bookings"),
    path("bookings/<slug:number>/", bookings.booking, name="booking"),
    path("bookings/<slug:number>/cancel/", bookings.cancel, name="cancel"),
    path("bookings/<slug:number>/pass/", passes.entry_pass, name="pass"),
    path("bookings/<slug:number>/pass/qr.svg", passes.pass_qr, name="pass-qr"),
    path("bookings/<slug:number>/pass/now.json", passes.pass_now, name="pass-now"),
    path(
        "bookings/<slug:number>/companions/", companions.companions, name="companions"
    ),
    path("bookings/<slug:number>/invite.svg", companions.invite_qr, name="invite-qr"),
    path("j/<slug:code>/", companions.invite, name="invite"),
    path("together/<slug:number>/", companions.together, name="together"),
    path("together/<slug:number>/leave/", companions.leave, name="together-leave"),
    path("together/<slug:number>/pass/", passes.companion_pass, name="together-pass"),
    path(
        "together/<slug:number>/pass/qr.svg",
        passes.companion_pass_qr,
        name="together-pass-qr",
    ),
    path(
        "together/<slug:number>/pass/now.json",
        passes.companion_pass_now,
        name="together-pass-now",
    ),
    path("favourites/", favourites.favourites, name="favourites"),
    path("venues/<slug:code>/favourite/", favourites.favourite, name="favourite"),
    path("calendar/", calendar.calendar, name="calendar"),
    path("calendar/address/", calendar.make_feed, name="calendar-make"),
    path("calendar/address/revoke/", calendar.revoke_feed, name="calendar-revoke"),
    path("calendar/<slug:code>.ics", calendar.feed, name="calendar-feed"),
    path(
        "bookings/<slug:number>/booking.ics", calendar.booking_file, name="booking-ics"
    ),
    path(
        "together/<slug:number>/booking.ics",
        calendar.together_file,
        name="together-ics",
    ),
    path("p/<slug:code>", gate.scanned, name="scanned"),
    path("gate/", gate.gate, name="gate"),
    path("gate/venue/", gate.choose_venue, name="gate-venue"),
    path("gate/admit/", gate.admit, name="gate-admit"),
    path("gate/decode/", gate.decode, name="gate-decode"),
    path("gate/count/", gate.count, name="gate-count"),
    path("gate/set-up/", gate.set_up, name="gate-set-up"),
    path("gate/sw.js", offline.service_worker, name="gate-sw"),
    path("gate/app.webmanifest", offline.manifest, name="gate-manifest"),
    path("gate/offline/", offline.gate_offline, name="gate-offline"),
    path("gate/offline/<uuid:device>/list.json", offline.gate_list, name="gate-list"),
    path("gate/offline/<uuid:device>/scans/", offline.gate_scans, name="gate-scans"),
    path("gate/offline/<uuid:device>/check/", offline.gate_check, name="gate-check"),
    path("desk/", desk.desk, name="desk"),
    path("desk/register/", desk.register, name="desk-register"),
    path("desk/for/<str:visit>/", desk.desk_person, name="desk-person"),
    path("desk/for/<str:visit>/book/", desk.desk_book, name="desk-book"),
    path("desk/bookings/<slug:number>/", desk.desk_booking, name="desk-booking"),
    path("desk/bookings/<slug:number>/cash/", desk.desk_cash_in, name="desk-cash-in"),
    path("desk/bookings/<slug:number>/cancel/", desk.desk_cancel, name="desk-cancel"),
    path("desk/bookings/<slug:number>/paper/", desk.desk_paper, name="desk-paper"),
    path(
        "desk/bookings/<slug:number>/paper/qr.svg",
        desk.desk_paper_qr,
        name="desk-paper-qr",
    ),
    path("desk/cash/", desk.desk_cash, name="desk-cash"),
    path("desk/cash.xlsx", desk.desk_cash_xlsx, name="desk-cash-xlsx"),
    path("desk/refunds/<slug:number>/", desk.desk_pay_out, name="desk-pay-out"),
]
