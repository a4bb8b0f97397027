from __future__ import annotations

from datetime import date

from django.urls import URLPattern, URLResolver, path, register_converter

from bureau.common import codes
from venues.api import (
    ballots,
    booking,
    changes,
    conduct,
    gate,
    search,
    seasons,
    sessions,
    together,
    waiting,
)


class CodeConverter:
    """A code as we print it or as people type it: `7k3m-0q2x-9vbc`."""

    regex = "[0-9A-Za-z-]{12,14}"

    def to_python(self, value: str) -> str:
        return codes.normalise(value)

    def to_url(self, value: str) -> str:
        return value


class DayConverter:
    """A date as ISO 8601 writes it; one that does not exist is no address."""

    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


register_converter(CodeConverter, "code")
register_converter(DayConverter, "day")

urlpatterns: list[URLPattern | URLResolver] = [
    path("districts/", booking.Districts.as_view(), name="api-districts"),
    path("sports/", booking.Sports.as_view(), name="api-sports"),
    path("venues/", booking.Venues.as_view(), name="api-venues"),
    path("venues/search/", search.VenueSearch.as_view(), name="api-venues-search"),
    path("venues/<code:code>/", booking.OneVenue.as_view(), name="api-venue"),
    path(
        "venues/<code:code>/free/", search.FreeCourts.as_view(), name="api-venue-free"
    ),
    path("venues/<code:code>/quote/", search.Quote.as_view(), name="api-venue-quote"),
    path(
        "venues/<code:code>/days/<day:on>/",
        booking.VenueDay.as_view(),
        name="api-venue-day",
    ),
    path(
        "venues/<code:code>/sessions/",
        sessions.VenueSessions.as_view(),
        name="api-venue-sessions",
    ),
    path(
        "sessions/<int:session_id>/",
        sessions.OneSession.as_view(),
        name="api-session",
    ),
    path(
        "sessions/<int:session_id>/waiting/",
        sessions.SessionLine.as_view(),
        name="api-session-wait",
    ),
    path(
        "sessions/<int:session_id>/tickets/",
        sessions.Tickets.as_view(),
        name="api-session-tickets",
    ),
    path("conduct/", conduct.MyConduct.as_view(), name="api-conduct"),
    path(
        "conduct/points/<int:point_id>/appeal/",
        conduct.Appeals.as_view(),
        name="api-conduct-appeal",
    ),
    path("bookings/", booking.Bookings.as_view(), name="api-bookings"),
    path("bookings/<code:number>/", booking.OneBooking.as_view(), name="api-booking"),
    path(
        "bookings/<code:number>/cancel/",
        booking.CancelBooking.as_view(),
        name="api-booking-cancel",
    ),
    path(
        "bookings/<code:number>/pass/",
        booking.BookingPass.as_view(),
        name="api-booking-pass",
    ),
    path(
        "bookings/<code:number>/changes/",
        changes.Changes.as_view(),
        name="api-booking-changes",
    ),
    path(
        "bookings/<code:number>/changes/quote/",
        changes.ChangeQuote.as_view(),
        name="api-booking-change-quote",
    ),
    path(
        "bookings/<code:number>/changes/<code:change>/drop/",
        changes.DropChange.as_view(),
        name="api-booking-change-drop",
    ),
    path(
        "bookings/<code:number>/accept/",
        waiting.AcceptOffer.as_view(),
        name="api-offer-accept",
    ),
    path(
        "bookings/<code:number>/decline/",
        waiting.DeclineOffer.as_view(),
        name="api-offer-decline",
    ),
    path(
        "venues/<code:code>/slot/", waiting.VenueSlot.as_view(), name="api-venue-slot"
    ),
    path("waiting/", waiting.Waiting.as_view(), name="api-waiting"),
    path(
        "waiting/<int:entry_id>/leave/",
        waiting.LeaveWaiting.as_view(),
        name="api-waiting-leave",
    ),
    path(
        "bookings/<code:number>/party/",
        together.Party.as_view(),
        name="api-booking-party",
    ),
    path(
        "bookings/<code:number>/invite/",
        together.Invite.as_view(),
        name="api-booking-invite",
    ),
    path(
        "bookings/<code:number>/companions/<int:companion_id>/",
        together.OneCompanion.as_view(),
        name="api-booking-companion",
    ),
    path("invites/<code:code>/", together.OneInvite.as_view(), name="api-invite"),
    path(
        "invites/<code:code>/join/",
        together.JoinInvite.as_view(),
        name="api-invite-join",
    ),
    path("together/", together.AllTogether.as_view(), name="api-together-list"),
    path("together/<code:number>/", together.Together.as_view(), name="api-together"),
    path(
        "together/<code:number>/pass/",
        together.TogetherPass.as_view(),
        name="api-together-pass",
    ),
    path("favourites/", together.Favourites.as_view(), name="api-favourites"),
    path("favourites/<code:code>/", together.Favourite.as_view(), name="api-favourite"),
    path("calendar-feed/", together.Feed.as_view(), name="api-calendar-feed"),
    path("gate/checks/", booking.GateChecks.as_view(), name="api-gate-checks"),
    path(
        "gate/admissions/", booking.GateAdmissions.as_view(), name="api-gate-admissions"
    ),
    path("gate/counts/", gate.GateCounts.as_view(), name="api-gate-counts"),
    path("gate/leavings/", gate.GateLeavings.as_view(), name="api-gate-leavings"),
    path(
        "gate/venues/<code:code>/crowd/",
        gate.GateCrowd.as_view(),
        name="api-gate-crowd",
    ),
    path("gate/devices/", gate.GateDevices.as_view(), name="api-gate-devices"),
    path(
        "gate/devices/<uuid:device>/list/",
        gate.GateDeviceList.as_view(),
        name="api-gate-device-list",
    ),
    path(
        "gate/devices/<uuid:device>/scans/",
        gate.GateDeviceScans.as_view(),
        name="api-gate-device-scans",
    ),
    path("clubs/", seasons.Clubs.as_view(), name="api-clubs"),
    path("clubs/<int:club_id>/", seasons.OneClub.as_view(), name="api-club"),
    path("seasons/", seasons.Seasons.as_view(), name="api-seasons"),
    path(
        "seasons/requests/",
        seasons.SeasonRequests.as_view(),
        name="api-season-requests",
    ),
    path(
        "seasons/requests/<code:number>/",
        seasons.OneSeasonRequest.as_view(),
        name="api-season-request",
    ),
    path(
        "seasons/requests/<code:number>/withdraw/",
        seasons.SeasonRequestWithdrawal.as_view(),
        name="api-season-request-withdraw",
    ),
    path("seasons/<int:season_id>/", seasons.OneSeason.as_view(), name="api-season"),
    path(
        "seasons/<int:season_id>/preview/",
        seasons.SeasonPreview.as_view(),
        name="api-season-preview",
    ),
    path(
        "seasons/<int:season_id>/requests/",
        seasons.SeasonApplication.as_view(),
        name="api-season-apply",
    ),
    path("invoices/", seasons.Invoices.as_view(), name="api-invoices"),
    path(
        "invoices/<code:number>/",
        seasons.OneInvoice.as_view(),
        name="api-invoice",
    ),
    path(
        "invoices/<code:number>/pay/",
        seasons.InvoicePayment.as_view(),
        name="api-invoice-pay",
    ),
    path("ballots/", ballots.Ballots.as_view(), name="api-ballots"),
    path(
        "ballots/requests/",
        ballots.MyBallotRequests.as_view(),
        name="api-ballot-requests",
    ),
    path("ballots/<slug:number>/", ballots.OneBallot.as_view(), name="api-ballot"),
    path(
        "ballots/<slug:number>/request/",
        ballots.BallotRequests.as_view(),
        name="api-ballot-request",
    ),
    path(
        "ballots/<slug:number>/withdraw/",
        ballots.BallotWithdrawal.as_view(),
        name="api-ballot-withdraw",
    ),
]
