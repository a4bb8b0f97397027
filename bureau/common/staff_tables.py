from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.core.exceptions import FieldDoesNotExist
from django.db.models import AutoField, Model
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest
from django.utils.functional import Promise

from bureau.common.seen_forms import SeenForms


class Badge(NamedTuple):
    """A state as `@display(label={…})` colours it in a list: its code, and its words.

    A row's own page writes any value as text, and a plain pair as Python does.
    """

    code: str
    words: str | Promise

    def __str__(self) -> str:
        return str(self.words)


@dataclass(frozen=True)
class _AsText:
    """A related row in words, in the place of a link that would lead to a 403."""

    field: str
    short_description: str

    @property
    def __name__(self) -> str:  # the name of the field in the page
        return self.field

    def __call__(self, row: Model) -> str:
        related = getattr(row, self.field)
        return "–" if related is None else str(related)


class StaffTable(SeenForms):
    """A table for staff that shows and answers what the reader may see, and no more.

    Django lets `?phone__startswith=138` ask for any column, so that what a page masks
    could be read character by character. Here an address asks for what the table shows;
    searching is for `search_fields`. And Django links every related row, whoever reads;
    here who may not open its page sees its name alone.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        name = lookup.split(LOOKUP_SEP, maxsplit=1)[0]
        return self._may_ask_for(name, request) and super().lookup_allowed(
            lookup, value, request
        )

    def opens_every_row(self, request: HttpRequest) -> bool:
        """Whether a link to any row leads the reader to its page."""
        return self.has_view_permission(request)

    def offers(self, name: str, row: Any, request: HttpRequest) -> bool:  # noqa: ARG002
        """Whether a row's page shows the button of an action that they may press.

        For what can be seen from the row: who presses a button that was there a moment
        ago is told why not by the action itself.
        """
        return True

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        shown = super().get_actions_detail(request, object_id)
        row = self.get_object(request, str(object_id))
        start = f"{self.opts.app_label}_{self.opts.model_name}_"
        return [
            one
            for one in shown
            if row is None
            or self.offers(one.action_name.removeprefix(start), row, request)
        ]

    def _may_ask_for(self, name: str, request: HttpRequest) -> bool:
        try:
            field = self.opts.pk if name == "pk" else self.opts.get_field(name)
        except FieldDoesNotExist:
            return True  # what the table itself has counted
        if field.is_relation or isinstance(field, AutoField):
            return True  # further than the key, Django itself allows only filters
        filters = [
            one[0] if isinstance(one, (list, tuple)) else one
            for one in self.get_list_filter(request)
        ]
        shown = [*self.get_list_display(request), *filters, self.date_hierarchy]
        return name in shown

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed: Sequence[Any] = super().get_readonly_fields(request, obj)
        return [self._readable(one, request) for one in fixed]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed = self.get_readonly_fields(request, obj)
        texts = {one.field: one for one in fixed if isinstance(one, _AsText)}
        looks_only = not self.has_change_permission(request, obj)

        def readable(name: Any) -> Any:
            if isinstance(name, (list, tuple)):  # several in one line
                return [readable(one) for one in name]
            if looks_only:
                return self._readable(name, request)
            return texts.get(name, name) if isinstance(name, str) else name

        sets: Iterable[tuple[Any, Any]] = super().get_fieldsets(request, obj)
        return [
            (title, {**options, "fields": [readable(one) for one in options["fields"]]})
            for title, options in sets
        ]

    def _readable(self, name: Any, request: HttpRequest) -> Any:
        """The name of a field, or words where it would be a link that does not open."""
        try:
            field = self.opts.get_field(name) if isinstance(name, str) else None
        except FieldDoesNotExist:
            return name
        if field is None or not (field.many_to_one or field.one_to_one):
            return name
        model = field.related_model
        if not self.admin_site.is_registered(model):
            return name  # Django has nowhere to link to either
        table = self.admin_site.get_model_admin(model)
        if (
            table.opens_every_row(request)
            if isinstance(table, StaffTable)
            else table.has_view_permission(request)
        ):
            return name
        return _AsText(name, str(getattr(field, "verbose_name", name)))
