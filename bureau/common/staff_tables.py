from __future__ import annotations

from django.core.exceptions import FieldDoesNotExist
from django.db.models import AutoField
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest
from unfold.admin import ModelAdmin


class StaffTable(ModelAdmin):
    """A table for staff whose address asks for what it shows, and for nothing else.

    Django lets `?phone__startswith=138` ask for any column, so that what a page masks
    could be read character by character. Searching is for `search_fields`.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        name = lookup.split(LOOKUP_SEP, maxsplit=1)[0]
        return self._may_ask_for(name, request) and super().lookup_allowed(
            lookup, value, request
        )

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
