"""Thirteen public venues. Names, addresses and numbers are invented."""

from __future__ import annotations

from dataclasses import dataclass

from bureau.accounts.demo import GATE_CANAL, GATE_COUNTIES, GATE_TAIBAI
from bureau.common.demo import DemoCity
from bureau.common.sports import Sport
from bureau.regions.models import District
from venues.demo.ground import spot_in
from venues.models import Bookable, BookableUnit, Unit, Venue, VenueStaff


@dataclass(frozen=True)
class Courts:
    """Some courts of one sport, each on a unit of its own."""

    sport: Sport
    count: int
    label: str  # 羽毛球{}号场


@dataclass(frozen=True)
class Hall:
    """A floor of two halves, hired half or whole; other sports may use it whole."""

    sport: Sport
    name: str
    whole_for: tuple[Sport, ...] = ()


@dataclass(frozen=True)
class Site:
    district: str
    name: str
    name_en: str
    address: str
    address_en: str
    transport: str
    facilities: tuple[str, ...]
    floors: tuple[Courts | Hall, ...]
    has_free_mornings: bool = False


def _badminton(count: int) -> Courts:
    return Courts(Sport.BADMINTON, count, "羽毛球{}号场")


def _table_tennis(count: int) -> Courts:
    return Courts(Sport.TABLE_TENNIS, count, "乒乓球{}号台")


def _tennis(count: int) -> Courts:
    return Courts(Sport.TENNIS, count, "网球{}号场")


def _lanes(count: int) -> Courts:
    return Courts(Sport.SWIMMING, count, "第{}泳道")


BASKETBALL_HALL = Hall(Sport.BASKETBALL, "篮球馆", (Sport.VOLLEYBALL,))
PITCH = Hall(Sport.FOOTBALL, "足球场")
INDOOR = ("indoor", "locker", "shower", "parking", "accessible", "aed")
OUTDOOR = ("lights", "parking", "rental", "aed")

SITES = (
    Site(
        "370811",
        "太白湖全民健身中心",
        "Taibai Lake Fitness Centre",
        "任城区太白湖新区荷花路0号",
        "0 Hehua Road, Taibai Lake, Rencheng",
        "公交示范1路「健身中心」站",
        (*INDOOR, "rental"),
        (_badminton(18), _table_tennis(6), _tennis(4), BASKETBALL_HALL),
        has_free_mornings=True,
    ),
    Site(
        "370811",
        "运河体育馆",
        "Canal Gymnasium",
        "任城区运河路0号",
        "0 Yunhe Road, Rencheng",
        "公交示范2路「运河体育馆」站",
        INDOOR,
        (BASKETBALL_HALL, _badminton(2)),
    ),
    Site(
        "370811",
        "古槐游泳馆",
        "Guhuai Swimming Pool",
        "任城区古槐路0号",
        "0 Guhuai Road, Rencheng",
        "公交示范3路「古槐」站",
        INDOOR,
        (_lanes(6),),
    ),
    Site(
        "370812",
        "兖州府河体育公园",
        "Fuhe Sports Park, Yanzhou",
        "兖州区府河路0号",
        "0 Fuhe Road, Yanzhou",
        "公交示范11路「府河」站",
        OUTDOOR,
        (PITCH, _tennis(2)),
        has_free_mornings=True,
    ),
    Site(
        "370826",
        "微山湖体育馆",
        "Weishan Lake Gymnasium",
        "微山县湖滨路0号",
        "0 Hubin Road, Weishan",
        "公交示范21路「体育馆」站",
        INDOOR,
        (_badminton(3), _table_tennis(2)),
    ),
    Site(
        "370827",
        "鱼台滨河文体馆",
        "Riverside Sports Hall, Yutai",
        "鱼台县滨河路0号",
        "0 Binhe Road, Yutai",
        "公交示范31路「文体馆」站",
        INDOOR,
        (_badminton(2), _table_tennis(2)),
    ),
    Site(
        "370828",
        "金乡金济河体育公园",
        "Jinji River Sports Park, Jinxiang",
        "金乡县金济路0号",
        "0 Jinji Road, Jinxiang",
        "公交示范41路「体育公园」站",
        OUTDOOR,
        (PITCH, _tennis(2)),
        has_free_mornings=True,
    ),
    Site(
        "370829",
        "嘉祥呈祥体育馆",
        "Chengxiang Gymnasium, Jiaxiang",
        "嘉祥县呈祥街0号",
        "0 Chengxiang Street, Jiaxiang",
        "公交示范51路「体育馆」站",
        INDOOR,
        (BASKETBALL_HALL, _badminton(2)),
    ),
    Site(
        "370830",
        "汶上中都全民健身中心",
        "Zhongdu Fitness Centre, Wenshang",
        "汶上县中都大街0号",
        "0 Zhongdu Street, Wenshang",
        "公交示范61路「中都」站",
        INDOOR,
        (_badminton(3), _table_tennis(2)),
        has_free_mornings=True,
    ),
    Site(
        "370831",
        "泗水泉林体育馆",
        "Quanlin Gymnasium, Sishui",
        "泗水县泉林路0号",
        "0 Quanlin Road, Sishui",
        "公交示范71路「体育馆」站",
        INDOOR,
        (_badminton(2), _table_tennis(2)),
    ),
    Site(
        "370832",
        "梁山水泊体育中心",
        "Shuibo Sports Centre, Liangshan",
        "梁山县水泊路0号",
        "0 Shuibo Road, Liangshan",
        "公交示范81路「体育中心」站",
        (*OUTDOOR, "indoor"),
        (BASKETBALL_HALL, _tennis(2)),
    ),
    Site(
        "370881",
        "曲阜明德体育中心",
        "Mingde Sports Centre, Qufu",
        "曲阜市明德路0号",
        "0 Mingde Road, Qufu",
        "公交示范91路「明德」站",
        (*INDOOR, "rental"),
        (_badminton(4), PITCH),
        has_free_mornings=True,
    ),
    Site(
        "370883",
        "邹城峄山体育馆",
        "Yishan Gymnasium, Zoucheng",
        "邹城市峄山路0号",
        "0 Yishan Road, Zoucheng",
        "公交示范95路「峄山」站",
        INDOOR,
        (BASKETBALL_HALL, _badminton(2), _table_tennis(2)),
    ),
)


def fill(city: DemoCity) -> None:
    districts = {district.code: district for district in District.objects.all()}
    for number, site in enumerate(SITES, start=1):
        venue = Venue.objects.create(
            code=f"JNDEM0VENV{number:02}",
            name=site.name,
            name_en=site.name_en,
            district=districts[site.district],
            address=site.address,
            address_en=site.address_en,
            phone=f"0537-0000{number:03}",
            location=spot_in(city, districts[site.district]),
            sports=list(_sports_of(site)),
            facilities=list(site.facilities),
            transport=site.transport,
            open_area_m2=100 * city.between(18, 120),
        )
        _build(venue, site)
    _staff()
    city.say(f"{len(SITES)} venues, {Bookable.objects.count()} courts")


def _sports_of(site: Site) -> dict[str, None]:
    sports: dict[str, None] = {}
    for floor in site.floors:
        sports[floor.sport] = None
        if isinstance(floor, Hall):
            sports.update(dict.fromkeys(floor.whole_for))
    return sports


def _build(venue: Venue, site: Site) -> None:
    position = 0

    def add(name: str, sport: str, units: list[Unit]) -> None:
        nonlocal position
        position += 10
        court = Bookable.objects.create(
            venue=venue, name=name, sport=sport, position=position
        )
        BookableUnit.objects.bulk_create(
            BookableUnit(bookable=court, unit=unit) for unit in units
        )

    for floor in site.floors:
        if isinstance(floor, Courts):
            for number in range(1, floor.count + 1):
                name = floor.label.format(number)
                add(name, floor.sport, [Unit.objects.create(venue=venue, name=name)])
            continue
        halves = [
            Unit.objects.create(venue=venue, name=f"{floor.name}{side}")
            for side in ("东半场", "西半场")
        ]
        for half in halves:
            add(half.name, floor.sport, [half])
        add(f"{floor.name}全场", floor.sport, halves)
        for sport in floor.whole_for:
            add(f"{floor.name}{Sport(sport).label}场", sport, halves)


def _staff() -> None:
    venues = list(Venue.objects.public().order_by("code"))
    posts = [(GATE_TAIBAI, venues[:1]), (GATE_CANAL, venues[1:3])]
    posts.append((GATE_COUNTIES, venues[3:]))
    VenueStaff.objects.bulk_create(
        VenueStaff(venue=venue, user=person.user())
        for person, at in posts
        for venue in at
    )
