from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db.models import Model
from django.test import Client

from bureau.accounts.models import Eligibility, Role, User
from bureau.common import clock
from bureau.photos import actions
from bureau.photos.models import Photo
from tests import make
from tests.photos import pictures

pytestmark = pytest.mark.django_db


def keep(citizen: User, purpose: str, *, about: Model | None = None) -> Photo:
    return actions.store_photo(
        file=pictures.upload(pictures.jpeg()),
        subject=about or citizen,
        by=citizen,
        purpose=purpose,
    )


def allowed(client: Client, photo: Photo) -> bool:
    answer = client.get(photo.get_absolute_url())
    assert answer.status_code in (200, 404)
    return answer.status_code == 200


def reviewer(*permissions: str) -> User:
    user = make.user(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def test_a_public_picture_is_served_safely(client: Client, citizen: User) -> None:
    photo = keep(citizen, "venue")
    answer = client.get(photo.get_absolute_url())

    assert answer["Content-Type"] == "image/jpeg"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert len(answer.content) == photo.bytes == int(answer["Content-Length"])


def test_a_known_picture_is_not_sent_again(client: Client, citizen: User) -> None:
    photo = keep(citizen, "venue")
    etag = client.get(photo.get_absolute_url())["ETag"]
    again = client.get(photo.get_absolute_url(), headers={"If-None-Match": etag})
    assert again.status_code == 304


def test_a_certificate_is_for_its_sender_and_reviewers(
    client: Client, citizen: User, stranger: User
) -> None:
    waiting = Eligibility.objects.create(
        user=citizen, kind="student", expires_on=clock.today(), asked_at=clock.now()
    )
    photo = keep(citizen, "certificate", about=waiting)
    assert not allowed(client, photo)

    people: list[tuple[User, bool]] = [
        (stranger, False),
        (reviewer("view_photo"), False),
        (citizen, True),
        (reviewer("review_eligibility"), True),
    ]
    for person, may in people:
        client.force_login(person)
        assert allowed(client, photo) is may

    kept = client.get(photo.get_absolute_url())["Cache-Control"]
    assert kept.startswith("private,")


def test_a_certificate_that_is_decided_is_for_who_did_and_for_the_city(
    client: Client, citizen: User
) -> None:
    decider, other, city = (reviewer("review_eligibility") for _ in range(3))
    role, _new = Group.objects.get_or_create(name=Role.CITY_STAFF)
    city.groups.add(role)
    decided = Eligibility.objects.create(
        user=citizen,
        kind="student",
        state="approved",
        expires_on=clock.today(),
        asked_at=clock.now(),
        decided_at=clock.now(),
        decided_by=decider,
    )
    photo = keep(citizen, "certificate", about=decided)
    for person, may in [(decider, True), (other, False), (city, True)]:
        client.force_login(person)
        assert allowed(client, photo) is may


def test_a_report_is_for_its_sender_and_staff(
    client: Client, citizen: User, stranger: User
) -> None:
    photo = keep(citizen, "report")
    assert not allowed(client, photo)
    staff = reviewer("view_photo")
    for person, may in [(stranger, False), (citizen, True), (staff, True)]:
        client.force_login(person)
        assert allowed(client, photo) is may


@pytest.mark.parametrize("code", ["0" * 16, "..%2f..%2fetc%2fpasswd", "1", "%00"])
def test_what_is_not_there_is_a_404(client: Client, code: str, db: None) -> None:
    assert client.get(f"/photos/{code}.jpg").status_code == 404


def test_a_lost_file_is_a_404(client: Client, citizen: User) -> None:
    photo = keep(citizen, "venue")
    photo.file.storage.delete(photo.file.name or "")
    assert not allowed(client, photo)


def test_the_address_tells_no_id(citizen: User) -> None:
    photo: Any = keep(citizen, "venue")
    assert photo.get_absolute_url() == f"/photos/{photo.code}.jpg"
    assert len(photo.code) >= 12
