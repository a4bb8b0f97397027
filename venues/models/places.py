from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.core.validators import URLValidator
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.common import codes
from bureau.common.fields import MinuteOfDayField
from bureau.common.geo import Datum
from bureau.common.sports import Sport
from bureau.photos.models import Photo
from bureau.regions.models import District
from venues.querysets import BookableQuerySet, UnitQuerySet, VenueQuerySet


class Facility(models.TextChoices):
    PARKING = "parking", _("Parking")
    SHOWER = "shower", _("Showers")
    LOCKER = "locker", _("Lockers")
    ACCESSIBLE = "accessible", _("Step-free access")
    INDOOR = "indoor", _("Indoor")
    LIGHTS = "lights", _("Floodlights")
    RENTAL = "rental", _("Equipment hire")
    AED = "aed", _("Defibrillator")


class Venue(models.Model):
    """A public sports venue (公共体育场馆), or a business that is inspected."""

    class Kind(models.TextChoices):
        PUBLIC = "public", _("public venue")
        BUSINESS = "business", _("high-risk sports business")

    code = models.CharField(
        _("code"), max_length=12, unique=True, default=codes.new_code, editable=False
    )
    national_code = models.CharField(
        _("national venue code"), max_length=50, blank=True
    )
    kind = models.CharField(
        _("kind"), max_length=10, choices=Kind.choices, default=Kind.PUBLIC
    )
    name = models.CharField(_("name"), max_length=120, unique=True)
    name_en = models.CharField(_("English name"), max_length=160, blank=True)
    district = models.ForeignKey(
        District, verbose_name=_("district"), on_delete=models.PROTECT, related_name="+"
    )
    address = models.CharField(_("address"), max_length=200)
    address_en = models.CharField(_("English address"), max_length=200, blank=True)
    phone = models.CharField(_("telephone"), max_length=24, blank=True)
    location = models.PointField(_("location (WGS-84)"), geography=True)
    datum = models.CharField(
        _("datum of the source"),
        max_length=8,
        choices=Datum.choices,
        default=Datum.WGS84,
    )
    sports = ArrayField(
        models.CharField(max_length=16, choices=Sport.choices),
        verbose_name=_("sports"),
        default=list,
        blank=True,
    )
    facilities = ArrayField(
        models.CharField(max_length=12, choices=Facility.choices),
        verbose_name=_("facilities"),
        default=list,
        blank=True,
    )
    transport = models.CharField(_("how to get there"), max_length=200, blank=True)
    panorama_url = models.CharField(
        _("panorama (VR)"),
        max_length=200,
        blank=True,
        validators=[URLValidator(schemes=["https"])],
    )
    is_low_fee = models.BooleanField(
        _("takes part in free and low-fee opening"),
        default=True,
        help_text=_("Its prices keep the rule, and 8 August is free."),
    )
    open_area_m2 = models.PositiveIntegerField(
        _("open area, m²"), null=True, blank=True
    )
    core_area_m2 = models.PositiveIntegerField(
        _("core free or low-fee area, m²"), null=True, blank=True
    )
    most_inside = models.PositiveIntegerField(
        _("people allowed inside"), null=True, blank=True
    )
    days_ahead = models.PositiveSmallIntegerField(
        _("bookable days ahead"),
        default=7,
        help_text=_("Today counts as day 0."),
    )
    releases_at = MinuteOfDayField(
        _("time at which the next day opens for booking"), default=0
    )
    lead_minutes = models.PositiveSmallIntegerField(
        _("minutes before the start until which a slot can be booked on line"),
        default=0,
    )
    walk_in_percent = models.PositiveSmallIntegerField(
        _("percent of courts kept for window and telephone"), default=0
    )
    walk_in_until_minutes = models.PositiveSmallIntegerField(
        _("minutes before the start at which kept courts open to all"), default=120
    )
    hold_minutes = models.PositiveSmallIntegerField(_("minutes to pay"), default=10)
    max_slots = models.PositiveSmallIntegerField(_("slots in one booking"), default=4)
    companion_minutes = models.PositiveSmallIntegerField(
        _("minutes before the start until which companions can change"), default=30
    )
    no_show_minutes = models.PositiveSmallIntegerField(
        _("minutes after the start at which an unused booking is released"),
        null=True,
        blank=True,
        help_text=_("Empty: this venue releases nothing and counts no no-shows."),
    )
    offer_minutes = models.PositiveSmallIntegerField(
        _("minutes that an offer from the waiting list stands"), default=30
    )
    entry_minutes = models.PositiveSmallIntegerField(
        _("minutes before the start from which the gate lets in"), default=30
    )
    closed_on = models.DateField(_("closed for good on"), null=True, blank=True)
    # Renewed by triggers with each change of courts, hours, exceptions and prices.
    rules_version = models.UUIDField(default=uuid4, editable=False)

    objects = VenueQuerySet.as_manager()

    class Meta:
        verbose_name = _("venue")
        verbose_name_plural = _("venues")
        constraints = [
            models.CheckConstraint(
                condition=Q(days_ahead__lte=60), name="venues_venue_window_is_sane"
            ),
            models.CheckConstraint(
                condition=Q(hold_minutes__gte=1, hold_minutes__lte=60),
                name="venues_venue_hold_is_sane",
            ),
            models.CheckConstraint(
                condition=Q(max_slots__gte=1, max_slots__lte=24),
                name="venues_venue_max_slots_is_sane",
            ),
            models.CheckConstraint(
                condition=Q(walk_in_percent__lte=100),
                name="venues_venue_walk_in_share_is_a_percentage",
            ),
            models.CheckConstraint(
                condition=Q(releases_at__lt=1440),
                name="venues_venue_releases_at_is_a_time",
            ),
            models.CheckConstraint(
                condition=Q(offer_minutes__gte=1, offer_minutes__lte=1440),
                name="venues_venue_offer_is_sane",
            ),
            models.CheckConstraint(
                condition=Q(core_area_m2=None)
                | Q(open_area_m2__isnull=False, core_area_m2__lte=F("open_area_m2")),
                name="venues_venue_core_area_is_part_of_the_open_one",
                violation_error_message=_(
                    "The core area is a part of the open area: give both."
                ),
            ),
        ]
        indexes = [models.Index(fields=["district"], name="venues_venue_by_district")]

    def __str__(self) -> str:
        return self.display_name

    def get_absolute_url(self) -> str:
        return reverse("venues:venue", args=[self.code])

    @property
    def display_name(self) -> str:
        """The name in the reader's language, where the venue has one."""
        return self.name_en if self.name_en and _reads_english() else self.name

    @property
    def display_address(self) -> str:
        return self.address_en if self.address_en and _reads_english() else self.address

    @property
    def sport_labels(self) -> list[str]:
        return [str(Sport(sport).label) for sport in self.sports]

    @property
    def facility_labels(self) -> list[tuple[str, str]]:
        return [(name, str(Facility(name).label)) for name in self.facilities]


class VenuePhoto(models.Model):
    """A picture of a venue, in the order in which the page shows them."""

    venue = models.ForeignKey(
        Venue, verbose_name=_("venue"), on_delete=models.CASCADE, related_name="photos"
    )
    photo = models.ForeignKey(
        Photo, verbose_name=_("photo"), on_delete=models.PROTECT, related_name="+"
    )
    caption = models.CharField(_("what it shows"), max_length=120)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("photo of a venue")
        verbose_name_plural = _("photos of venues")
        constraints = [
            models.UniqueConstraint(
                fields=["venue", "photo"], name="venues_venuephoto_once_per_venue"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.venue}: {self.caption}"


class Favourite(models.Model):
    """A venue that a person wants to find quickly."""

    venue = models.ForeignKey(
        Venue, verbose_name=_("venue"), on_delete=models.CASCADE, related_name="+"
    )
    user = models.ForeignKey(
        User,
        verbose_name=_("person"),
        on_delete=models.CASCADE,
        related_name="favourite_venues",
    )

    class Meta:
        verbose_name = _("favourite venue")
        verbose_name_plural = _("favourite venues")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "venue"], name="venues_favourite_once_per_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} ♥ {self.venue}"


class Gate(models.Model):
    """A door of a venue, with the counting device that stands at it, if any."""

    venue = models.ForeignKey(
        Venue, verbose_name=_("venue"), on_delete=models.CASCADE, related_name="gates"
    )
    name = models.CharField(_("name"), max_length=60)
    equipment_code = models.CharField(
        _("code of the counting device"), max_length=100, blank=True
    )
    is_core_area = models.BooleanField(
        _("leads to the core free or low-fee area"), default=True
    )

    class Meta:
        verbose_name = _("gate")
        verbose_name_plural = _("gates")
        constraints = [
            models.UniqueConstraint(
                fields=["venue", "name"], name="venues_gate_name_unique_in_venue"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.venue} / {self.name}"


class VenueStaff(models.Model):
    """Somebody who works at a venue's gate and desk."""

    venue = models.ForeignKey(
        Venue, verbose_name=_("venue"), on_delete=models.CASCADE, related_name="staff"
    )
    user = models.ForeignKey(
        User,
        verbose_name=_("person"),
        on_delete=models.CASCADE,
        related_name="venue_posts",
    )

    class Meta:
        verbose_name = _("venue staff")
        verbose_name_plural = _("venue staff")
        constraints = [
            models.UniqueConstraint(
                fields=["venue", "user"], name="venues_venuestaff_once_per_venue"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} @ {self.venue}"


class Unit(models.Model):
    """The smallest piece of floor that can be taken: a court, a lane, a half hall."""

    venue = models.ForeignKey(
        Venue, verbose_name=_("venue"), on_delete=models.PROTECT, related_name="units"
    )
    name = models.CharField(_("name"), max_length=60)

    objects = UnitQuerySet.as_manager()

    class Meta:
        verbose_name = _("unit")
        verbose_name_plural = _("units")
        constraints = [
            models.UniqueConstraint(
                fields=["venue", "name"], name="venues_unit_name_unique_in_venue"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.venue} / {self.name}"


class Bookable(models.Model):
    """What a person picks: units under a sport (one court, or the whole hall)."""

    venue = models.ForeignKey(
        Venue,
        verbose_name=_("venue"),
        on_delete=models.PROTECT,
        related_name="bookables",
    )
    name = models.CharField(_("name"), max_length=60)
    sport = models.CharField(_("sport"), max_length=16, choices=Sport.choices)
    units = models.ManyToManyField(
        Unit, through="BookableUnit", verbose_name=_("units"), related_name="bookables"
    )
    slot_minutes = models.PositiveSmallIntegerField(_("minutes of a slot"), default=60)
    buffer_minutes = models.PositiveSmallIntegerField(
        _("minutes kept free after each booking"), default=0
    )
    party_size = models.PositiveSmallIntegerField(_("players at a time"), default=4)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_open = models.BooleanField(_("can be booked"), default=True)

    objects = BookableQuerySet.as_manager()

    unit_ids: list[int]  # on rows from `with_units()`

    class Meta:
        verbose_name = _("court")
        verbose_name_plural = _("courts")
        constraints = [
            models.UniqueConstraint(
                fields=["venue", "name"], name="venues_bookable_name_unique_in_venue"
            ),
            models.CheckConstraint(
                condition=Q(slot_minutes__gte=15, slot_minutes__lte=1440),
                name="venues_bookable_slot_is_sane",
            ),
            models.CheckConstraint(
                condition=Q(buffer_minutes__lte=240),
                name="venues_bookable_buffer_is_sane",
            ),
            models.CheckConstraint(
                condition=Q(party_size__gte=1), name="venues_bookable_has_players"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.venue} / {self.name}"

    @property
    def buffer(self) -> timedelta:
        return timedelta(minutes=self.buffer_minutes)


class BookableUnit(models.Model):
    bookable = models.ForeignKey(
        Bookable, on_delete=models.CASCADE, related_name="parts"
    )
    unit = models.ForeignKey(
        Unit, verbose_name=_("unit"), on_delete=models.PROTECT, related_name="parts"
    )

    class Meta:
        verbose_name = _("unit of a court")
        verbose_name_plural = _("units of a court")
        constraints = [
            models.UniqueConstraint(
                fields=["bookable", "unit"], name="venues_bookableunit_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bookable} ⊃ {self.unit}"


def _reads_english() -> bool:
    return (get_language() or "").startswith("en")
