"""The people of the demonstration: every role once, and a crowd that books."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date, timedelta

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageDraw

from bureau.accounts import actions
from bureau.accounts.actions.identity import Confirmed
from bureau.accounts.models import (
    Consent,
    Dependant,
    Eligibility,
    Role,
    User,
    VerifiedIdentity,
)
from bureau.common import id_numbers
from bureau.common.demo import DemoCity

# Documented in README.md. `demo_city` and `demo_people` refuse to run elsewhere.
PASSWORD = "jining-demo-2026"  # noqa: S105
CROWD = 160
# 999999 is no division of China: nobody has such a number.
NOWHERE = "999999"


@dataclass(frozen=True)
class Person:
    """Somebody to sign in as; `login` is a mobile number or a user name."""

    login: str
    name: str
    what: str | Promise
    first_page: str
    role: Role | None = None
    works_for_bureau: bool = False
    born: tuple[date, int] | None = None
    """Birthday, and the order number in the ID (odd: male); None: not verified."""

    @property
    def is_citizen(self) -> bool:
        return self.login.isdigit()

    @property
    def password(self) -> str:
        return "" if self.is_citizen else PASSWORD

    def user(self) -> User:
        if self.is_citizen:
            return User.objects.get(phone=self.login)
        return User.objects.get(username=self.login)


SENIOR = Person(
    "13800010001",
    "李秀兰",
    _("citizen over 60, verified: half price"),
    "/venues/",
    born=(date(1954, 3, 12), 2),
)
GUARDIAN = Person(
    "13800010002",
    "王建国",
    _("guardian of a child and of a mother without a phone"),
    "/me/",
    born=(date(1986, 7, 5), 3),
)
STUDENT = Person(
    "13800010003",
    "张雨桐",
    _("student, certificate approved"),
    "/venues/",
    born=(date(2005, 11, 20), 4),
)
APPLICANT = Person(
    "13800010004",
    "刘志强",
    _("disability certificate waits for a check"),
    "/me/",
    born=(date(1979, 1, 30), 5),
)
NEWCOMER = Person("13800010005", "陈晨", _("citizen, not verified"), "/venues/")
GATE_TAIBAI = Person(
    "gate-taibai",
    "周敏",
    _("venue staff, Taibai Lake"),
    "/gate/",
    role=Role.VENUE_STAFF,
    works_for_bureau=True,
)
GATE_CANAL = Person(
    "gate-canal",
    "吴磊",
    _("venue staff, Canal Gymnasium and Guhuai Pool"),
    "/gate/",
    role=Role.VENUE_STAFF,
    works_for_bureau=True,
)
GATE_COUNTIES = Person(
    "gate-counties",
    "郑洁",
    _("venue staff, the venues of the counties"),
    "/gate/",
    role=Role.VENUE_STAFF,
    works_for_bureau=True,
)
MERCHANT = Person(
    "merchant",
    "孙丽",
    _("merchant's clerk at a counter"),
    "/counter/",
    role=Role.MERCHANT_CLERK,
)
MERCHANT_MANAGER = Person(
    "13800010006",
    "何佳",
    _("merchant's manager"),
    "/merchants/mine/",
    role=Role.MERCHANT_MANAGER,
)
INSPECTOR = Person(
    "inspector",
    "赵刚",
    _("inspector"),
    "/me/",
    role=Role.INSPECTOR,
    works_for_bureau=True,
)
PATROL = Person(
    "patrol",
    "钱勇",
    _("patrol of Rencheng"),
    "/me/",
    role=Role.PATROL,
    works_for_bureau=True,
)
RENCHENG_STAFF = Person(
    "rencheng",
    "冯静",
    _("bureau staff, Rencheng District only"),
    "/admin/",
    role=Role.BUREAU_STAFF,
    works_for_bureau=True,
)
CITY_STAFF = Person(
    "city",
    "褚伟",
    _("city staff, all districts"),
    "/admin/",
    role=Role.CITY_STAFF,
    works_for_bureau=True,
)
FINANCE = Person(
    "finance",
    "沈岚",
    _("city staff, the second pair of eyes"),
    "/admin/",
    role=Role.CITY_STAFF,
    works_for_bureau=True,
)
AUDITOR = Person(
    "auditor",
    "韩雪梅",
    _("auditor: sees the whole city, changes nothing"),
    "/admin/",
    role=Role.AUDITOR,
    works_for_bureau=True,
)
ADMIN = Person(
    "admin",
    "卫国",
    _("superuser"),
    "/admin/",
    works_for_bureau=True,
)
PEOPLE = (
    SENIOR,
    GUARDIAN,
    STUDENT,
    APPLICANT,
    NEWCOMER,
    GATE_TAIBAI,
    GATE_CANAL,
    GATE_COUNTIES,
    MERCHANT_MANAGER,
    MERCHANT,
    INSPECTOR,
    PATROL,
    RENCHENG_STAFF,
    CITY_STAFF,
    FINANCE,
    AUDITOR,
    ADMIN,
)


def fill(city: DemoCity) -> None:
    call_command("sync_roles", verbosity=0)
    groups = {group.name: group for group in Group.objects.all()}
    password = make_password(PASSWORD)  # slow by design, so only once
    for person in PEOPLE:
        user = _user_of(person, city, password)
        if person.role:
            user.groups.add(groups[person.role])
        if person.born:
            _verify(user, person, city)
    _crowd(city)
    _family_of(GUARDIAN.user(), city)
    _certificates(city)
    city.say(f"{len(PEOPLE)} people to sign in as, {CROWD} others")


def crowd() -> list[User]:
    """The nameless citizens, in a fixed order."""
    return list(User.objects.filter(username__startswith="c-demo-").order_by("pk"))


def _user_of(person: Person, city: DemoCity, password: str) -> User:
    registered_at = city.now - timedelta(days=90)
    if person.is_citizen:
        user = User(
            username=f"c-{person.login}",
            phone=person.login,
            phone_verified_at=registered_at,
            date_joined=registered_at,
        )
        user.set_unusable_password()
    else:
        user = User(
            username=person.login,
            last_name=person.name[:1],
            first_name=person.name[1:],
            password=password,
            is_staff=person.works_for_bureau,
            is_superuser=person is ADMIN,
            date_joined=registered_at,
        )
    user.save()
    if person.is_citizen:
        _consent(user, Consent.Kind.TERMS, city)
    return user


def _verify(user: User, person: Person, city: DemoCity) -> None:
    assert person.born is not None  # noqa: S101 - the caller has just looked
    confirmed = _confirmed(person.name, *person.born)
    identity = VerifiedIdentity.objects.create(
        user=user,
        verified_at=city.now - timedelta(days=60),
        provider=confirmed.provider,
        **confirmed.as_fields(),
    )
    user.masked_name = identity.masked_name
    user.save(update_fields=["masked_name"])
    _consent(user, Consent.Kind.REAL_NAME, city)


def _confirmed(name: str, born_on: date, order: int) -> Confirmed:
    seventeen = f"{NOWHERE}{born_on:%Y%m%d}{order:03}"
    number = id_numbers.IdNumber(
        seventeen + id_numbers.check_digit(seventeen), born_on, is_male=order % 2 == 1
    )
    return Confirmed(name, number, "format")


def _consent(
    user: User, kind: str, city: DemoCity, dependant: Dependant | None = None
) -> None:
    Consent.objects.create(
        user=user,
        dependant=dependant,
        kind=kind,
        text_version="2026-01",
        given_at=city.now - timedelta(days=60),
    )


def _crowd(city: DemoCity) -> None:
    unusable = make_password(None)
    User.objects.bulk_create(
        User(
            username=f"c-demo-{number:03}",
            phone=f"138000{20000 + number}",
            phone_verified_at=city.now - timedelta(days=30),
            date_joined=city.now - timedelta(days=city.between(30, 400)),
            password=unusable,
        )
        for number in range(CROWD)
    )


def _family_of(guardian: User, city: DemoCity) -> None:
    child_born_on = date(city.today.year - 9, 5, 18)
    for name, relation, born_on, order in (
        ("王小萌", Dependant.Relation.CHILD, child_born_on, 12),
        ("马桂英", Dependant.Relation.PARENT, date(1951, 9, 2), 14),
    ):
        dependant = Dependant.objects.create(
            guardian=guardian,
            relation=relation,
            registered_at=city.now - timedelta(days=50),
            **_confirmed(name, born_on, order).as_fields(),
        )
        _consent(guardian, Consent.Kind.REAL_NAME, city, dependant)
        if relation == Dependant.Relation.CHILD:
            _consent(guardian, Consent.Kind.GUARDIAN, city, dependant)


def _certificates(city: DemoCity) -> None:
    """One approved, one that waits for a member of staff."""
    staff = CITY_STAFF.user()
    for person, kind, picture in (
        (STUDENT, Eligibility.Kind.STUDENT, "STUDENT CARD"),
        (APPLICANT, Eligibility.Kind.DISABLED, "CERTIFICATE"),
    ):
        asked = actions.ask_for_eligibility(
            kind=kind,
            expires_on=city.today + timedelta(days=300),
            certificate=_picture(picture),
            agreed=True,
            by=person.user(),
        )
        if person is STUDENT:
            actions.approve_eligibility(eligibility=asked, by=staff)


def _picture(text: str) -> SimpleUploadedFile:
    """A made-up certificate that nobody can take for a real one."""
    image = Image.new("RGB", (640, 400), "#eef7f2")
    pen = ImageDraw.Draw(image)
    pen.rectangle((20, 20, 620, 380), outline="#0f6b4f", width=6)
    pen.text((220, 180), f"DEMO {text}", fill="#06352a")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return SimpleUploadedFile("certificate.jpg", out.getvalue(), "image/jpeg")
