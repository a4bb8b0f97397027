"""The subsidy report of a venue's year: what it says, and the file to hand in."""

from __future__ import annotations

from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import action

from bureau.common import clock
from bureau.common.workbooks import CONTENT_TYPE
from venues.admin.pages import show
from venues.admin.scope import StaffRequest
from venues.models import Venue
from venues.queries.subsidies import (
    subsidy_file_name,
    subsidy_workbook,
    subsidy_year,
    summary_rows,
)

YEARS_BACK = 3


class SubsidyPages(ModelAdmin):
    """The part of a venue's staff pages that reports its year."""

    def has_subsidy_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("venues.view_programme")

    @action(
        description=gettext_lazy("Subsidy report"),
        url_path="subsidy",
        permissions=["subsidy"],
    )
    def subsidy(self, request: StaffRequest, object_id: str) -> HttpResponse:
        venue: Venue = self.get_object(request, object_id)
        years = _years()
        asked = request.GET.get("year", str(years[0]))
        if asked not in map(str, years):
            raise Http404
        found = subsidy_year(venue, year=int(asked), at=clock.now())
        if request.GET.get("format") == "xlsx":
            answer = HttpResponse(subsidy_workbook(found), content_type=CONTENT_TYPE)
            name = subsidy_file_name(found)
            answer["Content-Disposition"] = f'attachment; filename="{name}"'
            return answer
        return show(
            self,
            request,
            "admin/venues/subsidy.html",
            row=venue,
            title=_("Subsidy report %(year)s: %(venue)s")
            % {"year": found.year, "venue": venue},
            form=Form(),
            venue=venue,
            found=found,
            rows=summary_rows(found)[1:],
            years=years,
        )


def _years() -> list[int]:
    """The years to choose from, the newest first."""
    this = clock.today().year
    return [this - n for n in range(YEARS_BACK)]
