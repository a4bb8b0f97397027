"""Give every role its permissions, from one table. Safe to run at every start."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand
from django.db import transaction

from bureau.accounts.models import Role

# What is not named is not given: nobody but a superuser may change who may do what,
# or edit the audit trail.
_BUREAU = [
    "venues.*",
    "-venues.grant_price_exception",  # a matter for the city, not for a district
    "equipment.*",
    "events.*",
    "vouchers.*",
    "safety.*",
    "draws.view_*",
    "-draws.view_drawentry",  # people of the whole city; who is in, the draw tells
    "draws.read_beacon",
    "photos.view_*",
    "workdays.view_*",
    "regions.view_*",
    # Of people: accounts of staff, and certificates that wait (docs/adr/0019).
    "accounts.view_user",
    "accounts.view_eligibility",
    "accounts.review_eligibility",
]
TABLE: dict[Role, list[str]] = {
    Role.VENUE_STAFF: ["venues.view_*"],
    Role.MERCHANT_CLERK: ["vouchers.view_*"],
    Role.MERCHANT_MANAGER: ["vouchers.view_*"],
    Role.PATROL: ["equipment.view_*"],
    Role.MAINTENANCE: ["equipment.view_*"],
    Role.INSPECTOR: ["safety.view_*"],
    Role.SITE_OPERATOR: ["safety.view_*"],
    Role.JUDGE: ["events.view_*"],
    Role.BUREAU_STAFF: _BUREAU,
    Role.CITY_STAFF: [
        *_BUREAU,
        "venues.grant_price_exception",
        "accounts.view_verifiedidentity",
        "accounts.view_dependant",
        "accounts.view_consent",
        "accounts.reveal_*",
        "accounts.add_user",
        "accounts.change_user",
        "accounts.view_token",
        "accounts.delete_token",
        # Tables of the whole city, which know no districts. District staff see the
        # payments and the history of a booking on the booking itself.
        "audit.view_*",
        "notices.*",
        "workdays.*",
        "regions.*",
        "payments.*",
        "draws.*",
    ],
    # All that money and fairness rest on, and nothing to do anything with. Of people no
    # more than the masked account that a row belongs to: no ID, family, certificate.
    Role.AUDITOR: [
        "venues.view_*",
        "equipment.view_*",
        "events.view_*",
        "vouchers.view_*",
        "safety.view_*",
        "draws.view_*",
        "payments.view_*",
        "photos.view_*",
        "workdays.view_*",
        "regions.view_*",
        "audit.view_*",
        "accounts.view_user",
    ],
}


def _is_given(name: str, patterns: list[str]) -> bool:
    given = False
    for pattern in patterns:
        if fnmatchcase(name, pattern.removeprefix("-")):
            given = not pattern.startswith("-")
    return given


class Command(BaseCommand):
    help = "Give every role (group) the permissions of the table in this file."

    @transaction.atomic
    def handle(self, *args: Any, verbosity: int = 1, **options: Any) -> None:  # noqa: ARG002
        by_name = {
            f"{permission.content_type.app_label}.{permission.codename}": permission
            for permission in Permission.objects.select_related("content_type")
        }
        for role, patterns in TABLE.items():
            group, _ = Group.objects.get_or_create(name=role.value)
            given = [
                permission
                for name, permission in by_name.items()
                if _is_given(name, patterns)
            ]
            group.permissions.set(given)
            if verbosity:
                self.stdout.write(f"{role.value}: {len(given)} permissions")
