"""Many businesses and shops from one file: looked at first, and then entered."""

from __future__ import annotations

import base64

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import action

from bureau.common.errors import DomainError
from bureau.common.workbooks import CONTENT_TYPE
from bureau.regions.queries import districts_of
from venues.admin.pages import show
from venues.admin.scope import StaffRequest
from vouchers import actions
from vouchers.actions.merchant_imports import Outcome, read_rows, template
from vouchers.forms.staff_merchants import ImportForm


class ImportPages(ModelAdmin):
    """The page beside the list of businesses."""

    @action(
        description=gettext_lazy("Import"), url_path="import", permissions=["decide"]
    )
    def import_file(self, request: StaffRequest) -> HttpResponse:
        """Look first, then enter: the second step brings the same file along."""
        if districts_of(request.user) is not None:
            raise PermissionDenied  # shops of all districts may be in it
        if "template" in request.GET:
            response = HttpResponse(template(), content_type=CONTENT_TYPE)
            response["Content-Disposition"] = 'attachment; filename="merchants.xlsx"'
            return response
        form = ImportForm(request.POST or None, request.FILES or None)
        outcomes: list[Outcome] = []
        content = b""
        if form.is_valid():
            content = form.content
            is_sure = "enter" in request.POST
            try:
                outcomes = actions.import_merchants(
                    rows=read_rows(content), dry_run=not is_sure, by=request.user
                )
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                wrong = any(one.what == "wrong" for one in outcomes)
                if is_sure and not wrong:
                    messages.success(request, _told(outcomes))
                    return HttpResponseRedirect(
                        reverse("admin:vouchers_merchant_changelist")
                    )
        return show(
            self,
            request,
            "admin/vouchers/import_merchants.html",
            title=_("Import businesses and shops"),
            form=form,
            outcomes=outcomes,
            is_good=bool(outcomes) and all(one.what != "wrong" for one in outcomes),
            told=_told(outcomes),
            content=base64.b64encode(content).decode(),
        )


def _told(outcomes: list[Outcome]) -> str:
    counts = dict.fromkeys(("new", "shop", "same", "wrong"), 0)
    for outcome in outcomes:
        counts[outcome.what] += 1
    words = _(
        "New businesses: %(new)s; further shops: %(shop)s; known already: %(same)s; "
        "wrong: %(wrong)s."
    )
    return words % counts
