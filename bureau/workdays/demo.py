"""The working calendar, as the State Council published it."""

from __future__ import annotations

from io import StringIO

from django.core.management import call_command

from bureau.common.demo import DemoCity


def fill(city: DemoCity) -> None:
    call_command("load_workdays", stdout=StringIO())  # `say` tells it
    city.say("the working calendar")
