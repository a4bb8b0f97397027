"""Businesses for tests, made by the actions themselves: facts, shops, photos."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count
from typing import Any

from django.contrib.gis.geos import Point
from django.core.files.uploadedfile import SimpleUploadedFile

from bureau.accounts.models import User
from bureau.common import clock
from bureau.regions.models import District
from tests import make as city
from tests.photos.pictures import jpeg
from tests.vouchers import make
from vouchers import actions
from vouchers.actions import Invitation, MerchantFacts, ShopFacts
from vouchers.models import Member, Merchant

_serial = count(1)
HERE = Point(116.587, 35.415, srid=4326)
ACCOUNT = "1608020109200123456"


def photo(name: str = "licence.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, jpeg(), content_type="image/jpeg")


def facts(**given: Any) -> MerchantFacts:
    given.setdefault("name", f"健身有限公司 {next(_serial)}")
    given.setdefault("credit_code", make.credit_code())
    given.setdefault("sports", ("badminton",))
    given.setdefault("bank_name", "中国工商银行济宁分行")
    given.setdefault("account_name", given["name"])
    given.setdefault("account_number", ACCOUNT)
    return MerchantFacts(**given)


def swimming(**given: Any) -> MerchantFacts:
    """Facts of a pool with its permit."""
    given.setdefault("sports", ("swimming",))
    given.setdefault("permit_number", "GWX-2026-1")
    given.setdefault("permit_until", clock.today() + timedelta(days=365))
    return facts(**given)


def shop_facts(**given: Any) -> ShopFacts:
    given.setdefault("name", f"门店 {next(_serial)}")
    given.setdefault("address", "任城区 1 号")
    given.setdefault("location", HERE)
    return ShopFacts(**given)


def applied(*, by: User | None = None, **given: Any) -> Merchant:
    """A business that has just applied, with one shop."""
    if not District.objects.exists():
        city.district()
    given.setdefault("facts", facts())
    given.setdefault("shop", shop_facts())
    if given["facts"].needs_permit:
        given.setdefault("permit", photo("permit.jpg"))
    return actions.register_merchant(licence=photo(), by=by or city.verified(), **given)


def approved(**given: Any) -> Merchant:
    return actions.approve_merchant(merchant=applied(**given), by=city.user())


def manager_of(merchant: Merchant) -> Member:
    return merchant.members.at_work().managers().order_by("pk")[0]


def person_of(member: Member) -> User:
    assert member.person
    return member.person


def invited(merchant: Merchant, *, phone: str = "13700000001", **given: Any) -> Member:
    given.setdefault("name", "小李")
    invitation = Invitation(phone=phone, **given)
    manager = person_of(manager_of(merchant))
    return actions.invite_member(merchant=merchant, invitation=invitation, by=manager)


def joined(merchant: Merchant, **given: Any) -> Member:
    """A clerk who has taken an invitation."""
    clerk = city.citizen()
    assert clerk.phone
    member = invited(merchant, phone=clerk.phone, **given)
    return actions.accept_invitation(code=member.invite_code or "", by=clerk)


def day_in(days: int) -> date:
    return clock.today() + timedelta(days=days)
