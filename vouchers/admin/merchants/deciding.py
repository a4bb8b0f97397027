"""Who decides about a business, and what they look at first.

Photos of its papers, the check digit of its code, and what it has in common with
others: the same for an application and for a change that an approved business asks for.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from bureau.common import credit_codes
from bureau.photos.models import Photo
from venues.admin.pages import page_of
from vouchers import queries
from vouchers.models import Merchant, MerchantChange


class Decides:
    """Who may decide about businesses."""

    def has_decide_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("vouchers.decide_merchant")


def papers(row: Merchant | MerchantChange) -> SafeString:
    """Photos of licence and permit; the same file sent for another is said so."""
    found = []
    for photo in queries.papers_of(row):
        again = Photo.objects.used_before(photo).count()
        words = _("This very file was sent before for something else.") if again else ""
        address, what = photo.get_absolute_url(), photo.get_purpose_display()
        found.append((address, address, what, what, words))
    return format_html_join(
        "",
        '<figure class="inline-block mr-4"><a href="{}"><img src="{}" width="320" '
        'alt="{}"></a><figcaption>{} <strong>{}</strong></figcaption></figure>',
        found,
    ) or SafeString("–")


def verdict(code: str) -> str:
    """What the check digit says of a code."""
    try:
        credit_codes.parse(code)
    except credit_codes.BadCreditCode:
        return _("The check digit is wrong.")
    return _("The check digit is right.")


def twins(merchant: Merchant, change: MerchantChange | None = None) -> SafeString:
    """Other businesses with something in common."""
    rows = [
        (page_of(twin.merchant), twin.merchant, twin.same)
        for twin in queries.twins_of(merchant, change)
    ]
    line = '<p><a class="text-primary-600 underline" href="{}">{}</a>: {}</p>'
    return format_html_join("", line, rows) or SafeString("–")
