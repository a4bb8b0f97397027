"""Staff find a voucher by its code, and cancel it with a reason."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from bureau.accounts.models import Role, User
from bureau.notices.models import Notice
from tests import make as city
from tests.promises import broken_promises
from tests.vouchers import make
from vouchers.models import Voucher

pytestmark = pytest.mark.django_db
LIST = "/admin/vouchers/voucher/"


def test_the_list_finds_a_voucher_by_its_code(admin_client: Client) -> None:
    wanted = make.voucher()
    other = make.voucher(wanted.lot)
    for typed in (str(wanted), wanted.code.lower()):
        page = admin_client.get(LIST, {"q": typed}).content.decode()
        assert str(wanted) in page
        assert str(other) not in page


def test_people_are_masked(admin_client: Client) -> None:
    used = make.voucher()
    User.objects.filter(pk=used.person_id).update(masked_name="张*")
    page = admin_client.get(f"{LIST}{used.pk}/change/").content.decode()
    assert "张*" in page
    assert used.person.phone
    assert used.person.phone not in page


def test_a_voucher_is_cancelled_with_a_reason_and_its_person_told(
    admin_client: Client,
) -> None:
    row = make.voucher()
    address = f"{LIST}{row.pk}/void/"
    assert admin_client.get(address).status_code == 200
    assert admin_client.post(address, {"reason": " "}).status_code == 422
    answer = admin_client.post(address, {"reason": "在网上出售"}, follow=True)
    assert answer.status_code == 200
    row.refresh_from_db()
    assert row.state == Voucher.State.VOID
    notice = Notice.objects.get(recipient=row.person, kind="vouchers.voided")
    assert notice.context["reason"] == "在网上出售"
    assert admin_client.post(address, {"reason": "twice"}).status_code == 422
    assert broken_promises(of="vouchers") == []


def test_staff_without_the_permission_do_not_cancel() -> None:
    row = make.voucher()
    reader, client = city.user(is_staff=True), Client()
    reader.groups.add(Group.objects.get_or_create(name=Role.CITY_STAFF.value)[0])
    reader.user_permissions.add(Permission.objects.get(codename="view_voucher"))
    client.force_login(reader)
    assert client.get(f"{LIST}{row.pk}/change/").status_code == 200
    assert client.post(f"{LIST}{row.pk}/void/", {"reason": "x"}).status_code == 403
    row.refresh_from_db()
    assert row.state == Voucher.State.LIVE
