from __future__ import annotations

import pytest

from bureau.accounts import signals
from bureau.accounts.models import User
from bureau.photos.errors import NotAPhoto
from bureau.photos.models import Photo
from tests.photos import pictures

pytestmark = pytest.mark.django_db


class Asked:
    """Stands where accounts has an Eligibility: a row with a user."""


def test_a_certificate_that_accounts_was_given_is_stored(citizen: User) -> None:
    citizen.user = citizen  # type: ignore[attr-defined]  # a row with a user
    signals.certificate_given.send(
        Asked, eligibility=citizen, file=pictures.upload(pictures.jpeg())
    )
    photo = Photo.objects.about(citizen).get()
    assert (photo.purpose, photo.uploaded_by) == ("certificate", citizen)


def test_a_refused_picture_stops_the_request(citizen: User) -> None:
    citizen.user = citizen  # type: ignore[attr-defined]  # as above
    with pytest.raises(NotAPhoto):
        signals.certificate_given.send(
            Asked, eligibility=citizen, file=pictures.upload(b"no picture")
        )
