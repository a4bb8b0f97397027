"""Settlements of a whole campaign are prepared by a worker: how far it is."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from bureau.common.money import yuan
from vouchers.admin.settlements.money import OfTheCity
from vouchers.models import Merchant, SettlementRun


@admin.register(SettlementRun)
class SettlementRunAdmin(OfTheCity):
    """How far a preparation is, and what came of it."""

    list_display = [
        "campaign",
        "from_on",
        "until_on",
        "asked_by",
        "asked_at",
        "progress",
    ]
    list_filter = [("campaign", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["campaign", "asked_by"]
    ordering = ["-pk"]
    fields = readonly_fields = [
        "campaign",
        "from_on",
        "until_on",
        "asked_by",
        "asked_at",
        "finished_at",
        "progress",
        "outcome",
    ]

    @display(description=gettext_lazy("how far it is"))
    def progress(self, run: SettlementRun) -> SafeString:
        return format_html(
            '<progress max="{}" value="{}"></progress> {} / {}',
            run.merchants,
            run.done,
            run.done,
            run.merchants,
        )

    @display(description=gettext_lazy("what came of it"))
    def outcome(self, run: SettlementRun) -> SafeString:
        names = dict(
            Merchant.objects.filter(pk__in=list(run.results)).values_list("pk", "name")
        )
        lines = []
        for key, result in run.results.items():
            told = (
                result
                if isinstance(result, str)
                else _("carried over: ¥%(yuan)s") % {"yuan": yuan(result)}
            )
            lines.append(f"{names.get(int(key), key)}: {told}")
        if run.finished_at is None:
            lines.append(_("Still at work. Look again in a moment."))
        return format_html('<pre class="wire">{}</pre>', "\n".join(lines))
