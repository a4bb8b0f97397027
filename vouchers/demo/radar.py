"""What the radar made of the past weeks, and what somebody has decided about it."""

from __future__ import annotations

from datetime import timedelta

from bureau.accounts.demo import CITY_STAFF
from bureau.common import clock
from bureau.common.demo import DemoCity
from vouchers import actions
from vouchers.demo.rows import DAY
from vouchers.models import Campaign, Flag, Merchant

NIGHT, MORNING = 2 * 60 + 10, 8 * 60 + 40


def fill(city: DemoCity, campaign: Campaign) -> None:
    """Each night looked at the day before; all but one wait for somebody to decide."""
    for back in range(24, 0, -1):
        day = city.today - back * DAY
        night = min(clock.at(day + DAY, NIGHT), city.now - timedelta(minutes=1))
        actions.scan_with_radar(campaign=campaign, day=day, at=night)
    flags = Flag.objects.filter(campaign=campaign)
    honest = flags.filter(merchant__state=Merchant.State.APPROVED).order_by("score")
    if flag := honest.first():
        # Before that morning's settlements, which take in what is in order again.
        morning = clock.at(clock.local_day(flag.raised_at), MORNING)
        with clock.as_of(min(morning, city.now)):
            actions.decide_flag(
                flag=flag,
                is_in_order=True,
                reason="已到店核查，账单与收银记录一致",
                by=CITY_STAFF.user(),
            )
    city.say(f"{flags.count()} flags of the radar")
