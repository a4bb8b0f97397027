from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from bureau.accounts import signals
from bureau.photos import actions
from bureau.photos.models import Photo


@receiver(signals.certificate_given, dispatch_uid="photos")
def store_certificate(
    sender: Any,  # noqa: ARG001 - every receiver gets it
    *,
    eligibility: Any,
    file: Any,
    **_kwargs: Any,
) -> None:
    actions.store_photo(
        file=file,
        subject=eligibility,
        by=eligibility.user,
        purpose=Photo.Purpose.CERTIFICATE,
    )
