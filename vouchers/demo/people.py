"""Citizens who claim vouchers: each with a confirmed name, as the rules ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.contrib.auth.hashers import make_password

from bureau.accounts.actions.identity import Confirmed
from bureau.accounts.demo import GUARDIAN, NOWHERE, SENIOR, STUDENT
from bureau.accounts.models import User, VerifiedIdentity
from bureau.common import id_numbers, sealed
from bureau.common.demo import DemoCity
from bureau.common.masking import masked_name

CROWD = 1200
RING = 36
"""How many of them lend their accounts to somebody with two telephones."""
_FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN = ("伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "洋", "艳", "勇", "杰", "霞")


@dataclass(frozen=True)
class Claimant:
    """A person, and the marks of the telephone and network that they claim with."""

    user: User
    device: str
    network: str
    in_ring: bool = False


@dataclass(frozen=True)
class Crowd:
    others: list[Claimant]
    student: Claimant
    senior: Claimant
    guardian: Claimant

    @property
    def named(self) -> tuple[Claimant, ...]:
        return (self.student, self.senior, self.guardian)


def fill(city: DemoCity) -> Crowd:
    names = [_confirmed(city, place) for place in range(CROWD)]
    users = _users(city, names)
    VerifiedIdentity.objects.bulk_create(
        VerifiedIdentity(
            user=user,
            verified_at=city.now - timedelta(days=59),
            provider=confirmed.provider,
            **confirmed.as_fields(),
        )
        for user, confirmed in zip(users, names, strict=True)
    )
    city.say(f"{len(users)} more citizens")
    return Crowd(
        [_claimant(city, user, place) for place, user in enumerate(users)],
        *(_claimant(city, one.user(), RING) for one in (STUDENT, SENIOR, GUARDIAN)),
    )


def id_number_of(user: User) -> str:
    return sealed.unseal(user.identity.sealed_id_number)


def _users(city: DemoCity, names: list[Confirmed]) -> list[User]:
    unusable = make_password(None)
    return User.objects.bulk_create(
        User(
            username=f"c-voucher-{number:04}",
            phone=f"138001{10000 + number}",
            phone_verified_at=city.now - timedelta(days=60),
            date_joined=city.now - timedelta(days=city.between(60, 400)),
            masked_name=masked_name(confirmed.name),
            password=unusable,
        )
        for number, confirmed in enumerate(names)
    )


def _confirmed(city: DemoCity, place: int) -> Confirmed:
    born_on = date(city.today.year - city.between(17, 76), 1, 1) + timedelta(
        days=city.between(0, 364)
    )
    order = place % 1000
    seventeen = f"{NOWHERE}{born_on:%Y%m%d}{order:03}"
    number = id_numbers.IdNumber(
        seventeen + id_numbers.check_digit(seventeen), born_on, is_male=order % 2 == 1
    )
    return Confirmed(city.one_of(_FAMILY) + city.one_of(_GIVEN), number, "format")


def _claimant(city: DemoCity, user: User, place: int) -> Claimant:
    in_ring = place < RING
    key = f"ring-{place % 2}" if in_ring else f"user-{user.pk}"
    network = key if in_ring else f"network-{city.between(1, CROWD // 2)}"
    return Claimant(
        user,
        sealed.fingerprint(key, purpose="demo-device")[:16],
        sealed.fingerprint(network, purpose="demo-network")[:16],
        in_ring,
    )
