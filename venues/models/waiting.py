"""Who waits for a time that is taken, or for places in a session that is full."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bureau.accounts.models import Dependant, User
from bureau.common import clock
from bureau.common.sports import Sport
from venues.models.bookings import Booking
from venues.models.places import Bookable, Venue
from venues.models.sessions import OpenSession
from venues.querysets import WaitingQuerySet


class WaitingEntry(models.Model):
    """A place in the line for a court, for any court of a sport, or for a session.

    The first in line is offered a freed slot as a held booking that runs out; then it
    is the next one's turn. Order: `turn` (ballot losers stand before later comers, in
    the order in which they were drawn), then the moment of joining.
    """

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("in a line", "waiting")
        OFFERED = "offered", _("offered")
        TAKEN = "taken", _("taken")
        MISSED = "missed", _("offer missed")
        LEFT = "left", _("left the line")
        OVER = "over", _("over")

    TRANSITIONS = {
        State.WAITING: {State.OFFERED, State.LEFT, State.OVER},
        State.OFFERED: {State.TAKEN, State.MISSED, State.LEFT},
        State.TAKEN: set[str](),
        State.MISSED: set[str](),
        State.LEFT: set[str](),
        State.OVER: set[str](),
    }

    person = models.ForeignKey(
        User,
        verbose_name=_("person"),
        on_delete=models.PROTECT,
        related_name="waiting_entries",
    )
    dependant = models.ForeignKey(
        Dependant,
        verbose_name=_("for"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    venue = models.ForeignKey(
        Venue, verbose_name=_("venue"), on_delete=models.PROTECT, related_name="+"
    )
    sport = models.CharField(_("sport"), max_length=16, choices=Sport.choices)
    bookable = models.ForeignKey(
        Bookable,
        verbose_name=_("court"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text=_("Empty: any court of the sport."),
    )
    session = models.ForeignKey(
        OpenSession,
        verbose_name=_("open session"),
        on_delete=models.PROTECT,
        related_name="line",
        null=True,
        blank=True,
    )
    places = models.PositiveSmallIntegerField(_("places"), default=1)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.WAITING
    )
    turn = models.PositiveIntegerField(_("turn"), default=1_000_000_000)
    joined_at = models.DateTimeField(_("joined at"))
    offered_at = models.DateTimeField(_("offered at"), null=True, blank=True)
    booking = models.OneToOneField(
        Booking,
        verbose_name=_("offered booking"),
        on_delete=models.PROTECT,
        related_name="waiting_entry",
        null=True,
        blank=True,
    )

    objects = WaitingQuerySet.as_manager()

    class Meta:
        verbose_name = _("place in the waiting list")
        verbose_name_plural = _("waiting list")
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at")),
                name="venues_waitingentry_starts_before_it_ends",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["waiting", "offered", "taken", "missed", "left", "over"]
                ),
                name="venues_waitingentry_state_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["offered", "taken"]) | Q(booking__isnull=False),
                name="venues_waitingentry_offer_is_a_booking",
            ),
            models.CheckConstraint(
                condition=Q(places=1) | Q(places__gt=1, session__isnull=False),
                name="venues_waitingentry_places_are_of_a_session",
            ),
            models.UniqueConstraint(
                fields=[
                    "person",
                    "venue",
                    "sport",
                    "bookable",
                    "session",
                    "starts_at",
                ],
                condition=Q(state__in=["waiting", "offered"]),
                nulls_distinct=False,
                name="venues_waitingentry_one_live_per_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["venue", "starts_at", "turn", "joined_at", "id"],
                condition=Q(state="waiting"),
                name="venues_waitingentry_line",
            ),
            models.Index(
                fields=["session", "turn", "joined_at", "id"],
                condition=Q(state="waiting", session__isnull=False),
                name="venues_waitingentry_of_session",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} … {self.venue} {clock.at_text(self.starts_at)}"

    @property
    def is_live(self) -> bool:
        return self.state in (self.State.WAITING, self.State.OFFERED)
