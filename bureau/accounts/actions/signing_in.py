"""The citizens' one door: a number, a code, and in; the account is made if new.

docs/adr/0003-signing-in.md says why the code is ours and not allauth's.
"""

from __future__ import annotations

import hmac
import re
import secrets
import unicodedata
from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import transaction

from bureau.accounts import tasks
from bureau.accounts.actions.rights import note_consent
from bureau.accounts.actions.second_factor import spend_code
from bureau.accounts.errors import (
    AccountClosed,
    BadPhone,
    CodeExpired,
    CodeJustSent,
    CodeNotAsked,
    CodeSpent,
    CodeWrong,
    NumberLocked,
    OneTimePasswordNeeded,
    OneTimePasswordWrong,
    StaffMustSetUpApp,
)
from bureau.accounts.models import Consent, LoginCode, Token, User
from bureau.accounts.signals import happened
from bureau.common import clock, codes, limits
from bureau.common.errors import DomainError
from bureau.common.limits import wait_text
from bureau.common.tasks import after_commit

WRONG_TRIES = 10
LOCK = timedelta(minutes=30)
KEEP = timedelta(days=1)

DAY, HOUR = 24 * 3600, 3600
# Thousands of phones share one address of a carrier's NAT, so the network limits only
# stop machines. The number is what counts.
CODES_PER_NETWORK_AN_HOUR = 600
TRIES_PER_NETWORK_AN_HOUR = 3000

_PHONE = re.compile(r"1[3-9][0-9]{9}", re.ASCII)


def normal_phone(typed: str) -> str:
    """A mainland mobile number as stored; +86, spaces and full-width digits are fine.

    Raises `BadPhone`.
    """
    text = re.sub(r"[\s\-()]", "", unicodedata.normalize("NFKC", typed))
    text = re.sub(r"^(\+|00)?86(?=1)", "", text)
    if not _PHONE.fullmatch(text):
        raise BadPhone
    return text


def send_code(*, phone: str, network: str | None) -> LoginCode:
    """Send a code to a number, known or not; the answer never tells which.

    `network` is the caller's address. Raises `BadPhone`, `CodeJustSent`,
    `NumberLocked`, and from the limits `TooOften` and `LimitsAway`.
    """
    phone = normal_phone(phone)
    limits.take(
        "code-network",
        network or "unknown",
        limit=CODES_PER_NETWORK_AN_HOUR,
        seconds=HOUR,
    )
    return _send_code(phone)


@transaction.atomic
def _send_code(phone: str) -> LoginCode:
    now = clock.now()
    row, is_new = _lock_row(phone, now)
    _refuse_if_locked(row, now)
    if (
        not is_new
        and row.used_at is None
        and now < row.sent_at + LoginCode.RESEND_AFTER
    ):
        left = row.sent_at + LoginCode.RESEND_AFTER - now
        raise CodeJustSent(after=_seconds(left), wait=wait_text(_seconds(left)))
    limits.take("code-number", phone, limit=settings.LOGIN_CODES_PER_DAY, seconds=DAY)

    row.salt = secrets.token_bytes(16)
    row.sent_at = now
    row.expires_at = now + LoginCode.LIFE
    row.used_at = None
    row.keep_until = now + KEEP
    row.save(update_fields=["salt", "sent_at", "expires_at", "used_at", "keep_until"])
    after_commit(tasks.send_login_code, login_code_id=row.pk)
    return row


def redeem_code(
    *,
    phone: str,
    code: str,
    network: str | None,
    language: str = "zh-hans",
    agreed: bool = True,
    otp: str | None = None,
) -> User:
    """Trade a code for its person, who is made if the number is new.

    `agreed` notes the consent to today's terms; `language` is for a new person's
    messages. `otp` None leaves the second factor to a later step (the browser's).
    Raises `BadPhone`, `CodeNotAsked`,
    `CodeWrong`, `CodeExpired`, `CodeSpent`, `NumberLocked`, `AccountClosed`, and from
    the limits `TooOften` and `LimitsAway`.
    """
    phone = normal_phone(phone)
    count_try(network)
    # A refusal must not undo the count of wrong tries, so it leaves the transaction
    # as a value and is raised outside.
    outcome = _redeem_code(phone, code.strip(), language, agreed=agreed, otp=otp)
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


@transaction.atomic
def _redeem_code(
    phone: str, code: str, language: str, *, agreed: bool, otp: str | None
) -> User | DomainError:
    now = clock.now()
    row = code_of(phone, code, now)
    if isinstance(row, DomainError):
        return row
    refusal = _refusal_of_second_factor(phone, otp)
    if refusal is not None:
        return refusal
    use_up(row, now)
    user = _person_of(phone, language, now)
    if not user.is_active:
        return AccountClosed()
    if agreed:
        note_consent(user, Consent.Kind.TERMS, now=now)
    return user


def count_try(network: str | None) -> None:
    """Raise `TooOften` or `LimitsAway` for a machine that guesses codes."""
    limits.take(
        "try-network",
        network or "unknown",
        limit=TRIES_PER_NETWORK_AN_HOUR,
        seconds=HOUR,
    )


def code_of(phone: str, code: str, now: datetime) -> LoginCode | DomainError:
    """The locked row of a number for which this is the live code, or why it is not.

    The refusal is a value: raised inside the transaction it would undo the count of
    wrong tries.
    """
    # Parallel guesses wait here, so that each of them is counted.
    row = LoginCode.objects.select_for_update().filter(phone=phone).first()
    if row is None:
        return CodeNotAsked()
    return _refusal_of(row, code, now) or row


def use_up(row: LoginCode, now: datetime) -> None:
    """The code has done its work."""
    row.used_at = now
    row.wrong_tries = 0
    row.locked_until = None
    row.save(update_fields=["used_at", "wrong_tries", "locked_until"])


def _refusal_of(row: LoginCode, code: str, now: datetime) -> DomainError | None:
    if row.is_locked_at(now):
        return _locked(row, now)
    # Without a live code there is nothing to guess, so nothing is counted: otherwise
    # anybody could lock a stranger's number without a message reaching the stranger.
    if row.used_at is not None:
        return CodeSpent()
    if now >= row.expires_at:
        return CodeExpired()
    if not hmac.compare_digest(code.encode(), row.code.encode()):
        return _count_wrong_try(row, now)
    return None


def _refusal_of_second_factor(phone: str, otp: str | None) -> DomainError | None:
    """Only who holds the SMS code learns that an account has a second factor."""
    known = User.objects.with_phone(phone).first() if otp is not None else None
    if known is None or otp is None:
        return None
    try:
        _check_second_factor(known, otp)
    except DomainError as refusal:
        return refusal
    return None


def _lock_row(phone: str, now: datetime) -> tuple[LoginCode, bool]:
    """The row of a number, locked. Two first requests at once make one row."""
    given = {
        "sent_at": now,
        "expires_at": now + LoginCode.LIFE,
        "keep_until": now + KEEP,
    }
    _, is_new = LoginCode.objects.get_or_create(
        phone=phone, defaults={"salt": b"", **given}
    )
    return LoginCode.objects.select_for_update().get(phone=phone), is_new


def _refuse_if_locked(row: LoginCode, now: datetime) -> None:
    if row.is_locked_at(now):
        raise _locked(row, now)


def _locked(row: LoginCode, now: datetime) -> NumberLocked:
    assert row.locked_until is not None  # noqa: S101 - `is_locked_at` has just said so
    after = _seconds(row.locked_until - now)
    return NumberLocked(after=after, wait=wait_text(after))


def _count_wrong_try(row: LoginCode, now: datetime) -> DomainError:
    """Ten wrong tries lock the number, whoever made them, over all its codes."""
    row.wrong_tries += 1
    if row.wrong_tries >= WRONG_TRIES:
        row.wrong_tries = 0
        row.locked_until = now + LOCK
        row.expires_at = max(now, row.sent_at + timedelta(seconds=1))
        row.keep_until = now + LOCK + KEEP
    row.save(update_fields=["wrong_tries", "locked_until", "expires_at", "keep_until"])
    if row.is_locked_at(now):
        return _locked(row, now)
    return CodeWrong(left=WRONG_TRIES - row.wrong_tries)


def _person_of(phone: str, language: str, now: datetime) -> User:
    # The row lock on the number makes this get-or-create safe; the unique phone is
    # behind it.
    user = User.objects.with_phone(phone).first()
    if user is None:
        user = User(
            username=f"c-{codes.new_code()}",
            phone=phone,
            phone_verified_at=now,
            date_joined=now,
            language=language,
        )
        user.set_unusable_password()
        user.save()
        _tell("accounts.user.registered", user, by=user, at=now)
    elif user.phone_verified_at is None:
        user.phone_verified_at = now
        user.save(update_fields=["phone_verified_at"])
    return user


def sign_device_in(
    *,
    phone: str,
    code: str,
    device: str,
    network: str | None,
    language: str = "zh-hans",
    otp: str = "",
) -> tuple[Token, str]:
    """Trade a code for a token of a named device: the row, and the token, shown once.

    `otp` is the authenticator app's code, for who has set one up; without it the SMS
    code stays good. Raises what `redeem_code` raises, `OneTimePasswordNeeded`,
    `OneTimePasswordWrong` and `StaffMustSetUpApp`.
    """
    user = redeem_code(
        phone=phone, code=code, network=network, language=language, otp=otp
    )
    return issue_token(user=user, device=device)


@transaction.atomic
def issue_token(*, user: User, device: str) -> tuple[Token, str]:
    """A token for a person who has proved who they are: the row and the bare token."""
    now = clock.now()
    row, token = Token.objects.create(user, device=device)
    User.objects.filter(pk=user.pk).update(last_login=now)
    _tell("accounts.token.issued", user, by=user, at=now, device=device)
    return row, token


def _check_second_factor(user: User, otp: str) -> None:
    if not is_mfa_enabled(user):
        if user.needs_second_factor and settings.STAFF_MFA_REQUIRED:
            raise StaffMustSetUpApp
        return
    if not otp:
        raise OneTimePasswordNeeded
    limits.take("otp", user.limit_key, limit=10, seconds=15 * 60)
    for authenticator in Authenticator.objects.filter(user=user):
        if authenticator.wrap().validate_code(otp) and spend_code(user, otp):
            return
    raise OneTimePasswordWrong


@transaction.atomic
def end_session(*, session: UserSession, by: User) -> None:
    """Sign a browser out, this one or another."""
    _tell("accounts.session.ended", by, by=by, at=clock.now())
    session.end()


@transaction.atomic
def revoke_token(*, token: Token, by: User) -> None:
    """Sign a device out. What it holds is worthless at once."""
    _tell(
        "accounts.token.revoked", token.user, by=by, at=clock.now(), device=token.device
    )
    token.delete()


def _tell(
    event: str, user: User, *, by: User | None, at: datetime, **detail: str
) -> None:
    happened.send(sender=User, event=event, subject=user, by=by, at=at, detail=detail)


def _seconds(left: timedelta) -> int:
    """Rounded up, so that "try again in 1 second" is never too early."""
    return max(1, -(-int(left.total_seconds() * 1000) // 1000))
