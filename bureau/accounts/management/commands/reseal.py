"""After a new key was put in front of BUREAU_SEAL_KEYS: seal everything under it.

Then the old key can be dropped. Safe to run twice and while people use the portal.
"""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand
from django.db import models, transaction

from bureau.accounts.models import Dependant, VerifiedIdentity
from bureau.accounts.signals import resealing
from bureau.common import sealed

SEALED = (VerifiedIdentity, Dependant)


class Command(BaseCommand):
    help = "Seal names, numbers and authenticator secrets under the newest key."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        for model in SEALED:
            for pk in model.objects.values_list("pk", flat=True).iterator():
                _reseal_person(model, pk)
        secrets = Authenticator.objects.values_list("pk", flat=True)
        for pk in secrets.iterator():
            _reseal_authenticator(pk)
        resealing.send(sender=Command)
        self.stdout.write("Everything is sealed under the newest key.")


@transaction.atomic
def _reseal_person(model: type[VerifiedIdentity] | type[Dependant], pk: int) -> None:
    # Locked, so that a deletion that happens meanwhile is not undone.
    rows = model.objects.select_for_update(of=("self",)).filter(pk=pk)
    for row in rows:
        row.sealed_name = sealed.reseal(row.sealed_name)
        row.sealed_id_number = sealed.reseal(row.sealed_id_number)
        row.save(update_fields=["sealed_name", "sealed_id_number"])


@transaction.atomic
def _reseal_authenticator(pk: int) -> None:
    rows: models.QuerySet[Any] = Authenticator.objects.filter(pk=pk)
    for row in rows.select_for_update(of=("self",)):
        for name in ("secret", "seed"):
            if name in row.data:
                old = row.data[name].encode()
                row.data[name] = sealed.reseal(old).decode()
        row.save(update_fields=["data"])
