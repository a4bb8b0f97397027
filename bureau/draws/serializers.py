from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bureau.draws import actions, queries
from bureau.draws.models import Beacon, Draw, DrawEntry, Pool


class PoolOutput(serializers.ModelSerializer[Pool]):
    class Meta:
        model = Pool
        fields = ["prefix", "name", "quota", "cutoff"]
        read_only_fields = fields


class BeaconOutput(serializers.ModelSerializer[Beacon]):
    class Meta:
        model = Beacon
        fields = ["source", "issue", "value", "known_at"]
        read_only_fields = fields


class PublishedFileOutput(serializers.Serializer[queries.PublishedFile]):
    name = serializers.CharField()
    sha256 = serializers.CharField(allow_blank=True)
    path = serializers.CharField()


class DrawOutput(serializers.ModelSerializer[Draw]):
    """A draw as lists show it."""

    class Meta:
        model = Draw
        fields = [
            "draw_id",
            "title",
            "state",
            "announced_at",
            "entries_close_at",
            "freezes_at",
            "draws_at",
            "entry_count",
            "frozen_at",
            "drawn_at",
            "void_reason",
        ]
        read_only_fields = fields


class DrawDetailOutput(DrawOutput):
    """A draw with all that a check needs; the files say the rest."""

    pools = PoolOutput(many=True)
    beacons = serializers.SerializerMethodField()
    files = serializers.SerializerMethodField()

    class Meta(DrawOutput.Meta):
        fields = [
            *DrawOutput.Meta.fields,
            "weight_sum",
            "rules_hash",
            "entries_hash",
            "root",
            "seed",
            "results_hash",
            "pools",
            "beacons",
            "files",
        ]
        read_only_fields = fields

    @extend_schema_field(BeaconOutput(many=True))
    def get_beacons(self, draw: Draw) -> Any:
        return BeaconOutput(draw.beacons.order_by("position"), many=True).data

    @extend_schema_field(PublishedFileOutput(many=True))
    def get_files(self, draw: Draw) -> Any:
        return [
            {
                "name": one.name,
                "sha256": one.sha256,
                "path": reverse("draws:file", args=[draw.draw_id, one.name]),
            }
            for one in queries.files_of(draw)
        ]


class EntryOutput(serializers.ModelSerializer[DrawEntry]):
    """One's own entry, with its receipt."""

    draw = serializers.CharField(source="draw.draw_id")
    title = serializers.CharField(source="draw.title")
    state = serializers.ChoiceField(
        source="draw.state", choices=Draw.State.choices, read_only=True
    )
    pool = serializers.CharField(source="pool.name")
    salt = serializers.SerializerMethodField()

    class Meta:
        model = DrawEntry
        fields = [
            "entry_id",
            "draw",
            "title",
            "state",
            "pool",
            "salt",
            "commit",
            "weight",
            "group_size",
            "entered_at",
            "rank",
            "score",
            "outcome",
        ]
        read_only_fields = fields

    def get_salt(self, entry: DrawEntry) -> str:
        """32 hex digits; with the ID number they open the commitment."""
        return actions.receipt_of(entry).salt


class ProofOutput(serializers.Serializer[Any]):
    """All that a check of one entry needs; what is not known yet is empty."""

    version = serializers.CharField()
    draw_id = serializers.CharField()
    title = serializers.CharField()
    state = serializers.CharField()
    frozen_at = serializers.CharField()
    draws_at = serializers.CharField()
    entry_id = serializers.CharField()
    weight = serializers.IntegerField()
    commit = serializers.CharField()
    group_size = serializers.IntegerField()
    entries = serializers.IntegerField()
    # The metaclass takes the fields out of the class: DRF's own `root` is untouched.
    root = serializers.CharField()  # type: ignore[assignment]
    path = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="From the bottom up: the side of the sibling (L or R) and its hash.",
    )
    rules_hash = serializers.CharField()
    beacons = serializers.ListField(child=serializers.CharField())
    seed = serializers.CharField(allow_blank=True)
    pool = serializers.CharField()
    places = serializers.IntegerField()
    rank = serializers.IntegerField(allow_null=True)
    score = serializers.CharField(allow_blank=True)
    cutoff = serializers.CharField(allow_blank=True)
    won = serializers.BooleanField()
