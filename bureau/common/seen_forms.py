"""Staff tables whose forms are refused when the row changed since they were read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from django import forms
from django.db.models import Field, Model
from django.forms.models import BaseModelForm, ModelChoiceField, _get_foreign_key
from django.http import HttpRequest
from django.template.defaultfilters import yesno
from django.utils.encoding import force_str
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin

from bureau.common.errors import ChangedMeanwhile
from bureau.common.seen import SeenField, lock_form_of, mark_of
from bureau.common.words import listed


class SeenForms(ModelAdmin):
    """What a form may write: the columns that it shows, and the rows inside of it.

    See bureau/common/seen.py for why.
    """

    # Inside of the form; a field in a fieldset would have a line of its own.
    change_form_after_template = "admin/_seen.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        names: Iterable[Any] = super().get_fields(request, obj)
        return [name for name in names if name != "seen"]

    def get_form(
        self, request: HttpRequest, obj: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, *args, **kwargs)
        if (
            obj is None
            or obj.pk is None
            or not self.has_change_permission(request, obj)
        ):
            return form
        parts = list(self._parts_of(request, obj, form.base_fields))

        def marks() -> str:
            return ",".join(mark_of(list(rows.all())) for _title, rows in parts)

        told = {
            "seen": SeenField(),
            "marks": staticmethod(marks),
            "titles": [str(title) for title, _rows in parts],
        }
        return type(form)(form.__name__, (_SeenForm, form), told)

    def _parts_of(
        self, request: HttpRequest, row: Model, shown: Collection[str]
    ) -> Iterator[tuple[Any, Any]]:
        """What a form of the row writes: a title, and rows of values as they are.

        A form with fields of its own may write any column by them.
        """
        fixed = self.get_readonly_fields(request, row)
        columns = {field.name for field in self.opts.get_fields()}
        if set(shown) <= columns:
            fixed = [one.name for one in _writable(row) if one.name not in shown]
        own = [one.attname for one in _writable(row) if one.name not in fixed]
        if own:
            written = _rows_of(type(row)).filter(pk=row.pk).values_list(*own)
            yield self.opts.verbose_name, written
        for field in self.opts.many_to_many:
            if field.name in shown:
                related = getattr(row, field.name).order_by("pk")
                yield field.verbose_name, related.values_list("pk")
        for inline in self.get_inline_instances(request, row):
            if inline.has_change_permission(request, row):
                link = _get_foreign_key(self.model, inline.model, inline.fk_name).name
                names = [one.attname for one in _writable(inline.model)]
                found = _rows_of(inline.model).filter(**{link: row}).order_by("pk")
                yield inline.opts.verbose_name_plural, found.values_list("pk", *names)


def _rows_of(model: type[Model]) -> Any:
    return model._base_manager  # noqa: SLF001 - Django's own name for all of them


def _writable(model: type[Model] | Model) -> list[Field[Any, Any]]:
    fields: Iterable[Field[Any, Any]] = model._meta.concrete_fields
    return [one for one in fields if one.editable and not one.primary_key]


class _SeenForm(BaseModelForm):  # type: ignore[type-arg]
    """A form of a row that is there already; see `SeenForms`.

    Who sends no mark has read no page of ours: a program, which says what it wants.
    """

    seen: Any
    marks: Any
    titles: list[str]

    def __init__(self, *args: Any, **given: Any) -> None:
        """Read the mark before what it is of.

        A row that changes in between is refused for nothing, and never undone unseen.
        """
        is_page = not (args and args[0] is not None) and given.get("data") is None
        mark = self.marks() if is_page else ""
        if is_page:
            given["instance"].refresh_from_db()
        super().__init__(*args, **given)
        if is_page:
            self.initial["seen"] = mark

    def clean(self) -> Any:
        given = super().clean()
        if self.add_prefix("seen") not in self.data:
            return given
        lock_form_of(self.instance)
        was = self.cleaned_data.get("seen", "").split(",")
        now = self.marks().split(",")
        if was == now:
            return given
        other = [
            title
            for place, title in enumerate(self.titles)
            if place >= len(was) or was[place] != now[place]
        ]
        self.add_error(None, str(ChangedMeanwhile(what=listed(map(capfirst, other)))))
        self._tell_what_it_says_now()
        return given

    def _tell_what_it_says_now(self) -> None:
        """At each field that would write something else than there is."""
        row = _rows_of(type(self.instance)).get(pk=self.instance.pk)
        fresh = type(self)(instance=row)
        for name, field in self.fields.items():
            current = fresh.get_initial_for_field(field, name)
            if not field.disabled and field.has_changed(current, self[name].data):
                told = _("Saved is: %(value)s") % {"value": _in_words(fresh[name])}
                self.add_error(name, told)


def _in_words(shown: forms.BoundField) -> str:
    field, value = shown.field, shown.value()
    if value in (None, "", []):
        return "–"
    if isinstance(value, bool):
        return str(yesno(value))
    if isinstance(field, ModelChoiceField):
        keys = value if isinstance(value, list) else [value]
        rows: Any = field.queryset
        rows = rows.filter(pk__in=[getattr(key, "pk", key) for key in keys])
        return listed(field.label_from_instance(row) for row in rows)
    if isinstance(field, forms.ChoiceField):
        offered: Any = field.choices
        words = {force_str(key): str(label) for key, label in offered}
        keys = value if isinstance(value, list) else [value]
        return listed(words.get(force_str(key), str(key)) for key in keys)
    return str(value)
