"""The districts of the demonstration city, and who is posted where."""

from __future__ import annotations

from io import StringIO

from django.core.management import call_command

from bureau.accounts.demo import PATROL, RENCHENG_STAFF
from bureau.common.demo import DemoCity
from bureau.regions.models import District, Posting

RENCHENG = "370811"


def fill(city: DemoCity) -> None:
    call_command("load_regions", stdout=StringIO())  # `say` tells it
    rencheng = District.objects.get(code=RENCHENG)
    for person in (RENCHENG_STAFF, PATROL):
        Posting.objects.create(user=person.user(), district=rencheng)
    city.say(f"{District.objects.count()} districts")
