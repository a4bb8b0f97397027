"""The working calendar, as the State Council published it, and the school breaks."""

from __future__ import annotations

from datetime import date
from io import StringIO

from django.core.management import call_command

from bureau.common.demo import DemoCity
from bureau.workdays import actions


def fill(city: DemoCity) -> None:
    call_command("load_workdays", stdout=StringIO())  # `say` tells it
    for year in (city.today.year, city.today.year + 1):
        for season, first_on, last_on in (
            ("寒假", date(year, 1, 30), date(year, 2, 28)),
            ("暑假", date(year, 7, 11), date(year, 8, 31)),
        ):
            actions.set_school_break(
                name=f"{year}年{season}", first_on=first_on, last_on=last_on, by=None
            )
    city.say("the working calendar, four school breaks")
