from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from venues.views import bookings, gate, public

app_name = "venues"
urlpatterns: list[URLPattern | URLResolver] = [
    path("venues/", public.venue_list, name="list"),
    path("venues/map/", public.venue_map, name="map"),
    path("venues/points.geojson", public.points, name="points"),
    path("venues/<slug:code>/", public.venue, name="venue"),
    path("venues/<slug:code>/book/", bookings.book, name="book"),
    path("bookings/", bookings.booking_list, name="bookings"),
    path("bookings/<slug:number>/", bookings.booking, name="booking"),
    path("bookings/<slug:number>/cancel/", bookings.cancel, name="cancel"),
    path("bookings/<slug:number>/pass/", bookings.entry_pass, name="pass"),
    path("bookings/<slug:number>/pass/qr.svg", bookings.pass_qr, name="pass-qr"),
    path("bookings/<slug:number>/pass/now.json", bookings.pass_now, name="pass-now"),
    path("p/<slug:code>", gate.scanned, name="scanned"),
    path("gate/", gate.gate, name="gate"),
    path("gate/venue/", gate.choose_venue, name="gate-venue"),
    path("gate/admit/", gate.admit, name="gate-admit"),
    path("gate/decode/", gate.decode, name="gate-decode"),
]
