from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import translation

from bureau.accounts.demo import ADMIN
from bureau.audit.models import Entry, record
from bureau.common import clock
from bureau.common.db import advisory_locks
from bureau.common.demo import DemoCity

# From the lowest layer up; a new domain adds its line at the end.
MODULES = (
    "bureau.accounts.demo",
    "bureau.regions.demo",
    "bureau.workdays.demo",
    "bureau.draws.demo",
    "venues.demo",
    "vouchers.demo",
)
MARKER = "portal.demo.filled"
_LOCK = (-2, 20261122)


class Command(BaseCommand):
    help = "Fills the demonstration city, once; a second run changes nothing."

    def handle(self, *_args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(
                "This makes staff accounts with a known password. It only runs in a"
                " demonstration: set BUREAU_DEMO=1."
            )
        # One transaction: a run that is cut off leaves nothing behind, so the next
        # one starts from nothing again.
        with transaction.atomic(), translation.override("zh-hans"):
            advisory_locks([_LOCK])
            if Entry.objects.filter(event=MARKER).exists():
                self.stdout.write("The demonstration city is there already.")
                return
            city = DemoCity(now=clock.now(), say=self._teller(options["verbosity"]))
            for name in MODULES:
                city.begin(name)
                import_module(name).fill(city)
            record(MARKER, subject=ADMIN.user(), by=None, at=city.now)
        self.stdout.write("The demonstration city is ready.")

    def _teller(self, verbosity: int) -> Callable[[str], None]:
        def say(text: str) -> None:
            if verbosity:
                self.stdout.write(f"  {text}")

        return say
