"""An auditor reads what money and fairness rest on, and sends nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory

from bureau.accounts.models import Role, Token, User
from bureau.audit.models import Entry, record
from bureau.common import clock
from tests import make
from tests.vouchers.settling import week
from venues.models import Booking
from vouchers.models import PaymentFile

pytestmark = pytest.mark.django_db

NOT_HERS = {
    "accounts.VerifiedIdentity",
    "accounts.Dependant",
    "accounts.Eligibility",
    "accounts.Consent",
    "accounts.Token",
    "notices.Notice",
    "auth.Group",
    "mfa.Authenticator",
    "usersessions.UserSession",
}

OWN_PAGES = {"/admin/logout/", "/admin/password_change/"}


def auditor(**given: Any) -> User:
    call_command("sync_roles", verbosity=0)
    user = make.user(is_staff=True, **given)
    user.groups.add(Group.objects.get(name=Role.AUDITOR))
    return User.objects.get(pk=user.pk)


@pytest.fixture
def reader(client: Client) -> Client:
    client.force_login(auditor())
    return client


@pytest.fixture
def payment_file() -> PaymentFile:
    week_of = week()
    week_of.redeem()
    week_of.paid()
    return PaymentFile.objects.get()


def contents() -> dict[str, tuple[Any, ...]]:
    """How many rows each table has, and a sum over what they say."""
    skipped = {"django_session"}
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table in skipped or table == "spatial_ref_sys":
                continue
            cursor.execute(  # a table's own name
                f"SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {table} AS t"  # noqa: S608
            )
            found[table] = cursor.fetchone()
    return found


def test_an_auditor_has_no_action_on_any_table(rf: RequestFactory) -> None:
    request: HttpRequest = rf.get("/admin/")
    request.user = auditor()
    for model, table in admin.site._registry.items():
        if table.has_view_permission(request):
            assert set(table.get_actions(request)) <= {"export_admin_action"}, model
        assert not table.has_add_permission(request), model
        assert not table.has_change_permission(request), model
        assert not table.has_delete_permission(request), model


def test_an_auditor_reads_no_identities_and_no_letters(rf: RequestFactory) -> None:
    request: HttpRequest = rf.get("/admin/")
    request.user = auditor()
    shut = {
        model._meta.label
        for model, table in admin.site._registry.items()
        if not table.has_view_permission(request)
    }
    assert shut >= NOT_HERS
    assert not [name for name in request.user.get_all_permissions() if "reveal" in name]


def test_a_second_role_gives_an_auditor_nothing_to_send(client: Client) -> None:
    person = auditor()
    person.groups.add(Group.objects.get(name=Role.CITY_STAFF))
    client.force_login(person)
    before = contents()

    assert client.post("/admin/venues/quota/add/").status_code == 403
    assert client.post("/api/v1/clubs/").status_code == 403
    assert contents() == before


def test_an_auditor_books_nothing_on_the_short_way(client: Client) -> None:
    court = make.bookable()
    client.force_login(auditor())

    answer = client.post(f"/venues/{court.venue.code}/book/", {"slots": "x"})

    assert answer.status_code == 403
    assert not Booking.objects.exists()


def test_the_token_of_an_auditor_reads_and_sends_nothing(client: Client) -> None:
    person = auditor(phone="13900000077")
    _row, token = Token.objects.create(person, device="a phone")
    headers = {"Authorization": f"Token {token}"}

    assert client.get("/api/v1/notices/", headers=headers).status_code == 200
    answer = client.post(
        "/api/v1/clubs/", {}, content_type="application/json", headers=headers
    )
    assert answer.status_code == 403


def test_an_auditor_signs_out_and_chooses_a_language(reader: Client) -> None:
    chosen = reader.post("/i18n/setlang/", {"language": "en"})
    assert chosen.status_code == 302
    assert reader.post("/accounts/logout/").status_code == 302
    assert reader.get("/admin/").status_code == 302


def test_an_auditor_asks_for_the_audit_trail_as_a_file(
    reader: Client, citizen: User
) -> None:
    record("tests.user.seen", subject=citizen, by=None, at=clock.now())
    record("tests.user.lost", subject=citizen, by=None, at=clock.now())
    page = reader.get("/admin/audit/entry/export/")
    assert 'method="get"' in page.text

    fields = {f"entryresource_{name}": "on" for name in ("event", "actor_name")}
    asked = {"format": "0", "resource": "", **fields}
    answer = reader.get("/admin/audit/entry/export/", asked)

    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert b"tests.user.seen" in answer.content
    narrowed = {**asked, "event": "tests.user.lost"}
    answer = reader.get("/admin/audit/entry/export/", narrowed)
    assert b"tests.user.seen" not in answer.content
    assert b"tests.user.lost" in answer.content


def test_each_opening_of_a_payment_file_by_an_auditor_is_recorded(
    reader: Client, payment_file: PaymentFile
) -> None:
    path = f"/admin/vouchers/paymentfile/{payment_file.pk}/csv/"
    page = reader.get(path).text
    assert 'method="get"' in page
    reader.get(path, {"open": "1"})  # a link that somebody has made up
    assert not Entry.objects.filter(event="vouchers.payment_file.opened").exists()

    button = re.search(r'name="open" value="([^"]+)"', page)
    assert button
    answer = reader.get(path, {"open": button[1]})

    assert payment_file.number in answer.headers["Content-Disposition"]
    assert Entry.objects.filter(event="vouchers.payment_file.opened").count() == 1


def test_a_link_to_a_payment_file_opens_none_for_who_pays(
    client: Client, payment_file: PaymentFile
) -> None:
    payer = make.user(is_staff=True, is_superuser=True)
    client.force_login(payer)

    client.get(f"/admin/vouchers/paymentfile/{payment_file.pk}/csv/", {"open": "1"})

    assert not Entry.objects.filter(event="vouchers.payment_file.opened").exists()


def test_each_page_that_an_auditor_is_led_to_opens_and_offers_nothing_to_save(
    reader: Client, payment_file: PaymentFile
) -> None:
    """From the first page of the staff pages, and from each table one row on."""
    assert payment_file.pk
    first = links(reader, "/admin/")
    rows = {row for table in first for row in links(reader, table)[:12]}
    opened = {*first, *rows}

    assert len(opened) > 40
    for address in sorted(opened):
        response = reader.get(address)
        assert response.status_code == 200, address
        assert b'name="_save"' not in response.content, address


def links(reader: Client, address: str) -> list[str]:
    """Where a page leads to, within the staff pages; each once."""
    response = reader.get(address)
    assert response.status_code == 200, address
    content = response.content.decode(errors="ignore")
    found = re.findall(r'href="(/admin/[^"?#]*)', content)
    return [one for one in dict.fromkeys(found) if one not in OWN_PAGES]
