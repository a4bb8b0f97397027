"""Forty-eight businesses of the demonstration, their shops, people and telephones.

The names are invented; their credit codes carry a division of China that does not
exist, and the accounts a bank number that no bank has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from bureau.accounts.demo import (
    APPLICANT,
    CITY_STAFF,
    MERCHANT,
    MERCHANT_MANAGER,
    Person,
)
from bureau.accounts.models import Role, User
from bureau.common import credit_codes, sealed
from bureau.common.demo import DemoCity
from bureau.common.sports import Sport
from bureau.regions.models import District
from venues.demo.ground import spot_in
from vouchers.models import Device, Member, Merchant, Shop
from vouchers.models.merchants import HIGH_RISK

State = Merchant.State
BANKS = (
    "中国工商银行济宁分行",
    "中国农业银行济宁分行",
    "济宁银行",
    "中国建设银行济宁分行",
)


@dataclass(frozen=True)
class Trade:
    """A kind of business, what it plays, and how many of its customers pay how much."""

    words: str
    sports: Sequence[Sport]
    draws: int
    """How many customers it draws beside the others."""
    median_yuan: int
    """The middle one of its small bills."""


GYM = Trade("健身俱乐部", [Sport.FITNESS], 9, 45)
TRADES = (
    Trade("羽毛球馆", [Sport.BADMINTON], 8, 40),
    GYM,
    Trade("游泳馆", [Sport.SWIMMING, Sport.FITNESS], 7, 38),
    Trade("篮球公园", [Sport.BASKETBALL], 5, 30),
    Trade("乒乓球俱乐部", [Sport.TABLE_TENNIS], 5, 25),
    Trade("网球中心", [Sport.TENNIS], 3, 80),
    Trade("足球公园", [Sport.FOOTBALL], 3, 60),
    Trade("攀岩馆", [Sport.CLIMBING], 2, 88),
    Trade("体育综合馆", [Sport.BADMINTON, Sport.BASKETBALL, Sport.TABLE_TENNIS], 6, 40),
    Trade("滑雪场", [Sport.SKIING], 2, 120),
    Trade("排球运动中心", [Sport.VOLLEYBALL], 2, 35),
    Trade("少年体能馆", [Sport.ATHLETICS, Sport.FITNESS], 4, 70),
)
BRANDS = ("运河", "太白湖", "跃动", "晨风", "麒麟", "远征", "泗水源", "青禾")
COUNT = len(TRADES) * 4
SUSPENDED, WAITING, REFUSED = COUNT - 3, COUNT - 2, COUNT - 1


@dataclass
class Counter:
    """A shop and who works at it."""

    merchant: Merchant
    shop: Shop
    trade: Trade
    clerks: list[Member] = field(default_factory=list)
    devices: dict[int, Device] = field(default_factory=dict)
    """By the clerk's key."""
    is_crooked: bool = False
    is_off_hours: bool = False


def fill(city: DemoCity) -> list[Counter]:
    """The counters that have redeemed: those of the suspended one among them."""
    contacts = _people(city, "boss", COUNT)
    contacts[0] = MERCHANT_MANAGER.user()
    contacts[WAITING] = APPLICANT.user()
    firms = Merchant.objects.bulk_create(
        _merchant(city, number, contact) for number, contact in enumerate(contacts)
    )
    counters = [
        counter
        for number, firm in enumerate(firms)
        for counter in _shops(city, firm, number)
    ]
    Shop.objects.bulk_create(counter.shop for counter in counters)
    working = [one for one in counters if one.merchant not in firms[WAITING:]]
    _staff(city, firms[:WAITING], contacts, working)
    city.say(f"{len(firms)} merchants with {len(counters)} shops")
    return working


def _merchant(city: DemoCity, number: int, contact: User) -> Merchant:
    trade = TRADES[number % len(TRADES)]
    place = "济宁" if number < len(TRADES) else _district(number).name[:-1]
    name = f"{place}{_sign(number)}"
    account = f"6299990{city.between(10**8, 10**9 - 1)}"
    state = {SUSPENDED: State.SUSPENDED, WAITING: State.APPLIED, REFUSED: State.REFUSED}
    reason = {
        SUSPENDED: "多笔核销疑似虚构交易，正在核查",
        REFUSED: "营业执照照片不清晰，请重新上传",
    }
    start = f"91999999MA{number + 1:07}"
    risky = any(sport in HIGH_RISK for sport in trade.sports)
    decided = number != WAITING
    return Merchant(
        name=f"{name}有限公司",
        credit_code=start + credit_codes.check_digit(start),
        sports=[sport.value for sport in trade.sports],
        permit_number=f"鲁济高危{number + 1:03}" if risky else "",
        permit_until=city.today + timedelta(days=20 + 37 * number) if risky else None,
        bank_name=BANKS[number % len(BANKS)],
        account_name=f"{name}有限公司",
        sealed_account=sealed.seal(account),
        masked_account=f"{account[:4]}{'*' * 8}{account[-4:]}",
        contact=contact,
        is_large=number % 6 == 0,
        state=state.get(number, State.APPROVED),
        reason=reason.get(number, ""),
        applied_at=city.now - timedelta(days=1 if number == WAITING else 45),
        decided_at=city.now - timedelta(days=40) if decided else None,
        decided_by=CITY_STAFF.user() if decided else None,
    )


def _sign(number: int) -> str:
    """What is written over the doors of all its shops."""
    brand = BRANDS[number // len(TRADES) * 2 + number % 2]
    return f"{brand}{TRADES[number % len(TRADES)].words}"


def _district(number: int) -> District:
    districts = list(District.objects.in_order())
    return districts[number % len(districts)]


def _shops(city: DemoCity, firm: Merchant, number: int) -> list[Counter]:
    """One to four; big ones are in several districts."""
    trade = TRADES[number % len(TRADES)]
    places = [_district(number + 4 * n) for n in range(1 + number % 4)]
    return [
        Counter(
            firm,
            Shop(
                merchant=firm,
                name=f"{_sign(number)}（{place.name[:-1]}店）",
                district=place,
                address=f"{place.name}体育路{10 * number + n + 1}号",
                phone=f"0537-00{number:02}{n:02}",
                location=spot_in(city, place),
                sports=firm.sports,
                is_open=firm.state == State.APPROVED,
            ),
            trade,
            is_crooked=number in (5, 18),
            is_off_hours=number == 18,
        )
        for n, place in enumerate(places)
    ]


def _staff(
    city: DemoCity,
    firms: Sequence[Merchant],
    contacts: Sequence[User],
    counters: Sequence[Counter],
) -> None:
    """A manager for each business, and one or two clerks at each counter."""
    managers = [
        _member(city, firm, contacts[number], Member.Role.MANAGER)
        for number, firm in enumerate(firms)
    ]
    clerks = []
    for counter in counters:
        counter.clerks = [
            _member(city, counter.merchant, person, Member.Role.CLERK)
            for person in _people(city, f"clerk-{counter.shop.pk}", city.between(1, 2))
        ]
        clerks += [(clerk, counter.shop) for clerk in counter.clerks]
    # The one to sign in as works at all counters of the first business.
    own = _member(city, firms[0], MERCHANT.user(), Member.Role.CLERK, MERCHANT)
    members = Member.objects.bulk_create([*managers, *(c for c, _shop in clerks), own])
    Member.shops.through.objects.bulk_create(
        Member.shops.through(member=clerk, shop=shop) for clerk, shop in clerks
    )
    _give_roles(members)
    for counter in counters:
        for clerk in counter.clerks:
            counter.devices[clerk.pk] = _device(city, clerk)
    Device.objects.bulk_create(
        device for counter in counters for device in counter.devices.values()
    )


def _member(
    city: DemoCity,
    firm: Merchant,
    person: User,
    role: Member.Role,
    known: Person | None = None,
) -> Member:
    joined_at = city.now - timedelta(days=39)
    return Member(
        merchant=firm,
        person=person,
        role=role,
        name=known.name if known else f"店员{person.pk % 100:02}",
        invited_at=joined_at,
        joined_at=joined_at,
    )


def _give_roles(members: Sequence[Member]) -> None:
    groups = {group.name: group for group in Group.objects.all()}
    name_of = {
        Member.Role.MANAGER: Role.MERCHANT_MANAGER.value,
        Member.Role.CLERK: Role.MERCHANT_CLERK.value,
    }
    User.groups.through.objects.bulk_create(
        (
            User.groups.through(
                user_id=member.person_id,
                group_id=groups[name_of[Member.Role(member.role)]].pk,
            )
            for member in members
        ),
        ignore_conflicts=True,
    )


def _device(city: DemoCity, clerk: Member) -> Device:
    return Device(
        member=clerk,
        key_hash=sealed.fingerprint(f"till-{clerk.pk}", purpose="demo-device"),
        name=city.one_of(["华为手机", "小米手机", "收银台平板", "荣耀手机"]),
        first_seen_at=city.now - timedelta(days=39),
        last_seen_at=city.now - timedelta(hours=city.between(1, 60)),
    )


def _people(city: DemoCity, what: str, count: int) -> list[User]:
    unusable = make_password(None)
    first = User.objects.filter(phone__startswith="138002").count()
    return User.objects.bulk_create(
        User(
            username=f"c-{what}-{number}",
            phone=f"138002{10000 + first + number}",
            phone_verified_at=city.now - timedelta(days=50),
            date_joined=city.now - timedelta(days=50),
            password=unusable,
        )
        for number in range(count)
    )
