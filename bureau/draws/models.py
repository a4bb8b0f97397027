"""A draw that every citizen can check (SPORTDRAW-1, docs/draws.md)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from bureau.accounts.models import User
from bureau.common import clock
from bureau.draws import sportdraw
from bureau.draws.querysets import (
    BeaconQuerySet,
    DrawEntryQuerySet,
    DrawQuerySet,
    LogLineQuerySet,
    PublishedPartQuerySet,
)

# Between the frozen list and the randomness: time for the public to take a copy.
NOTICE = timedelta(hours=1)
# A portal that is down for a moment at the time of the freeze voids no draw.
SLACK = timedelta(minutes=10)


class Draw(models.Model):
    """One draw, from its announcement to its published result."""

    class State(models.TextChoices):
        OPEN = "open", _("open for entries")
        FROZEN = "frozen", _("list frozen")
        DRAWN = "drawn", _("drawn")
        VOID = "void", _("void")

    TRANSITIONS = {
        State.OPEN: {State.FROZEN, State.VOID},
        State.FROZEN: {State.DRAWN, State.VOID},
        State.DRAWN: {State.VOID},
        State.VOID: set[str](),
    }

    draw_id = models.SlugField(_("number of the draw"), max_length=40, unique=True)
    title = models.CharField(_("title"), max_length=120)
    state = models.CharField(
        _("state"), max_length=6, choices=State.choices, default=State.OPEN
    )
    # The canonical rules.json, byte for byte; what they say is never changed.
    rules = models.TextField(_("rules (canonical JSON)"))
    rules_hash = models.CharField(_("hash of the rules"), max_length=64)
    announced_at = models.DateTimeField(_("announced at"))
    entries_close_at = models.DateTimeField(_("entries close at"))
    freezes_at = models.DateTimeField(_("list is frozen at"))
    draws_at = models.DateTimeField(_("draw at"))
    entry_count = models.PositiveIntegerField(_("entries"), null=True, blank=True)
    weight_sum = models.PositiveIntegerField(_("sum of weights"), null=True, blank=True)
    entries_hash = models.CharField(_("hash of entries.csv"), max_length=64, blank=True)
    root = models.CharField(_("Merkle root"), max_length=64, blank=True)
    seed = models.CharField(_("seed"), max_length=64, blank=True)
    results_hash = models.CharField(_("hash of results.csv"), max_length=64, blank=True)
    frozen_at = models.DateTimeField(_("frozen at"), null=True, blank=True)
    drawn_at = models.DateTimeField(_("drawn at"), null=True, blank=True)
    void_reason = models.CharField(_("why it is void"), max_length=200, blank=True)
    # Whoever declared it void does not announce it again: that takes a second person.
    voided_by = models.ForeignKey(
        User,
        verbose_name=_("declared void by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    replaces = models.OneToOneField(
        "self",
        verbose_name=_("redo of"),
        on_delete=models.PROTECT,
        related_name="redone_as",
        null=True,
        blank=True,
    )

    objects = DrawQuerySet.as_manager()

    class Meta:
        verbose_name = _("draw")
        verbose_name_plural = _("draws")
        permissions = [("read_beacon", _("Can type the results of a source"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["open", "frozen", "drawn", "void"]),
                name="draws_draw_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(
                    entries_close_at__lte=F("freezes_at"), freezes_at__lt=F("draws_at")
                ),
                name="draws_draw_steps_in_order",
            ),
            models.CheckConstraint(
                condition=Q(frozen_at=None) | Q(frozen_at__lte=F("draws_at") - NOTICE),
                name="draws_draw_frozen_an_hour_before",
            ),
            models.CheckConstraint(
                condition=~Q(state="frozen")
                | (~Q(root="") & Q(frozen_at__isnull=False)),
                name="draws_draw_frozen_has_its_root",
            ),
            models.CheckConstraint(
                condition=~Q(state="drawn")
                | (~Q(seed="") & ~Q(root="") & Q(drawn_at__isnull=False)),
                name="draws_draw_drawn_has_its_seed",
            ),
            models.CheckConstraint(
                condition=~Q(state="void") | ~Q(void_reason=""),
                name="draws_draw_void_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.draw_id

    def get_absolute_url(self) -> str:
        return reverse("draws:draw", args=[self.draw_id])

    @property
    def says(self) -> dict[str, Any]:
        """What the rules say, read back from their text."""
        rules: dict[str, Any] = json.loads(self.rules)
        return rules

    @property
    def has_groups(self) -> bool:
        return bool(self.says["groups"])

    def takes_entries_at(self, moment: datetime) -> bool:
        return self.state == self.State.OPEN and moment < self.entries_close_at


class Pool(models.Model):
    """A heap of equal places within a draw; its prefix begins every entry's id."""

    draw = models.ForeignKey(
        Draw, verbose_name=_("draw"), on_delete=models.PROTECT, related_name="pools"
    )
    prefix = models.CharField(_("prefix"), max_length=8)
    name = models.CharField(_("name"), max_length=120)
    quota = models.PositiveIntegerField(_("places"))
    # The score of the last winner; empty while not drawn, or when nobody won.
    cutoff = models.CharField(_("cut-off score"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("pool of a draw")
        verbose_name_plural = _("pools of draws")
        constraints = [
            models.UniqueConstraint(
                fields=["draw", "prefix"], name="draws_pool_prefix_unique_in_draw"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.draw} / {self.prefix}"


class DrawEntry(models.Model):
    """One subject's chance in a draw. The public list holds its id, weight and commit.

    `subject` names who or what entered without telling: the keyed fingerprint of a
    person's ID number, or the code of a business. One entry per subject and draw.

    No index holds a column of the result, and pages are filled to less than a half
    (migration 0006): so a million results are written beside their rows, without
    touching an index. That ranks are unique is an invariant.
    """

    class Outcome(models.TextChoices):
        OPEN = "", _("not drawn yet")
        WON = "won", _("won")
        WAITING = "waiting", _("waiting list")

    draw = models.ForeignKey(
        Draw, verbose_name=_("draw"), on_delete=models.PROTECT, related_name="entries"
    )
    pool = models.ForeignKey(
        Pool, verbose_name=_("pool"), on_delete=models.PROTECT, related_name="entries"
    )
    person = models.ForeignKey(
        User,
        verbose_name=_("person"),
        on_delete=models.PROTECT,
        related_name="draw_entries",
        null=True,
        blank=True,
    )
    subject = models.CharField(_("subject"), max_length=64, editable=False)
    entry_id = models.CharField(_("entry"), max_length=24, unique=True)
    salt_sealed = models.BinaryField(editable=False)
    commit = models.CharField(_("commitment"), max_length=64)
    weight = models.PositiveSmallIntegerField(_("weight"), default=1)
    group_size = models.PositiveSmallIntegerField(_("size of the group"), default=1)
    entered_at = models.DateTimeField(_("entered at"))
    rank = models.PositiveIntegerField(_("rank in the pool"), null=True, blank=True)
    score = models.CharField(_("score"), max_length=64, blank=True)
    outcome = models.CharField(
        _("outcome"), max_length=7, choices=Outcome.choices, blank=True, default=""
    )

    objects = DrawEntryQuerySet.as_manager()

    class Meta:
        db_table = "draws_entry"
        verbose_name = _("entry in a draw")
        verbose_name_plural = _("entries in draws")
        constraints = [
            models.UniqueConstraint(
                fields=["draw", "subject"], name="draws_entry_one_per_subject"
            ),
            models.CheckConstraint(
                condition=Q(weight__gte=1, weight__lte=10),
                name="draws_entry_weight_is_1_to_10",
            ),
            models.CheckConstraint(
                condition=Q(group_size__gte=1, group_size__lte=50),
                name="draws_entry_group_is_sane",
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["", "won", "waiting"]),
                name="draws_entry_outcome_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.entry_id


class Beacon(models.Model):
    """A source of public randomness, named before anybody can know its value."""

    class Source(models.TextChoices):
        DRAND = "drand-quicknet", _("drand quicknet")
        KL8 = "fc-kl8", _("Welfare Lottery 快乐8")
        D3 = "fc-3d", _("Welfare Lottery 3D")
        SSQ = "fc-ssq", _("Welfare Lottery 双色球")

    draw = models.ForeignKey(
        Draw, verbose_name=_("draw"), on_delete=models.PROTECT, related_name="beacons"
    )
    position = models.PositiveSmallIntegerField(_("position"))
    source = models.CharField(_("source"), max_length=16, choices=Source.choices)
    issue = models.CharField(_("issue or round"), max_length=24)
    value = models.CharField(_("value"), max_length=200, blank=True)
    known_at = models.DateTimeField(_("known at"), null=True, blank=True)

    objects = BeaconQuerySet.as_manager()

    class Meta:
        verbose_name = _("source of randomness")
        verbose_name_plural = _("sources of randomness")
        constraints = [
            models.UniqueConstraint(
                fields=["draw", "position"], name="draws_beacon_one_per_position"
            ),
            models.UniqueConstraint(
                fields=["draw", "source", "issue"], name="draws_beacon_named_once"
            ),
            models.CheckConstraint(
                condition=Q(value="", known_at=None)
                | (~Q(value="") & Q(known_at__isnull=False)),
                name="draws_beacon_known_has_a_value",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source}:{self.issue}"

    @property
    def line(self) -> str:
        """The canonical line that goes into the seed."""
        return f"{self.source}:{self.issue}:{self.value}"


class BeaconReading(models.Model):
    """A value as one member of staff typed it; two different people must agree."""

    beacon = models.ForeignKey(
        Beacon,
        verbose_name=_("source"),
        on_delete=models.PROTECT,
        related_name="readings",
    )
    value = models.CharField(_("value"), max_length=200)
    read_by = models.ForeignKey(
        User, verbose_name=_("read by"), on_delete=models.PROTECT, related_name="+"
    )
    read_at = models.DateTimeField(pgettext_lazy("a result", "read at"))

    class Meta:
        verbose_name = _("reading of a source")
        verbose_name_plural = _("readings of sources")
        constraints = [
            models.UniqueConstraint(
                fields=["beacon", "read_by"], name="draws_beaconreading_one_per_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.beacon}: {self.value}"


class LogLine(models.Model):
    """A public step of a draw; each line carries the hash of the one before it.

    UPDATE and DELETE are refused by a trigger. `line_hash` is of the whole line as it
    stands in log.jsonl, its LF included.
    """

    draw = models.ForeignKey(
        Draw, verbose_name=_("draw"), on_delete=models.PROTECT, related_name="log"
    )
    position = models.PositiveIntegerField(_("position"))
    step = models.CharField(_("step"), max_length=20)
    at = models.DateTimeField(_("at"))
    detail = models.TextField(_("detail (canonical JSON)"))
    previous_hash = models.CharField(_("hash before"), max_length=64)
    line_hash = models.CharField(_("hash"), max_length=64)

    objects = LogLineQuerySet.as_manager()

    class Meta:
        verbose_name = _("public step of a draw")
        verbose_name_plural = _("public steps of draws")
        constraints = [
            models.UniqueConstraint(
                fields=["draw", "position"], name="draws_logline_in_order"
            ),
            models.UniqueConstraint(
                fields=["line_hash"], name="draws_logline_hash_is_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.draw} {self.position} {self.step}"

    def as_line(self, draw_id: str) -> str:
        """The line of log.jsonl, without its LF."""
        return sportdraw.log_line(
            draw_id=draw_id,
            position=self.position,
            step=self.step,
            at=moment_text(self.at),
            detail=json.loads(self.detail),
            previous=self.previous_hash,
        )


class PublishedPart(models.Model):
    """A piece of a published file, as it was published, 1,024 lines long.

    entries.csv and results.csv are facts of their moment: they are written once, in the
    transaction of their step, and a trigger refuses UPDATE and DELETE. The pieces of
    entries.csv carry the root of their lines, so that the proof of one entry among a
    million reads one piece.
    """

    LINES = 1024  # a power of two, so that a piece is a full subtree

    class Name(models.TextChoices):
        ENTRIES = "entries.csv", _("list of entries")
        RESULTS = "results.csv", _("results")

    draw = models.ForeignKey(
        Draw, verbose_name=_("draw"), on_delete=models.PROTECT, related_name="parts"
    )
    name = models.CharField(_("file"), max_length=16, choices=Name.choices)
    position = models.PositiveIntegerField(_("position"))
    first = models.CharField(_("first entry"), max_length=24)
    root = models.BinaryField(_("root of its lines"), max_length=32)
    body = models.BinaryField(_("lines"))

    objects = PublishedPartQuerySet.as_manager()

    class Meta:
        verbose_name = _("piece of a published file")
        verbose_name_plural = _("pieces of published files")
        constraints = [
            models.UniqueConstraint(
                fields=["draw", "name", "position"],
                name="draws_publishedpart_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.draw} {self.name} {self.position}"


def moment_text(moment: datetime) -> str:
    """A moment as the rules and the log write it: 2026-11-22T20:00:00+08:00."""
    return moment.astimezone(clock.CHINA).isoformat(timespec="seconds")
