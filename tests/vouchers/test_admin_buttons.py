"""A row's page has the buttons of what may be done with it now, by who reads it."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from bureau.accounts.models import Role, User
from tests import make as city
from tests.vouchers import make
from tests.vouchers.settling import first_day, last_day, week
from vouchers import actions
from vouchers.models import Merchant, Settlement, Voucher

pytestmark = pytest.mark.django_db


def of_the_city() -> User:
    person = city.user(is_staff=True)
    person.groups.add(Group.objects.get_or_create(name=Role.CITY_STAFF.value)[0])
    person.user_permissions.set(
        Permission.objects.filter(content_type__app_label="vouchers")
    )
    return person


def buttons(model: str, pk: int, *, seen_by: User) -> set[str]:
    client = Client()
    client.force_login(seen_by)
    page = client.get(reverse(f"admin:vouchers_{model}_change", args=[pk])).text
    return set(re.findall(rf"/admin/vouchers/{model}/{pk}/([a-z-]+)/", page)) - {
        "history",
        "change",
        "pdf",
        "xlsx",
        "json",
        "csv",
    }


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("applied", {"approve", "refuse"}),
        ("approved", {"suspend", "join-campaign"}),
        ("suspended", {"reinstate"}),
    ],
)
def test_of_a_business(state: str, shown: set[str]) -> None:
    merchant = make.merchant()
    reason = "to be checked" if state == "suspended" else ""
    Merchant.objects.filter(pk=merchant.pk).update(state=state, reason=reason)
    assert buttons("merchant", merchant.pk, seen_by=of_the_city()) == shown


def test_of_a_settlement_from_its_maker_to_the_bank() -> None:
    w = week()
    w.redeem()
    maker, checker = of_the_city(), of_the_city()
    client = Client()
    client.force_login(maker)
    client.post(
        reverse("admin:vouchers_settlement_prepare"),
        {"from_on": first_day(), "until_on": last_day()},
    )
    actions.finish_settlement_runs()
    row = Settlement.objects.get()
    assert buttons("settlement", row.pk, seen_by=maker) == set()
    assert buttons("settlement", row.pk, seen_by=checker) == {"approve", "reject"}

    actions.approve_settlement(settlement=row, by=checker)
    assert buttons("settlement", row.pk, seen_by=checker) == {"reject"}
    file = actions.make_payment_file(by=maker)
    assert buttons("settlement", row.pk, seen_by=checker) == {"reject", "paid"}
    assert buttons("paymentfile", file.pk, seen_by=maker) == {"paid"}

    actions.note_file_paid(payment_file=file, by=maker)
    assert buttons("settlement", row.pk, seen_by=checker) == set()
    assert buttons("paymentfile", file.pk, seen_by=maker) == set()


def test_of_a_voucher() -> None:
    voucher = make.voucher()
    clerk = of_the_city()
    assert buttons("voucher", voucher.pk, seen_by=clerk) == {"void"}
    Voucher.objects.filter(pk=voucher.pk).update(state=Voucher.State.VOID)
    assert buttons("voucher", voucher.pk, seen_by=clerk) == set()


def test_of_a_redemption() -> None:
    redemption = make.redemption()
    clerk = of_the_city()
    assert buttons("redemption", redemption.pk, seen_by=clerk) == {"refund"}
    actions.refund_redemption(
        redemption=redemption,
        refund_fen=redemption.paid_fen,
        reason="The court was flooded",
        by=clerk,
    )
    assert buttons("redemption", redemption.pk, seen_by=clerk) == set()
