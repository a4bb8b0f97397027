from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget

from bureau.common.errors import DomainError
from bureau.photos.providers import read_picture
from venues import actions
from venues.admin.scope import ScopedAdmin, StaffRequest
from venues.models import VenuePhoto


class NewPhotoForm(forms.ModelForm[VenuePhoto]):
    """A new picture; it is read here too, so that a refusal stands beside the field."""

    file = forms.FileField(
        label=_("Picture"),
        help_text=_(
            "JPEG, PNG, WebP or HEIC. Places and times in the file are removed."
        ),
        widget=UnfoldAdminFileFieldWidget,
    )

    class Meta:
        model = VenuePhoto
        fields = ["venue", "caption", "position"]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        try:
            read_picture(file)
        except DomainError as refusal:
            raise forms.ValidationError(str(refusal), code=refusal.code) from refusal
        file.seek(0)
        return file


@admin.register(VenuePhoto)
class VenuePhotoAdmin(ScopedAdmin):
    list_display = ["picture", "venue", "caption", "position"]
    list_display_links = ["picture", "caption"]
    list_filter = [("venue", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["venue", "photo"]
    search_fields = ["venue__name", "caption"]
    ordering = ["venue__name", "position", "pk"]
    fields = ["picture", "venue", "caption", "position"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[VenuePhoto]:
        rows: QuerySet[VenuePhoto] = super().get_queryset(request)
        return rows.select_related("venue", "photo")

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = NewPhotoForm
        return super().get_form(request, obj, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.fields if obj else ["venue", "file", "caption", "position"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["picture", "venue"] if obj else []

    @display(description=_("picture"))
    def picture(self, shown: VenuePhoto) -> SafeString:
        return format_html(
            '<img src="{}" width="160" alt="{}">',
            shown.photo.get_absolute_url(),
            shown.caption or shown.venue,  # the link of a row has no other words
        )

    def save_model(
        self, request: StaffRequest, obj: VenuePhoto, form: Any, change: bool
    ) -> None:
        if change:
            actions.describe_venue_photo(
                shown=obj, caption=obj.caption, position=obj.position, by=request.user
            )
            return
        added = actions.add_venue_photo(
            venue=obj.venue,
            file=form.cleaned_data["file"],
            caption=obj.caption,
            position=obj.position,
            by=request.user,
        )
        obj.pk, obj.photo = added.pk, added.photo

    def delete_model(self, request: StaffRequest, obj: VenuePhoto) -> None:
        actions.remove_venue_photo(shown=obj, by=request.user)

    def delete_queryset(
        self, request: StaffRequest, queryset: QuerySet[VenuePhoto]
    ) -> None:
        for shown in queryset.order_by("pk"):
            actions.remove_venue_photo(shown=shown, by=request.user)
