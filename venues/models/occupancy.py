"""What is taken: one table, `Occupancy`, for holds, bookings, blocks and the rest."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import (
    ArrayField,
    DateTimeRangeField,
    RangeOperators,
)
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from venues.models.bookings import BookingLine
from venues.models.places import Unit, Venue
from venues.querysets import OccupancyQuerySet


class Block(models.Model):
    """Time that staff take out: maintenance, an event, a closure."""

    venue = models.ForeignKey(
        Venue, verbose_name=_("venue"), on_delete=models.PROTECT, related_name="blocks"
    )
    # What it is for, even where a booking still lies on it (a closure works through).
    unit_ids = ArrayField(
        models.BigIntegerField(), verbose_name=_("units"), default=list, blank=True
    )
    reason = models.CharField(_("reason"), max_length=120)
    # A closure shuts people out of what they were promised: it has to be announced.
    is_closure = models.BooleanField(_("closure"), default=False)
    is_weather = models.BooleanField(_("because of the weather"), default=False)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    announced_at = models.DateTimeField(_("announced at"), null=True, blank=True)
    set_by = models.ForeignKey(
        User, verbose_name=_("set by"), on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(_("created at"))
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True)

    class Meta:
        verbose_name = _("block")
        verbose_name_plural = _("blocks")
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_at__lt=F("ends_at")),
                name="venues_block_starts_before_it_ends",
            ),
            models.CheckConstraint(
                condition=Q(is_closure=False) | Q(announced_at__isnull=False),
                name="venues_block_closure_is_announced",
            ),
        ]
        indexes = [
            # A trigger asks at every freed piece of floor whether a closure claims it.
            models.Index(
                fields=["ends_at"],
                condition=Q(is_closure=True, lifted_at=None),
                name="venues_block_closures",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.venue} {self.reason}"


_OWNERS = ("line", "block", "session", "ballot_slot")


def _owned_by(owner: str, *, kinds: list[str]) -> Q:
    """Rows of these kinds belong to this owner, and to no other."""
    others = {f"{other}__isnull": other != owner for other in _OWNERS}
    return Q(kind__in=kinds, **others)


class Occupancy(models.Model):
    """A unit is taken during a period. The one source of truth about floor and time.

    The period of a booking includes the court's buffer after it.
    """

    class Kind(models.TextChoices):
        HOLD = "hold", _("hold")
        BOOKING = "booking", _("booking")
        BLOCK = "block", _("block")
        SESSION = "session", _("open session")
        BALLOT = "ballot", _("ballot")

    unit = models.ForeignKey(
        Unit,
        verbose_name=_("unit"),
        on_delete=models.PROTECT,
        related_name="occupancies",
        db_index=False,  # the exclusion constraint's index leads with it
    )
    during = DateTimeRangeField(_("during"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    line = models.ForeignKey(
        BookingLine,
        on_delete=models.CASCADE,
        related_name="occupancies",
        null=True,
        blank=True,
    )
    block = models.ForeignKey(
        Block,
        on_delete=models.CASCADE,
        related_name="occupancies",
        null=True,
        blank=True,
        db_index=False,  # a partial index below
    )
    session = models.ForeignKey(
        "venues.OpenSession",
        on_delete=models.CASCADE,
        related_name="occupancies",
        null=True,
        blank=True,
        db_index=False,  # a partial index below
    )
    ballot_slot = models.ForeignKey(
        "venues.BallotSlot",
        on_delete=models.CASCADE,
        related_name="occupancies",
        null=True,
        blank=True,
        db_index=False,  # a partial index below
    )
    hold_until = models.DateTimeField(null=True, blank=True)

    objects = OccupancyQuerySet.as_manager()

    class Meta:
        verbose_name = _("occupancy")
        verbose_name_plural = _("occupancies")
        constraints = [
            # The last line of defence: whatever a program forgets, no unit is ever
            # taken twice. Actions lock and check first, because a rush that relies on
            # this constraint alone deadlocks for seconds (docs/adr/0004).
            ExclusionConstraint(
                name="venues_occupancy_no_overlap",
                expressions=[
                    ("unit", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                condition=Q(
                    during__isempty=False,
                    during__lower_inf=False,
                    during__upper_inf=False,
                    during__lower_inc=True,
                    during__upper_inc=False,
                ),
                name="venues_occupancy_period_is_half_open",
            ),
            models.CheckConstraint(
                condition=(
                    Q(kind="hold", hold_until__isnull=False)
                    | (~Q(kind="hold") & Q(hold_until=None))
                )
                & (
                    _owned_by("line", kinds=["hold", "booking"])
                    | _owned_by("block", kinds=["block"])
                    | _owned_by("session", kinds=["session"])
                    | _owned_by("ballot_slot", kinds=["ballot"])
                ),
                name="venues_occupancy_kind_fits_its_owner",
            ),
        ]
        indexes = [
            *(
                models.Index(
                    fields=[owner],
                    condition=Q(**{f"{owner}__isnull": False}),
                    name=f"venues_occupancy_of_{short}",
                )
                for owner, short in (
                    ("block", "block"),
                    ("session", "session"),
                    ("ballot_slot", "ballot"),
                )
            ),
            # A search of the whole city looks at thousands of units: ten times as
            # quick as by the constraint's index.
            models.Index(
                F("unit"),
                Func("during", function="lower", output_field=models.DateTimeField()),
                name="venues_occupancy_of_unit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit} {self.during} {self.kind}"
