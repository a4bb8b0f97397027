from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from bureau.accounts.models import Role, Token, User
from tests import make
from tests.accounts.conftest import live_code

pytestmark = pytest.mark.django_db
DOOR = "/accounts/staff/login/"
PASSWORD = "Lang genug 2026"
SECRET = "JBSWY3DPEHPK3PXP"


@pytest.fixture
def clerk(phone: str) -> User:
    # The name is new each time, because Redis remembers who was locked out.
    return make.user(f"clerk-{phone}", password=PASSWORD, is_staff=True)


@pytest.fixture
def careful_clerk(clerk: User) -> User:
    TOTP.activate(clerk, SECRET)
    return clerk


def enter(browser: Client, user: User, password: str = PASSWORD) -> Any:
    return browser.post(
        DOOR, {"login": user.username, "password": password, "next": "/admin/"}
    )


def app_code(*, periods_ago: int = 0) -> str:
    period = int(time.time()) // 30 - periods_ago
    return str(format_hotp_value(hotp_value(SECRET, period)))


def test_admin_has_no_door_of_its_own(browser: Client) -> None:
    page = browser.get("/admin/", follow=True)

    assert page.redirect_chain[-1][0] == "/accounts/staff/login/?next=%2Fadmin%2F"
    assert "User name" in page.content.decode()


def test_staff_sign_in(browser: Client, clerk: User, settings: Settings) -> None:
    settings.STAFF_MFA_REQUIRED = False

    assert enter(browser, clerk)["Location"] == "/admin/"
    assert browser.get("/admin/").status_code == HTTPStatus.OK


def test_a_wrong_password_is_told(browser: Client, clerk: User) -> None:
    page = enter(browser, clerk, "wrong")

    assert page.status_code == HTTPStatus.BAD_REQUEST
    assert "not correct" in page.content.decode()


def test_ten_wrong_passwords_lock_and_say_how_long(
    browser: Client, clerk: User
) -> None:
    for _ in range(10):
        enter(browser, clerk, "wrong")

    page = enter(browser, clerk)

    assert page.status_code == HTTPStatus.BAD_REQUEST
    assert "15 minutes" in page.content.decode()
    assert "_auth_user_id" not in browser.session


@pytest.mark.usefixtures("still_clock")
def test_staff_without_an_app_set_it_up_before_they_see_anything(
    browser: Client, clerk: User, settings: Settings
) -> None:
    settings.STAFF_MFA_REQUIRED = True
    enter(browser, clerk)

    page = browser.get("/admin/", follow=True)
    assert page.redirect_chain[0][0] == "/accounts/mfa/totp/activate/?next=%2Fadmin%2F"
    # Who adds a second factor proves once more to hold the first.
    assert page.redirect_chain[1][0].startswith("/accounts/confirm/")
    page = browser.post("/accounts/confirm/", {"password": PASSWORD}, follow=True)
    page = browser.get("/accounts/mfa/totp/activate/")
    text = page.content.decode()
    assert "<svg" in text
    assert "data:image" not in text

    secret = page.context["form"].secret
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    done = browser.post("/accounts/mfa/totp/activate/", {"code": code}, follow=True)

    assert done.redirect_chain[-1][0] == "/accounts/mfa/recovery-codes/"
    assert browser.get("/accounts/mfa/").status_code == HTTPStatus.OK
    assert browser.get("/admin/").status_code == HTTPStatus.OK


def test_the_secret_is_sealed(careful_clerk: User) -> None:
    stored = Authenticator.objects.get(user=careful_clerk).data

    assert SECRET not in str(stored)


@pytest.mark.usefixtures("still_clock")
def test_who_has_an_app_is_asked_for_its_code(
    browser: Client, careful_clerk: User, settings: Settings
) -> None:
    settings.STAFF_MFA_REQUIRED = True

    assert enter(browser, careful_clerk)["Location"] == "/accounts/mfa/authenticate/"
    assert "_auth_user_id" not in browser.session
    asked = browser.get("/accounts/mfa/authenticate/").content.decode()
    # A bare "Code" is a voucher's in the portal's Chinese.
    assert ">Authenticator code</label>" in asked
    assert 'placeholder="Code"' not in asked
    wrong = browser.post("/accounts/mfa/authenticate/", {"code": "000000"})
    assert "_auth_user_id" not in browser.session
    assert "Incorrect code" in wrong.content.decode()

    done = browser.post("/accounts/mfa/authenticate/", {"code": app_code()})

    assert done["Location"] == "/admin/"
    assert browser.get("/admin/").status_code == HTTPStatus.OK


def app_opens(user: User, code: str) -> bool:
    browser = Client()
    enter(browser, user)
    browser.post("/accounts/mfa/authenticate/", {"code": code})
    return "_auth_user_id" in browser.session


@pytest.mark.usefixtures("still_clock")
def test_a_telephone_whose_clock_is_half_a_minute_off_opens(
    careful_clerk: User, settings: Settings
) -> None:
    settings.STAFF_MFA_REQUIRED = True
    opening = [
        periods
        for periods in (-2, -1, 0, 1, 2)
        if app_opens(careful_clerk, app_code(periods_ago=periods))
    ]
    assert opening == [-1, 0, 1]


def test_a_code_opens_once_also_in_the_next_half_minute(
    careful_clerk: User, settings: Settings
) -> None:
    settings.STAFF_MFA_REQUIRED = True
    with time_machine.travel(time.time(), tick=False) as moment:
        code = app_code(periods_ago=-1)
        assert app_opens(careful_clerk, code)
        # allauth's own mark of a used code is gone by then.
        moment.shift(31)
        cache.delete(
            TOTP(Authenticator.objects.get(user=careful_clerk))._get_used_cache_key(
                code
            )
        )
        assert not app_opens(careful_clerk, code)
        assert app_opens(careful_clerk, app_code(periods_ago=-1))


@pytest.mark.usefixtures("still_clock")
def test_the_citizens_door_does_not_go_round_the_app(
    browser: Client, careful_clerk: User, phone: str
) -> None:
    careful_clerk.phone = phone
    careful_clerk.save()
    door = "/accounts/login/"
    browser.post(door, {"phone": phone, "send": "1", "next": "/venues/"})

    page = browser.post(
        door,
        {
            "phone": phone,
            "code": live_code(phone),
            "agreed": "on",
            "next": "/venues/",
        },
    )

    assert page["Location"] == "/accounts/mfa/authenticate/"
    done = browser.post("/accounts/mfa/authenticate/", {"code": app_code()})
    assert done["Location"] == "/venues/"


def test_a_citizen_is_not_let_into_admin(browser: Client, citizen: User) -> None:
    browser.force_login(citizen)

    page = browser.get("/admin/", follow=True)

    assert page.status_code == HTTPStatus.FORBIDDEN


def test_a_citizen_has_no_password_to_change(browser: Client, phone: str) -> None:
    browser.post("/accounts/login/", {"phone": phone, "send": "1"})
    browser.post(
        "/accounts/login/", {"phone": phone, "code": live_code(phone), "agreed": "on"}
    )

    page = browser.get("/accounts/password/change/")

    assert page.status_code == HTTPStatus.FORBIDDEN


def test_staff_change_their_password(browser: Client, clerk: User) -> None:
    enter(browser, clerk)
    assert browser.get("/accounts/password/change/").status_code == HTTPStatus.OK

    new = "Noch laenger 2027"
    browser.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )

    clerk.refresh_from_db()
    assert clerk.check_password(new)


def test_signing_out_asks_and_does(browser: Client, citizen: User) -> None:
    browser.force_login(citizen)

    assert browser.get("/accounts/logout/").status_code == HTTPStatus.OK
    assert browser.post("/accounts/logout/")["Location"] == "/"
    assert "_auth_user_id" not in browser.session


def test_signing_up_is_the_door(browser: Client) -> None:
    page = browser.get("/accounts/signup/?next=/venues/")

    assert page["Location"] == "/accounts/login/?next=%2Fvenues%2F"


def test_a_closed_account_is_told(browser: Client) -> None:
    assert "closed" in browser.get("/accounts/inactive/").content.decode()


def test_without_redis_staff_wait(
    browser: Client, clerk: User, settings: Settings
) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }

    page = enter(browser, clerk)

    assert page.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert "_auth_user_id" not in browser.session


# Pages of staff outside /admin/, and what reads or writes something as somebody.
CLOSED = [
    "/",
    "/me/",
    "/me/data/download/",
    "/gate/",
    "/gate/offline/",
    "/desk/",
    "/desk/cash/",
    "/venues/",
    "/merchants/mine/",
    "/admin/vouchers/settlement/",
    "/there/is/no/such/page/",
]


@pytest.mark.parametrize("works_for_bureau", ["bureau", "venue"])
@pytest.mark.parametrize("path", CLOSED)
def test_without_an_app_a_password_opens_no_page(
    browser: Client, phone: str, settings: Settings, path: str, works_for_bureau: str
) -> None:
    settings.STAFF_MFA_REQUIRED = True
    person = make.user(
        f"p-{phone}", password=PASSWORD, is_staff=works_for_bureau == "bureau"
    )
    browser.force_login(person)
    for answer in (browser.get(path), browser.post(path)):
        assert answer.status_code == HTTPStatus.FOUND
        assert answer["Location"].startswith("/accounts/mfa/totp/activate/?next=%2F")


def test_without_an_app_a_password_opens_no_api(
    browser: Client, clerk: User, settings: Settings
) -> None:
    settings.STAFF_MFA_REQUIRED = True
    browser.force_login(clerk)
    for answer in (browser.get("/api/v1/me/"), browser.get("/api/v1/schema/")):
        assert answer.status_code == HTTPStatus.FORBIDDEN
        assert answer.json()["code"] == "otp_not_set_up"


def test_a_token_from_before_its_holder_became_staff_is_not_enough(
    phone: str, settings: Settings
) -> None:
    settings.STAFF_MFA_REQUIRED = True
    person = make.citizen(phone=phone)
    _row, token = Token.objects.create(person, device="phone")
    device = Client(headers={"authorization": f"Token {token}"})
    assert device.get("/api/v1/me/").status_code == HTTPStatus.OK
    User.objects.filter(pk=person.pk).update(is_staff=True)
    answer = device.get("/api/v1/me/")
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert answer.json()["code"] == "otp_not_set_up"
    TOTP.activate(person, SECRET)
    assert device.get("/api/v1/me/").status_code == HTTPStatus.OK


def test_citizens_need_no_app(phone: str, settings: Settings) -> None:
    settings.STAFF_MFA_REQUIRED = True
    browser = Client()
    browser.force_login(make.citizen(phone=phone))
    assert browser.get("/me/").status_code == HTTPStatus.OK


def test_a_token_of_strange_letters_is_no_token(settings: Settings) -> None:
    device = Client(headers={"authorization": "Token \xff\xe4"})
    assert device.get("/api/v1/me/").status_code == HTTPStatus.UNAUTHORIZED


def test_who_only_stands_at_a_gate_comes_to_the_gate(
    browser: Client, clerk: User, settings: Settings
) -> None:
    settings.STAFF_MFA_REQUIRED = False
    clerk.groups.set([Group.objects.get_or_create(name=Role.VENUE_STAFF.value)[0]])

    plain = {"login": clerk.username, "password": PASSWORD}
    assert browser.post(DOOR, plain)["Location"] == "/gate/"


def test_a_recovery_code_opens_once(
    browser: Client, careful_clerk: User, settings: Settings
) -> None:
    settings.STAFF_MFA_REQUIRED = True
    codes = RecoveryCodes.activate(careful_clerk).get_unused_codes()
    door = "/accounts/mfa/authenticate/"
    enter(browser, careful_clerk)
    assert browser.post(door, {"code": codes[0]})["Location"] == "/admin/"
    other = Client()
    enter(other, careful_clerk)
    other.post(door, {"code": codes[0]})
    assert "_auth_user_id" not in other.session
    other.post(door, {"code": codes[1]})
    assert "_auth_user_id" in other.session


def test_signing_in_takes_a_new_session(browser: Client, clerk: User) -> None:
    browser.get("/")
    planted = browser.session
    planted["gate_venue"] = "x"
    planted.save()
    assert planted.session_key
    browser.cookies["bureau_session"] = planted.session_key
    enter(browser, clerk)
    assert browser.cookies["bureau_session"].value != planted.session_key
    assert (
        not Client(headers={"cookie": f"bureau_session={planted.session_key}"})
        .get("/admin/")
        .wsgi_request.user.is_authenticated
    )


def test_a_new_password_ends_every_other_session(browser: Client, clerk: User) -> None:
    other = Client()
    enter(browser, clerk)
    enter(other, clerk)
    new = "Noch viel laenger 2026"
    sent = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert browser.post("/accounts/password/change/", sent).status_code == 302
    assert not other.get("/about/").wsgi_request.user.is_authenticated
