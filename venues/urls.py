from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from venues.views import bookings, companions, gate, passes, public, waiting

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
    path("bookings/<slug:number>/accept/", waiting.accept, name="accept"),
    path("bookings/<slug:number>/decline/", waiting.decline, name="decline"),
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
    path("p/<slug:code>", gate.scanned, name="scanned"),
    path("gate/", gate.gate, name="gate"),
    path("gate/venue/", gate.choose_venue, name="gate-venue"),
    path("gate/admit/", gate.admit, name="gate-admit"),
    path("gate/decode/", gate.decode, name="gate-decode"),
]
