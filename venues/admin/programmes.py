"""What was held for the public at the venues; the subsidy report counts it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter

from bureau.common.errors import DomainError
from venues import actions
from venues.admin.scope import ScopedAdmin, StaffRequest
from venues.models import Programme


class ProgrammeForm(forms.ModelForm):  # type: ignore[type-arg]
    """What the action would refuse is said beside the form, before it is sent on."""

    class Meta:
        model = Programme
        fields = ["venue", "kind", "title", "first_on", "last_on", "persons"]

    def clean(self) -> dict[str, Any]:
        super().clean()
        given = self.cleaned_data
        if all(given.get(name) for name in ("first_on", "last_on", "persons")):
            try:
                actions.check_programme(
                    first_on=given["first_on"],
                    last_on=given["last_on"],
                    persons=given["persons"],
                )
            except DomainError as refusal:
                self.add_error(None, str(refusal))
        elif given.get("persons") == 0:
            self.add_error("persons", _("Give the person-times: at least one."))
        return given


@admin.register(Programme)
class ProgrammeAdmin(ScopedAdmin):
    """Events and trainings; one row for each, with its person-times."""

    records_own_writes = False
    form = ProgrammeForm
    list_display = [
        "title",
        "venue",
        "kind",
        "first_on",
        "last_on",
        "persons",
        "recorded_by",
    ]
    list_filter = [
        "kind",
        ("venue__district", admin.RelatedOnlyFieldListFilter),
        ("venue", admin.RelatedOnlyFieldListFilter),
        ("first_on", RangeDateFilter),
    ]
    list_filter_submit = True
    list_select_related = ["venue", "recorded_by"]
    list_per_page = 50
    search_fields = ["title", "venue__name", "venue__name_en"]
    date_hierarchy = "first_on"
    ordering = ["-first_on", "-pk"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["venue", "recorded_by"] if obj else []

    def save_model(
        self, request: StaffRequest, obj: Programme, form: Any, change: bool
    ) -> None:
        given: dict[str, Any] = {
            "kind": obj.kind,
            "title": obj.title,
            "first_on": obj.first_on,
            "last_on": obj.last_on,
            "persons": obj.persons,
            "by": request.user,
        }
        if change:
            actions.correct_programme(programme=obj, **given)
        else:
            obj.pk = actions.record_programme(venue=obj.venue, **given).pk

    def delete_model(self, request: StaffRequest, obj: Programme) -> None:
        actions.drop_programme(programme=obj, by=request.user)

    def delete_queryset(
        self, request: StaffRequest, queryset: QuerySet[Programme]
    ) -> None:
        for row in queryset.order_by("pk"):
            self.delete_model(request, row)
