"""What a staff table does not show, its address cannot be asked for, either."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.models import AnonymousUser, Permission
from django.db.models import CharField, Field, TextField
from django.http import HttpRequest
from django.test import Client, RequestFactory
from pytest_django import Settings

from bureau.accounts.models import User
from bureau.common import clock
from tests import make

SECRET = {
    "accounts.User": "phone",
    "accounts.VerifiedIdentity": "fingerprint",
    "accounts.Token": "digest",
    "venues.Booking": "invite_code",
    "notices.Notice": "context",
    "vouchers.Merchant": "sealed_account",
    "vouchers.Device": "key_hash",
    "draws.Draw": "seed",
}


def tables() -> Iterator[tuple[str, admin.ModelAdmin[Any]]]:
    for model, table in admin.site._registry.items():
        yield model._meta.label, table


def texts_that_are_not_shown(
    table: admin.ModelAdmin[Any], request: HttpRequest
) -> Iterator[Field[Any, Any]]:
    shown = {table.date_hierarchy, *table.get_list_display(request)}
    for one in table.get_list_filter(request):
        shown.add(one[0] if isinstance(one, tuple) else str(one))
    for field in table.opts.concrete_fields:
        if isinstance(field, CharField | TextField) and field.name not in shown:
            yield field


@pytest.fixture
def request_of_staff(rf: RequestFactory) -> HttpRequest:
    request = rf.get("/admin/")
    request.user = AnonymousUser()
    return request


def test_nothing_that_is_hidden_is_read_letter_by_letter(
    request_of_staff: HttpRequest,
) -> None:
    readable = [
        f"{label}.{field.name}"
        for label, table in tables()
        for field in texts_that_are_not_shown(table, request_of_staff)
        if table.lookup_allowed(f"{field.name}__gt", "x", request_of_staff)
    ]
    assert readable == []


def test_a_secret_key_is_no_way_around(request_of_staff: HttpRequest) -> None:
    table = dict(tables())["accounts.Token"]
    assert not table.lookup_allowed("pk__startswith", "x", request_of_staff)


@pytest.mark.parametrize(("label", "name"), SECRET.items())
def test_a_secret_is_not_asked_for(
    request_of_staff: HttpRequest, label: str, name: str
) -> None:
    table = dict(tables())[label]
    table.opts.get_field(name)  # or it would be refused for being none
    assert not table.lookup_allowed(f"{name}__gt", "x", request_of_staff)


def test_no_table_is_searched_by_a_part_of_a_mobile_number() -> None:
    found = [
        f"{label}: {name}"
        for label, table in tables()
        for name in table.search_fields
        if "phone" in name and not (name.startswith("=") or name.endswith("__exact"))
        if not (label == "vouchers.Shop" and name == "phone")
    ]
    assert found == []


@pytest.mark.django_db
def test_nobody_reads_the_key_of_a_session_or_the_secret_of_an_app(
    client: Client, citizen: User, settings: Settings
) -> None:
    settings.STAFF_MFA_REQUIRED = False
    client.force_login(make.user(is_staff=True, is_superuser=True))
    now = clock.now()
    session = UserSession.objects.create(
        user=citizen, session_key="k" * 32, ip="127.0.0.1", last_seen_at=now
    )
    app = Authenticator.objects.create(
        user=citizen, type=Authenticator.Type.TOTP, data={"secret": "JBSWY3DP"}
    )
    page = client.get(f"/admin/usersessions/usersession/{session.pk}/change/")
    assert page.status_code == 200
    assert session.session_key not in page.text
    page = client.get(f"/admin/mfa/authenticator/{app.pk}/change/")
    assert page.status_code == 200
    assert "JBSWY3DP" not in page.text
    path = f"/admin/mfa/authenticator/{app.pk}/delete/"
    assert client.post(path, {"post": "yes"}).status_code == 302
    assert not Authenticator.objects.exists()


@pytest.mark.django_db
def test_a_phone_is_not_guessed_digit_by_digit(
    client: Client, citizen: User, settings: Settings
) -> None:
    settings.STAFF_MFA_REQUIRED = False
    assert citizen.phone
    client.force_login(make.user(is_staff=True, is_superuser=True))
    path = f"/admin/accounts/user/?phone__startswith={citizen.phone[:8]}"
    assert client.get(path).status_code == 400
    assert client.get("/admin/accounts/user/?is_active__exact=1").status_code == 200


@pytest.mark.django_db
def test_no_table_links_to_a_page_that_its_reader_may_not_open() -> None:
    request = RequestFactory().get("/admin/")
    reader = make.user(is_staff=True)
    reader.user_permissions.set(
        Permission.objects.filter(
            codename__startswith="view_", content_type__app_label="venues"
        )
    )
    request.user = User.objects.get(pk=reader.pk)
    shut = {
        model
        for model, table in admin.site._registry.items()
        if not table.has_view_permission(request)
    }
    assert User in shut

    for label, table in tables():
        if table.model in shut:
            continue
        names = flatten_fieldsets(table.get_fieldsets(request, table.model()))
        fields = [field for field in table.opts.get_fields() if field.name in names]
        leads_to = {field.related_model for field in fields if field.many_to_one}
        assert not leads_to & shut, label
