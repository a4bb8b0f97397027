from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline

from bureau.audit.admin import HistoryFromAudit, ReadOnly
from bureau.common import clock
from bureau.workdays import actions
from bureau.workdays.models import (
    CalendarYear,
    DayRule,
    Deadline,
    DeadlineEvent,
    Pause,
    SchoolBreak,
)


class DaysOfOneYear(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """The special days of a year: each in it, none twice."""

    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            day = (
                form.cleaned_data.get("day") if hasattr(form, "cleaned_data") else None
            )
            if day and self.instance.year and day.year != self.instance.year:
                form.add_error("day", _("This day is not in the year."))


class DayInline(TabularInline):
    model = DayRule
    formset = DaysOfOneYear
    fields = ["day", "kind", "name"]
    ordering = ["day"]
    extra = 3

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest | None, **kwargs: Any
    ) -> Any:
        """A cell of the table has no label of its own, only the head of its column."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name in self.fields:
            field.widget.attrs["aria-label"] = db_field.verbose_name
        return field


@admin.register(CalendarYear)
class CalendarYearAdmin(HistoryFromAudit, ModelAdmin):
    """A year and its special days; saving them recomputes the deadlines in it."""

    records_own_writes = False
    list_display = ["year", "version", "source", "changed_at"]
    fields = ["year"]
    ordering = ["-year"]
    inlines = [DayInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["year"] if obj else []

    def has_delete_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: CalendarYear, form: Any, change: Any
    ) -> None:
        if not change:
            # The inline form needs a row; the action below fills it.
            obj.source, obj.changed_at = CalendarYear.Source.STAFF, clock.now()
            obj.save()

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: Any
    ) -> None:
        days = {
            row["day"]: (row["kind"], row["name"])
            for formset in formsets
            for row in formset.cleaned_data
            if row and not row.get("DELETE")
        }
        for formset in formsets:
            formset.new_objects = formset.changed_objects = []
            formset.deleted_objects = []
        user: Any = request.user
        actions.set_year(year=form.instance.year, days=days, by=user)


class SchoolBreakForm(forms.ModelForm[SchoolBreak]):
    class Meta:
        model = SchoolBreak
        fields = ["name", "first_on", "last_on"]


@admin.register(SchoolBreak)
class SchoolBreakAdmin(HistoryFromAudit, ModelAdmin):
    """The holidays of the city's schools, as the education bureau announces them."""

    records_own_writes = False
    form = SchoolBreakForm
    list_display = ["name", "first_on", "last_on"]
    search_fields = ["name"]
    date_hierarchy = "first_on"
    ordering = ["-first_on"]

    def save_model(
        self, request: HttpRequest, obj: SchoolBreak, form: Any, change: Any
    ) -> None:
        user: Any = request.user
        actions.set_school_break(
            name=obj.name,
            first_on=obj.first_on,
            last_on=obj.last_on,
            by=user,
            school_break=obj,
        )

    def delete_model(self, request: HttpRequest, obj: SchoolBreak) -> None:
        user: Any = request.user
        actions.drop_school_break(school_break=obj, by=user)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for row in queryset.order_by("pk"):
            self.delete_model(request, row)


class PauseInline(TabularInline):
    model = Pause
    extra = 0
    can_delete = False
    fields = readonly_fields = ["from_at", "until_at", "reason"]

    def has_add_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False


class EventInline(TabularInline):
    model = DeadlineEvent
    extra = 0
    can_delete = False
    fields = readonly_fields = [
        "what",
        "occurred_at",
        "due_before_at",
        "due_after_at",
        "reason",
        "by",
        "approver",
    ]
    ordering = ["pk"]

    def has_add_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False


@admin.register(Deadline)
class DeadlineAdmin(HistoryFromAudit, ReadOnly):
    list_display = [
        "rule",
        "subject_type",
        "subject_id",
        "due_at",
        "original_due_at",
        "is_provisional",
        "overdue_at",
        "closed_at",
    ]
    list_filter = [
        "rule",
        "is_provisional",
        ("overdue_at", admin.EmptyFieldListFilter),
        ("closed_at", admin.EmptyFieldListFilter),
        ("paused_at", admin.EmptyFieldListFilter),
    ]
    search_fields = ["=subject_id", "rule"]
    date_hierarchy = "due_at"
    ordering = ["due_at", "pk"]
    inlines = [PauseInline, EventInline]
