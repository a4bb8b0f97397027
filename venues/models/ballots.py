"""Fair prime time: times that are drawn among everybody who asked, not raced for."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import Dependant, User
from bureau.common import clock
from bureau.common.sports import Sport
from bureau.draws.models import Draw, DrawEntry
from venues.models.bookings import Booking
from venues.models.places import Bookable, Venue


class Ballot(models.Model):
    """Chosen times of a venue that are given out by draw (SPORTDRAW-1).

    Courts of one sport at one start are one pool; its quota is their number.
    """

    class State(models.TextChoices):
        PLANNED = "planned", _("planned")
        OPEN = "open", _("open for requests")
        CLOSED = "closed", _("waiting for the draw")
        DRAWN = "drawn", _("drawn")
        CALLED_OFF = "called_off", _("called off")

    TRANSITIONS = {
        State.PLANNED: {State.OPEN, State.CALLED_OFF},
        State.OPEN: {State.CLOSED, State.CALLED_OFF},
        State.CLOSED: {State.DRAWN, State.CALLED_OFF},
        State.DRAWN: set[str](),
        State.CALLED_OFF: set[str](),
    }

    number = models.SlugField(_("number"), max_length=32, unique=True)
    venue = models.ForeignKey(
        Venue, verbose_name=_("venue"), on_delete=models.PROTECT, related_name="ballots"
    )
    sport = models.CharField(_("sport"), max_length=16, choices=Sport.choices)
    on = models.DateField(_("day that is drawn"))
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.PLANNED
    )
    opens_at = models.DateTimeField(_("requests from"))
    closes_at = models.DateTimeField(_("requests until"))
    draws_at = models.DateTimeField(_("draw at"))
    pay_until = models.DateTimeField(_("winners pay until"))
    draw = models.OneToOneField(
        Draw,
        verbose_name=_("draw"),
        on_delete=models.PROTECT,
        related_name="court_ballot",
        null=True,
        blank=True,
    )
    set_by = models.ForeignKey(
        User, verbose_name=_("set by"), on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("ballot")
        verbose_name_plural = _("ballots")
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    opens_at__lt=F("closes_at"),
                    closes_at__lt=F("draws_at"),
                    draws_at__lt=F("pay_until"),
                ),
                name="venues_ballot_steps_in_order",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["planned", "open", "closed", "drawn", "called_off"]
                ),
                name="venues_ballot_state_is_known",
            ),
            models.UniqueConstraint(
                fields=["venue", "sport", "on"],
                condition=~Q(state="called_off"),
                name="venues_ballot_one_per_day_and_sport",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.venue} {self.on} {self.number}"


class BallotSlot(models.Model):
    """One court at one time that the ballot gives out; kept out of the rush."""

    ballot = models.ForeignKey(
        Ballot,
        verbose_name=_("ballot"),
        on_delete=models.CASCADE,
        related_name="slots",
    )
    bookable = models.ForeignKey(
        Bookable,
        verbose_name=_("court"),
        on_delete=models.PROTECT,
        related_name="ballot_slots",
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    booking = models.OneToOneField(
        Booking,
        verbose_name=_("won as"),
        on_delete=models.PROTECT,
        related_name="ballot_slot",
        null=True,
        blank=True,
    )

    class Meta:
        verbose_name = _("slot of a ballot")
        verbose_name_plural = _("slots of ballots")
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at")),
                name="venues_ballotslot_starts_before_it_ends",
            ),
            models.UniqueConstraint(
                fields=["ballot", "bookable", "starts_at"],
                name="venues_ballotslot_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ballot} {self.bookable} {clock.at_text(self.starts_at)}"


class BallotRequest(models.Model):
    """A person's wish for one start; a thousand of one person's weigh as one."""

    ballot = models.ForeignKey(
        Ballot,
        verbose_name=_("ballot"),
        on_delete=models.CASCADE,
        related_name="requests",
    )
    person = models.ForeignKey(
        User,
        verbose_name=_("person"),
        on_delete=models.PROTECT,
        related_name="ballot_requests",
    )
    dependant = models.ForeignKey(
        Dependant,
        verbose_name=_("for"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    starts_at = models.DateTimeField(_("wanted start"))
    entry = models.OneToOneField(
        DrawEntry,
        verbose_name=_("entry in the draw"),
        on_delete=models.PROTECT,
        related_name="court_request",
    )
    asked_at = models.DateTimeField(_("asked at"))

    class Meta:
        verbose_name = _("request in a ballot")
        verbose_name_plural = _("requests in ballots")
        constraints = [
            models.UniqueConstraint(
                fields=["ballot", "person"],
                name="venues_ballotrequest_one_per_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} ? {self.ballot}"
