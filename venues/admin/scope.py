"""Staff see their own districts only, whatever page they open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget

from bureau.accounts.models import User
from bureau.audit.admin import HistoryFromAudit
from bureau.common.errors import DomainError
from bureau.common.fields import MinuteOfDayField
from bureau.regions.models import District
from bureau.regions.queries import districts_of
from venues.models import Bookable, Unit, Venue

Rows = TypeVar("Rows", bound=QuerySet[Any, Any])
View = Callable[..., HttpResponse]


class StaffRequest(HttpRequest):
    """Behind the admin's own door the user is a person (for type checkers)."""

    user: User


def in_my_districts(rows: Rows, request: HttpRequest, *, path: str) -> Rows:
    """`rows` that lie in the reader's districts; `path` leads from a row to one."""
    if isinstance(request.user, AnonymousUser):
        return rows.none()
    mine = districts_of(request.user)
    return rows if mine is None else rows.filter(**{f"{path}__in": mine})


# From a row of a model that a form offers to its district.
_PATHS: dict[type[Model], str] = {
    District: "pk",
    Venue: "district",
    Unit: "venue__district",
    Bookable: "venue__district",
}


class OrNotFound(ModelAdmin):
    """A row that is not there, or not for this reader, is a plain 404."""

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found

    # Saving and deleting call actions; where one of them says no, it is told, and
    # nothing of the page's transaction stays.

    def changeform_view(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        return self._or_told(super().changeform_view, request, *args, **kwargs)

    def delete_view(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        return self._or_told(super().delete_view, request, *args, **kwargs)

    def changelist_view(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        return self._or_told(super().changelist_view, request, *args, **kwargs)

    def _or_told(
        self, view: View, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except DomainError as refusal:
            if request.method != "POST":
                raise
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())


class ForPostedStaff(OrNotFound):
    """Rows that know no district: for who is posted to one, and for the city's staff.

    Who works at the gates of a venue reads its tables, and no list of persons.
    """

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        user = request.user
        return (
            rows
            if isinstance(user, User) and districts_of(user) != set()
            else (rows.none())
        )


class ScopedAdmin(HistoryFromAudit, OrNotFound):
    """A table of rows that belong to a district; another's are not there."""

    district_path = "venue__district"
    # A time of day is typed as 09:30: a field for numbers would show nothing.
    formfield_overrides = {MinuteOfDayField: {"widget": UnfoldAdminTextInputWidget}}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return in_my_districts(rows, request, path=self.district_path)

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        model = db_field.remote_field.model
        if model in _PATHS:
            rows = in_my_districts(model.objects.all(), request, path=_PATHS[model])
            if model in (Unit, Bookable):
                rows = rows.select_related("venue")  # for their names
            kwargs["queryset"] = rows
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
