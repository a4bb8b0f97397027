"""Opening hours, prices, exceptions and blocks of the demonstration."""

from __future__ import annotations

from datetime import date, timedelta

from bureau.accounts.demo import CITY_STAFF
from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.demo import DemoCity
from bureau.common.sports import Sport
from bureau.regions.models import District
from venues import actions
from venues.actions.rules import Band
from venues.demo.places import SITES
from venues.models import (
    AnnouncedHours,
    Bookable,
    DayTypeHours,
    HoursException,
    PriceRule,
    Quota,
    Venue,
    WeeklyHours,
)
from venues.models.rules import BEGINNING, DayType, PriceGroup

WORKDAYS, WEEKEND = (1, 2, 3, 4, 5), (6, 7)
WEEK = WORKDAYS + WEEKEND
# Fen an hour: when few come, and in the evening and at the weekend.
PRICES = {
    Sport.BADMINTON: (2500, 4500),
    Sport.TABLE_TENNIS: (1500, 2500),
    Sport.TENNIS: (3000, 6000),
    Sport.BASKETBALL: (8000, 14000),
    Sport.VOLLEYBALL: (10000, 16000),
    Sport.SWIMMING: (3000, 5000),
    Sport.FOOTBALL: (12000, 20000),
}
WHOLE_HALL = 2  # times the price of a half, a little less
MORNING, EVENING, END = 8 * 60, 18 * 60, 24 * 60
NIGHT = 26 * 60  # 02:00 of the next day
# Fen an hour that a private hall of the city asks for, as the yearly survey found.
MARKET = {
    Sport.BADMINTON: 7500,
    Sport.TABLE_TENNIS: 4000,
    Sport.TENNIS: 9000,
    Sport.BASKETBALL: 22000,
    Sport.VOLLEYBALL: 24000,
    Sport.SWIMMING: 8000,
    Sport.FOOTBALL: 30000,
}
# (minutes before the start, percent that comes back)
BANDS = [(1440, 100), (120, 50)]
SMALL_HALL_BANDS = [(120, 100)]
PITCH_BANDS = [(2880, 100), (1440, 50)]
DISCOUNTED = [group for group in PriceGroup if group != PriceGroup.EVERYONE]


def fill(city: DemoCity) -> None:
    staff = CITY_STAFF.user()
    long_ago = city.today - timedelta(days=400)
    by_name = {site.name: site for site in SITES}
    venues = list(Venue.objects.public().order_by("code"))
    for venue in venues:
        site = by_name[venue.name]
        _hours(venue, free_mornings=site.has_free_mornings, by=staff)
        _prices(venue, long_ago, free_mornings=site.has_free_mornings, by=staff)
    _market(venues[0].district, long_ago, by=staff)
    _dearer_since(venues[0], city.today, by=staff)
    _types_of_day(venues, by=staff)
    _late_nights(venues[8], city.today, by=staff)
    _as_ever()
    _winter(venues[4], city.today, by=staff)
    _exceptions(venues, city.today)
    _bands(venues, by=staff)
    _windows(venues)
    _quotas(venues, by=staff)
    _blocks(venues, city, by=staff)
    city.say(f"{PriceRule.objects.count()} prices, hours, exceptions and blocks")


def _as_ever() -> None:
    """The past of the demonstration was open as its present is."""
    for rows in (WeeklyHours.objects, DayTypeHours.objects):
        rows.exclude(valid_until=None).delete()
        rows.update(valid_from=BEGINNING)
    AnnouncedHours.objects.all().delete()


def _winter(venue: Venue, today: date, *, by: User) -> None:
    """One venue opens later in three weeks, and says so now."""
    actions.set_weekly_hours(
        venue=venue,
        bookable=None,
        hours={day: [(MORNING, 21 * 60)] for day in WEEK},
        from_on=today + timedelta(days=21),
        by=by,
    )


def _hours(venue: Venue, *, free_mornings: bool, by: User) -> None:
    opens = 6 * 60 if free_mornings else MORNING
    actions.set_weekly_hours(
        venue=venue,
        bookable=None,
        hours={
            **{day: [(opens, 21 * 60)] for day in WORKDAYS},
            **{day: [(MORNING, 22 * 60)] for day in WEEKEND},
        },
        by=by,
    )
    pitch = venue.bookables.filter(sport=Sport.TENNIS).order_by("pk").first()
    if pitch:
        # One outdoor court without floodlights keeps hours of its own.
        actions.set_weekly_hours(
            venue=venue,
            bookable=pitch,
            hours={day: [(MORNING, 12 * 60), (14 * 60, 18 * 60)] for day in WEEK},
            by=by,
        )


def _prices(venue: Venue, since: date, *, free_mornings: bool, by: User) -> None:
    """Written as rows: thousands of calls of `set_prices` would take minutes."""
    rules: list[PriceRule] = []

    def add(
        days: tuple[int, ...],
        starts: int,
        ends: int,
        fen: int,
        *,
        sport: str = "",
        court: Bookable | None = None,
        group: str = "",
        is_peak: bool = False,
    ) -> None:
        rules.extend(
            PriceRule(
                venue=venue,
                bookable=court,
                sport="" if court else sport,
                group=group,
                weekday=day,
                starts=starts,
                ends=ends,
                price_fen=fen,
                is_peak=is_peak,
                valid_from=since,
                set_by=by,
            )
            for day in days
        )

    def table(
        quiet: int, peak: int, *, sport: str = "", court: Bookable | None = None
    ) -> None:
        begin = MORNING if free_mornings else 0
        if free_mornings:
            add(WORKDAYS, 0, MORNING, 0, sport=sport, court=court)
        add(WORKDAYS, begin, EVENING, quiet, sport=sport, court=court)
        add(WORKDAYS, EVENING, END, peak, sport=sport, court=court, is_peak=True)
        add(WEEKEND, 0, END, peak, sport=sport, court=court, is_peak=True)
        for group in DISCOUNTED:
            add(WEEK, 0, EVENING, quiet // 2, sport=sport, court=court, group=group)
            add(
                WEEK, EVENING, END, peak // 2,
                sport=sport, court=court, group=group, is_peak=True,
            )  # fmt: skip

    for sport in venue.sports:
        table(*PRICES[Sport(sport)], sport=sport)
    for whole in venue.bookables.filter(name__endswith="全场").order_by("pk"):
        quiet, peak = PRICES[Sport(whole.sport)]
        table(WHOLE_HALL * quiet - 2000, WHOLE_HALL * peak - 2000, court=whole)
    PriceRule.objects.bulk_create(rules)


def _dearer_since(venue: Venue, on: date, *, by: User) -> None:
    """One price has a past: staff raised it today."""
    actions.set_prices(
        venue=venue,
        band=Band(sport=Sport.BADMINTON, weekdays=WORKDAYS, starts=EVENING, ends=END),
        price_fen=5000,
        is_peak=True,
        from_on=on,
        by=by,
    )


def _market(rencheng: District, since: date, *, by: User) -> None:
    for sport, fen in MARKET.items():
        actions.set_market_price(
            sport=sport,
            district=None,
            fen_per_hour=fen,
            source="2025年全市体育健身场所价格调查",
            valid_from=since,
            by=by,
        )
    actions.set_market_price(
        sport=Sport.BADMINTON,
        district=rencheng,
        fen_per_hour=8000,
        source="2025年任城区羽毛球馆价格调查",
        valid_from=since,
        by=by,
    )


def _types_of_day(venues: list[Venue], *, by: User) -> None:
    """Longer on holidays and in the school breaks, from six in the morning on 8.8."""
    for venue in venues:
        actions.set_day_type_hours(
            venue=venue,
            bookable=None,
            hours={
                DayType.FITNESS_DAY: (6 * 60, 22 * 60),
                DayType.HOLIDAY: (MORNING, 22 * 60),
                DayType.SCHOOL_BREAK: (7 * 60, 22 * 60),
            },
            by=by,
        )
    actions.set_prices(
        venue=venues[0],
        band=Band(
            sport=Sport.BADMINTON,
            day_types=(DayType.SCHOOL_BREAK,),
            group=PriceGroup.MINOR,
            ends=EVENING,
        ),
        price_fen=500,
        from_on=clock.today(),
        by=by,
    )
    actions.set_prices(
        venue=venues[11],
        band=Band(
            sport=Sport.FOOTBALL, day_types=(DayType.HOLIDAY,), starts=EVENING, ends=END
        ),
        price_fen=26000,
        is_peak=True,
        from_on=clock.today(),
        exception_reason="节假日夜场加开职业标准灯光，经局长办公会同意",
        by=by,
    )


def _late_nights(hall: Venue, today: date, *, by: User) -> None:
    """On Fridays and Saturdays one hall plays on after midnight."""
    late = {5: [(6 * 60, NIGHT)], 6: [(MORNING, NIGHT)]}
    early = {day: [(6 * 60, 21 * 60)] for day in (1, 2, 3, 4)}
    actions.set_weekly_hours(
        venue=hall,
        bookable=None,
        hours={**early, **late, 7: [(MORNING, 22 * 60)]},
        by=by,
    )
    for sport in hall.sports:
        actions.set_prices(
            venue=hall,
            band=Band(sport=sport, weekdays=(5, 6), starts=END, ends=NIGHT),
            price_fen=PRICES[Sport(sport)][1],
            is_peak=True,
            from_on=today,
            by=by,
        )


def _bands(venues: list[Venue], *, by: User) -> None:
    for number, venue in enumerate(venues):
        bands = BANDS
        if Sport.FOOTBALL in venue.sports:
            bands = PITCH_BANDS
        elif number in (5, 9):
            bands = SMALL_HALL_BANDS
        actions.set_cancel_bands(venue=venue, bands=bands, by=by)


def _windows(venues: list[Venue]) -> None:
    """A fifth of the courts of popular halls is kept for window and telephone."""
    for venue in (venues[0], venues[4], venues[11]):
        venue.walk_in_percent, venue.walk_in_until_minutes = 20, 120
    for venue in (venues[0], venues[2]):
        venue.releases_at = 8 * 60
    venues[2].lead_minutes = 30
    for venue in venues:
        venue.save(
            update_fields=[
                "walk_in_percent",
                "walk_in_until_minutes",
                "releases_at",
                "lead_minutes",
            ]
        )
    # The grass is looked at after every match.
    pitches = Bookable.objects.filter(venue=venues[6], sport=Sport.FOOTBALL)
    pitches.update(buffer_minutes=30)


def _quotas(venues: list[Venue], *, by: User) -> None:
    for venue in (venues[0], venues[1], venues[4]):
        actions.set_quota(
            venue=venue,
            sport=Sport.BADMINTON,
            per=Quota.Period.DAY,
            most_minutes=120,
            most_bookings=None,
            by=by,
        )
    actions.set_quota(
        venue=venues[0],
        sport=Sport.BADMINTON,
        group=PriceGroup.SENIOR,
        per=Quota.Period.DAY,
        most_minutes=180,
        most_bookings=None,
        by=by,
    )
    actions.set_quota(
        venue=None,
        per=Quota.Period.MONTH,
        most_minutes=None,
        most_bookings=30,
        by=by,
    )


def _exceptions(venues: list[Venue], today: date) -> None:
    HoursException.objects.create(
        venue=venues[1], on=today + timedelta(days=3), reason="消防演练，全天闭馆"
    )
    HoursException.objects.create(
        venue=venues[3],
        on=today + timedelta(days=2),
        opens=MORNING,
        closes=17 * 60,
        reason="草坪养护，提前闭园",
    )


def _blocks(venues: list[Venue], city: DemoCity, *, by: User) -> None:
    for venue, days, first, last, reason in (
        (venues[0], 1, 13 * 60, 18 * 60, "地胶维护"),
        (venues[2], 2, 9 * 60, 12 * 60, "市青少年游泳队训练"),
        (venues[11], 4, 8 * 60, 20 * 60, "中学生运动会"),
    ):
        on = city.today + timedelta(days=days)
        unit = venue.units.order_by("pk")[0]
        actions.block_units(
            venue=venue,
            units=[unit],
            starts_at=clock.at(on, first),
            ends_at=clock.at(on, last),
            reason=reason,
            by=by,
        )
