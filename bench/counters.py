"""Counters where vouchers are redeemed: merchants, their clerks, and what they send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.gis.geos import Point
from django.core.signing import get_cookie_signer
from django.urls import reverse

from bench import city
from bench.wrk import Request
from bureau.common import clock, codes, credit_codes, sealed
from bureau.common.money import yuan
from bureau.common.sports import Sport
from vouchers import http
from vouchers.actions import ledger
from vouchers.models import Campaign, Member, Merchant, Participation, Shop, Voucher

_serial = count(1)


@dataclass(frozen=True)
class Clerk:
    """Somebody at a counter, signed in on a telephone that is known there."""

    member: Member
    shop: Shop
    cookie: str

    def redeems(self, code: str, *, bill_fen: int, request_key: str) -> Request:
        """The one tap behind the scan and the bill."""
        fields = {
            "csrfmiddlewaretoken": city.CSRF,
            "token": shown(code),
            "bill": yuan(bill_fen),
            "request_key": request_key,
        }
        path = reverse("vouchers:counter-redeem")
        return Request("POST", path, urlencode(fields), self.cookie)

    def undoes(self, number: str) -> Request:
        fields = urlencode({"csrfmiddlewaretoken": city.CSRF})
        path = reverse("vouchers:redemption-undo", args=[number])
        return Request("POST", path, fields, self.cookie)


def clerks(number: int, *, taking: Sequence[Campaign]) -> list[Clerk]:
    """Each works alone in the one shop of a merchant that takes these vouchers."""
    return [_clerk(citizen, taking) for citizen in city.citizens(number)]


def _clerk(citizen: city.Citizen, taking: Sequence[Campaign]) -> Clerk:
    now = clock.now()
    serial = next(_serial)
    name = f"体育公司 {serial}"
    start = f"91999999BE{serial:07}"
    firm = Merchant.objects.create(
        name=name,
        credit_code=start + credit_codes.check_digit(start),
        sports=[Sport.BADMINTON.value],
        bank_name="济宁银行",
        account_name=name,
        sealed_account=sealed.seal("6299990000000000017"),
        masked_account="6299********0017",
        contact=citizen.user,
        state=Merchant.State.APPROVED,
        applied_at=now,
        decided_at=now,
    )
    for campaign in taking:
        ledger.open_merchant_accounts(campaign, firm)
        Participation.objects.create(
            campaign=campaign, merchant=firm, since=now - timedelta(hours=1)
        )
    shop = Shop.objects.create(
        merchant=firm,
        name=f"门店 {serial}",
        district=city.district(),
        address=f"体育路 {serial} 号",
        location=Point(116.587, 35.415, srid=4326),
        sports=firm.sports,
    )
    member = Member.objects.create(
        merchant=firm,
        person=citizen.user,
        role=Member.Role.CLERK,
        name="店员",
        invited_at=now,
        joined_at=now,
    )
    return Clerk(member, shop, f"{citizen.cookie}; {_device(serial)}")


def _device(serial: int) -> str:
    """The cookie by which the telephone is known again."""
    name = http.DEVICE_COOKIE
    signer = get_cookie_signer(salt=name + "vouchers.counter_device")
    return f"{name}={signer.sign(f'bench-device-{serial:06}')}"


def shown(code: str) -> str:
    """What a scanner reads at this moment off the telephone of a voucher's owner."""
    step = codes.step_at(clock.now())
    proof = codes.proof_of(code, key=Voucher(code=code).key, step=step)
    return f"{settings.PUBLIC_URL}/v/{code}?k={proof}"
