"""An auditor sends something to each address of the portal, and none takes it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import Settings

from bureau.accounts.middleware import AuditorsOnlyRead
from tests import make
from tests.portal.test_auditor import auditor, contents

pytestmark = pytest.mark.django_db

OWN = AuditorsOnlyRead.about_oneself
# Before all other middleware: it wants a turn from the waiting room, which an auditor
# cannot ask for.
CLAIMS = "/vouchers/claim"


def patterns(under: URLResolver | None = None, start: str = "") -> Iterator[str]:
    for one in (under or get_resolver()).url_patterns:
        if isinstance(one, URLPattern):
            yield start + str(one.pattern)
        else:
            yield from patterns(one, start + str(one.pattern))


def addresses() -> Iterator[str]:
    """Every address of the portal, with a row that is there where it is a table's."""
    first = {
        f"admin/{model._meta.app_label}/{model._meta.model_name}/": row.pk
        for model in admin.site._registry
        if (row := model._base_manager.order_by("pk").first())
    }
    for pattern in patterns():
        table = re.match(r"admin/\w+/\w+/", pattern)
        key = first.get(table[0], 1) if table else 1
        path = re.sub(r"<path:object_id>|<int:object_id>", str(key), pattern)
        path = re.sub(r"<uuid:\w+>", "00000000-0000-4000-8000-000000000000", path)
        path = re.sub(r"<day:\w+>", "2026-01-01", path)
        path = re.sub(r"<(?:code|slug):\w+>", "0" * 12, path)
        path = re.sub(r"<[^>]+>", "1", path)
        path = re.sub(r"\(\?P1\[-\\w\]\+\)", "0" * 12, path)
        path = re.sub(r"\(\?P1xlsx\|pdf\)", "pdf", path)
        path = re.sub(r"\(\?P1[^)]*\)", "vouchers", path)  # an app in the admin
        yield "/" + re.sub(r"[\^$\\]|\\Z", "", path)


def test_no_address_takes_what_an_auditor_sends(client: Client) -> None:
    make.confirmed()
    client.force_login(auditor())
    before = contents()

    answers = {
        path: client.post(path).status_code
        for path in addresses()
        if not path.startswith(OWN) and path != CLAIMS
    }

    assert {
        path: status
        for path, status in answers.items()
        if status not in (403, 404, 405)
    } == {}
    assert sum(path.startswith("/admin/") for path in answers) > 300
    assert contents() == before


def test_the_permissions_alone_change_nothing_on_staff_pages(
    settings: Settings,
) -> None:
    """Without `AuditorsOnlyRead`, which stands before them."""
    make.confirmed()
    settings.MIDDLEWARE = [
        one for one in settings.MIDDLEWARE if "AuditorsOnlyRead" not in one
    ]
    client = Client()
    client.force_login(auditor())
    before = contents()

    failed = [
        path
        for path in addresses()
        if path.startswith("/admin/")
        and not path.startswith(OWN)
        and client.post(path, {"post": "yes"}).status_code >= 500
    ]

    assert failed == []
    assert contents() == before
