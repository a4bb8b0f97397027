from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from bureau.accounts.demo import PEOPLE
from bureau.common import clock
from vouchers.demo.campaigns import next_rush


class Command(BaseCommand):
    help = "Prints the people of the demonstration: how to sign in, and as what."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(
                "There are demonstration people only in a demonstration: set"
                " BUREAU_DEMO=1."
            )
        rows = [(_("SIGN IN AS"), _("WITH"), _("WHO"), _("FIRST PAGE"))]
        rows += [
            (
                person.login,
                person.password or _("code shown in the page"),
                str(person.what),
                person.first_page,
            )
            for person in PEOPLE
        ]
        widths = [max(_width(row[i]) for row in rows) for i in range(4)]
        for row in rows:
            cells = (
                cell + " " * (width - _width(cell))
                for cell, width in zip(row, widths, strict=True)
            )
            self.stdout.write("  ".join(cells).rstrip())
        self.stdout.write(
            _("Citizens: %(citizens)s, staff: %(staff)s")
            % {"citizens": "/accounts/login/", "staff": "/accounts/staff/login/"}
        )
        if rush := next_rush():
            self.stdout.write(
                _("Vouchers: a rush opens at %(at)s at %(address)s")
                % {
                    "at": clock.at_text(rush.opens_at),
                    "address": rush.get_absolute_url(),
                }
            )


def _width(text: str) -> int:
    """Columns on a terminal: a Chinese character takes two."""
    return sum(2 if ord(character) > 0x2E7F else 1 for character in text)
