from __future__ import annotations

from http import HTTPStatus

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings
from pytest_django.asserts import assertContains, assertNotContains

from bureau.accounts.models import User
from bureau.payments import actions
from bureau.payments.models import Discrepancy, Payment, Refund
from bureau.payments.providers import RefundAnswer
from tests.payments import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def cashier(client: Client, settings: Settings) -> User:
    """Bureau staff who look at money and may pay it back."""
    settings.STAFF_MFA_REQUIRED = False
    user = make.person(username="cashier", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="payments").exclude(
            codename__regex="^(add|change|delete)"
        )
    )
    client.force_login(user)
    return user


def listed(client: Client, model: str, query: str) -> str:
    address = reverse(f"admin:payments_{model}_changelist")
    return client.get(address, {"q": query}).content.decode()


def test_a_payment_is_found_by_its_numbers(client: Client, cashier: User) -> None:
    mine = make.payment(title="Mine", payer=make.person(phone="13800001234"))
    make.settle(mine, provider_ref="WX100")
    make.payment(title="Somebody else's")

    for query in (mine.number, mine.number.lower(), "wx100", "13800001234"):
        page = listed(client, "payment", query)
        assert mine.number in page
        assert "Somebody else" not in page


def test_a_payments_line_says_how_much_went_back_and_that_it_came_late(
    client: Client, cashier: User
) -> None:
    payment = make.payment(amount_fen=7000)
    actions.close_payment(payment=payment, by=None)
    make.settle(payment, provider_ref="WX200")
    payment.refresh_from_db()
    actions.request_refund(
        payment=payment, amount_fen=1250, reason="Rain", by=cashier, key="rain"
    )

    page = listed(client, "payment", payment.number)

    assert "70 (-12.50)" in page
    assert "paid, late" in page


@pytest.mark.parametrize(
    "model", ["payment", "refund", "providerevent", "discrepancy", "sandboxtransaction"]
)
def test_tables_are_looked_at_and_not_touched(
    client: Client, cashier: User, model: str
) -> None:
    listing = reverse(f"admin:payments_{model}_changelist")
    adding = reverse(f"admin:payments_{model}_add")

    assert client.get(listing).status_code == HTTPStatus.OK
    assert client.get(adding).status_code == HTTPStatus.FORBIDDEN


def test_a_payments_page_shows_its_refunds_and_history(
    client: Client, cashier: User
) -> None:
    payment = make.paid()
    refund = actions.request_refund(
        payment=payment, amount_fen=1, reason="Rain", by=None, key="k"
    )

    change = reverse("admin:payments_payment_change", args=[payment.pk])
    history = reverse("admin:payments_payment_history", args=[payment.pk])

    assertContains(client.get(change), refund.number)
    assertContains(client.get(history), "payments.payment.settled")


def refund_page(payment: Payment) -> str:
    return reverse("admin:payments_payment_refund", args=[payment.pk])


def test_paying_back_asks_how_much_and_why(client: Client, cashier: User) -> None:
    payment = make.paid(amount_fen=7050)
    assertContains(client.get(refund_page(payment)), "70.50")

    form = {"yuan": "20.50", "reason": "Broken light", "key": "staff-1"}
    client.post(refund_page(payment), form)
    client.post(refund_page(payment), form)

    refund = Refund.objects.get()
    assert (refund.amount_fen, refund.reason) == (2050, "Broken light")
    assert refund.requested_by == cashier


def test_paying_back_too_much_is_refused(client: Client, cashier: User) -> None:
    payment = make.paid(amount_fen=7000)

    form = {"yuan": "70.01", "reason": "Kindness", "key": "staff-1"}
    response = client.post(refund_page(payment), form)

    assertContains(response, "More cannot be paid back")
    assert not Refund.objects.exists()


def test_paying_back_needs_its_permission(client: Client, cashier: User) -> None:
    cashier.user_permissions.remove(Permission.objects.get(codename="refund_payment"))
    payment = make.paid()

    assert client.get(refund_page(payment)).status_code == HTTPStatus.FORBIDDEN
    change = reverse("admin:payments_payment_change", args=[payment.pk])
    assertNotContains(client.get(change), "Pay money back")


def test_asking_again_finds_a_lost_callback(
    client: Client,
    cashier: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    payment = make.payment()
    actions.start_payment(payment=payment, provider="sandbox", by=None)
    actions.pay_sandbox(number=payment.number, behaviour="lost")

    address = reverse("admin:payments_payment_ask", args=[payment.pk])
    assertContains(client.get(address), "Ask the providers")
    with django_capture_on_commit_callbacks(execute=True):
        client.post(address)

    payment.refresh_from_db()
    assert payment.state == "paid"


def test_selected_payments_are_asked_about_together(
    client: Client, cashier: User
) -> None:
    form = {
        "action": "ask_selected_again",
        "_selected_action": [make.payment().pk, make.payment().pk],
    }

    client.post(reverse("admin:payments_payment_changelist"), form)

    assert Payment.objects.filter(asked_at__isnull=False).count() == 2


def test_failed_refunds_are_sent_again(client: Client, cashier: User) -> None:
    refund = actions.request_refund(
        payment=make.paid(), amount_fen=1, reason="Rain", by=None, key="k"
    )
    actions.note_refund_answer(refund=refund, answer=RefundAnswer("failed"))
    form = {"action": "send_again", "_selected_action": [refund.pk]}

    client.post(reverse("admin:payments_refund_changelist"), form)

    refund.refresh_from_db()
    assert refund.state == "due"


def test_unexplained_money_is_explained_once(client: Client, cashier: User) -> None:
    found = actions.note_discrepancy(
        kind="unknown_payment",
        provider="wechat",
        provider_ref="WX1",
        number="?",
        amount_fen=5,
    )
    address = reverse("admin:payments_discrepancy_explanation", args=[found.pk])

    client.post(address, {"note": "A test by the bank"})
    response = client.post(address, {"note": "Another story"})

    assertContains(response, "already explained")
    assert Discrepancy.objects.get().note == "A test by the bank"


def test_listing_costs_the_same_for_one_or_ten(client: Client, cashier: User) -> None:
    address = reverse("admin:payments_payment_changelist")
    make.payment()
    client.get(address)
    with CaptureQueriesContext(connection) as one:
        client.get(address)
    for _ in range(9):
        make.payment()

    with CaptureQueriesContext(connection) as ten:
        client.get(address)

    assert len(ten) == len(one)
