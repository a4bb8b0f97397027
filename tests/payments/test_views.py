from __future__ import annotations

from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from bureau.payments import actions
from bureau.payments.models import Attempt, Payment, SandboxTransaction
from tests.payments import make

pytestmark = pytest.mark.django_db


def at(view: str, payment: Payment, *more: str) -> str:
    return reverse(f"payments:{view}", args=[payment.number, *more])


@pytest.fixture
def payment(client: Client) -> Payment:
    made = make.payment(title="Badminton, court 3")
    assert made.payer is not None
    client.force_login(made.payer)
    return made


def begin(payment: Payment) -> None:
    actions.start_payment(
        payment=payment, provider="sandbox", by=payment.payer, channel="web"
    )


def test_choosing_shows_what_is_paid_and_how_long_there_is_time(
    client: Client, payment: Payment
) -> None:
    response = client.get(at("choose", payment))

    assertContains(response, "Badminton, court 3")
    assertContains(response, "¥70")
    assertContains(response, 'data-countdown="59')
    assertContains(response, "Sandbox cashier")
    assert "no-store" in response["Cache-Control"]


def test_choosing_leads_to_the_cashier(client: Client, payment: Payment) -> None:
    response = client.post(at("choose", payment), {"provider": "sandbox"})

    assertRedirects(
        response, at("go", payment, "sandbox"), fetch_redirect_response=False
    )
    response = client.get(at("go", payment, "sandbox"))
    assertRedirects(response, at("sandbox", payment))


def test_the_only_provider_is_begun_without_a_choice(
    client: Client, payment: Payment
) -> None:
    response = client.get(at("go", payment, "sandbox"))

    assertRedirects(response, at("sandbox", payment))
    assert Attempt.objects.get().channel == "web"
    client.get(at("go", payment, "sandbox"))
    assert Attempt.objects.count() == 1


def test_one_of_two_providers_is_begun_by_choice_only(
    client: Client, payment: Payment, settings: Settings
) -> None:
    settings.PAYMENT_PROVIDERS = ["sandbox", "alipay"]

    answer = client.get(at("go", payment, "sandbox"))

    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert not Attempt.objects.exists()


def test_choosing_refuses_a_provider_that_is_not_offered(
    client: Client, payment: Payment
) -> None:
    response = client.post(at("choose", payment), {"provider": "wechat"})

    assert response.status_code == HTTPStatus.OK
    assert not Attempt.objects.exists()


def test_an_expired_payment_says_what_to_do(client: Client, payment: Payment) -> None:
    make.expire(payment)

    response = client.get(at("choose", payment))

    assertContains(response, "The time to pay is over")
    assertContains(response, payment.return_path)
    post = client.post(at("choose", payment), {"provider": "sandbox"})
    assertContains(post, "The time to pay is over")


def test_a_paid_payment_leads_back_to_the_order(
    client: Client, payment: Payment
) -> None:
    make.settle(payment)

    for view in ("choose", "result"):
        assertRedirects(
            client.get(at(view, payment)),
            payment.return_path,
            fetch_redirect_response=False,
        )


@pytest.mark.parametrize("view", ["choose", "result", "sandbox"])
def test_a_strangers_payment_is_not_found(
    client: Client, payment: Payment, view: str
) -> None:
    begin(payment)
    client.force_login(make.person())

    assert client.get(at(view, payment)).status_code == HTTPStatus.NOT_FOUND
    assert client.post(at(view, payment)).status_code in (
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
    )


@pytest.mark.parametrize("view", ["choose", "result", "sandbox"])
def test_one_signs_in_first(client: Client, payment: Payment, view: str) -> None:
    client.logout()

    response = client.get(at(view, payment))

    assert response.status_code == HTTPStatus.FOUND
    assert "next=" in response["Location"]


def test_the_cashier_says_that_it_is_a_rehearsal(
    client: Client, payment: Payment
) -> None:
    begin(payment)

    assertContains(client.get(at("sandbox", payment)), "no real money moves")


def test_paying_waits_for_the_confirmation(client: Client, payment: Payment) -> None:
    begin(payment)

    response = client.post(
        at("sandbox", payment), {"outcome": "pay", "behaviour": "lost"}, follow=True
    )

    assertContains(response, "Waiting for the confirmation")
    assertContains(response, 'http-equiv="refresh"')
    assertContains(response, "?tries=1")


def test_the_waiting_page_asks_the_provider_itself(
    client: Client,
    payment: Payment,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    begin(payment)
    actions.pay_sandbox(number=payment.number, behaviour="lost")

    with django_capture_on_commit_callbacks(execute=True):
        client.get(at("result", payment) + "?tries=1")

    assertRedirects(
        client.get(at("result", payment) + "?tries=2"),
        payment.return_path,
        fetch_redirect_response=False,
    )


@pytest.mark.parametrize("tries", ["x", "-5", "9" * 20, "9" * 4300, "9" * 5000, ""])
def test_the_waiting_page_survives_any_number(
    client: Client, payment: Payment, tries: str
) -> None:
    response = client.get(at("result", payment), {"tries": tries})

    assert response.status_code == HTTPStatus.OK


def test_a_refusal_of_the_bank_is_said_and_can_be_tried_again(
    client: Client, payment: Payment
) -> None:
    begin(payment)

    response = client.post(at("sandbox", payment), {"outcome": "fail"}, follow=True)

    assertContains(response, "The bank refused")
    begin(payment)
    assert SandboxTransaction.objects.open().count() == 1


def test_who_was_refused_and_comes_back_from_the_order_can_pay_again(
    client: Client, payment: Payment
) -> None:
    begin(payment)
    client.post(at("sandbox", payment), {"outcome": "fail"})

    response = client.get(at("go", payment, "sandbox"), follow=True)

    assertContains(response, "Confirm and pay")
    response = client.post(at("choose", payment), {"provider": "sandbox"}, follow=True)
    assertContains(response, 'value="pay"')


def test_cancelling_leads_back_to_the_choice(client: Client, payment: Payment) -> None:
    begin(payment)

    response = client.post(at("sandbox", payment), {"outcome": "cancel"})

    assertRedirects(response, at("choose", payment))
    assert SandboxTransaction.objects.get().state == "open"


def test_paying_twice_at_the_cashier_is_refused(
    client: Client, payment: Payment
) -> None:
    begin(payment)
    client.post(at("sandbox", payment), {"outcome": "pay", "behaviour": "lost"})

    response = client.post(at("sandbox", payment), {"outcome": "pay"})

    assertContains(response, "no open order")
    assertNotContains(response, 'value="pay"')


def test_without_the_sandbox_its_page_does_not_exist(
    client: Client, payment: Payment, settings: Settings
) -> None:
    begin(payment)
    settings.PAYMENT_PROVIDERS = []

    assert client.get(at("sandbox", payment)).status_code == HTTPStatus.NOT_FOUND
    assertContains(client.get(at("choose", payment)), "not possible at the moment")


def test_a_code_to_scan_is_shown_as_a_picture(client: Client, payment: Payment) -> None:
    begin(payment)
    Attempt.objects.update(opening={"url": "", "qr": "weixin://pay/1", "params": {}})

    assertContains(client.get(at("go", payment, "sandbox")), "qr.svg")
    picture = client.get(at("qr", payment, "sandbox"))
    assert picture["Content-Type"] == "image/svg+xml"


def test_an_outside_cashier_is_opened_by_a_page_of_ours(
    client: Client, payment: Payment
) -> None:
    begin(payment)
    address = "https://openapi.alipay.com/gateway.do?sign=a"
    Attempt.objects.update(opening={"url": address, "qr": "", "params": {}})

    assertContains(client.get(at("go", payment, "sandbox")), f"0;url={address}")


def test_a_cashier_that_is_still_being_called_is_waited_for(
    client: Client, payment: Payment
) -> None:
    begin(payment)
    Attempt.objects.update(opening={})

    assertContains(client.get(at("go", payment, "sandbox")), "calling the cashier")


def test_the_way_to_the_cashier_ends_with_the_time(
    client: Client, payment: Payment
) -> None:
    begin(payment)
    make.expire(payment)

    response = client.get(at("go", payment, "sandbox"), follow=True)

    assertContains(response, "The time to pay is over")
