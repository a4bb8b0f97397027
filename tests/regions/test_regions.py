from __future__ import annotations

import gzip
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation

from bureau.accounts.models import Role, User
from bureau.audit.models import Entry
from bureau.common import geo
from bureau.regions import actions, queries
from bureau.regions.models import District, Posting
from tests import make

pytestmark = pytest.mark.django_db
FEATURE = (
    '{"features": [{"properties": {"code": "370811", "name": "x"}, "geometry": %s}]}'
)


@pytest.fixture
def city() -> list[District]:
    call_command("load_regions", stdout=StringIO())
    return list(District.objects.in_order())


def test_the_demonstration_city_has_eleven_districts(city: list[District]) -> None:
    assert len(city) == 11
    assert [d.code for d in city] == sorted(d.code for d in city)
    assert all(d.name_en and d.boundary.valid for d in city)


def test_loading_again_changes_nothing(city: list[District]) -> None:
    entries = Entry.objects.count()
    out = StringIO()
    call_command("load_regions", stdout=out)
    assert out.getvalue() == "0 districts added, 0 changed.\n"
    assert Entry.objects.count() == entries


def test_loading_keeps_the_population_that_staff_entered(city: list[District]) -> None:
    District.objects.filter(code="370811").update(population=1_200_000, name="旧名")
    out = StringIO()
    call_command("load_regions", stdout=out)
    assert out.getvalue() == "0 districts added, 1 changed.\n"
    rencheng = District.objects.get(code="370811")
    assert (rencheng.name, rencheng.population) == ("任城区", 1_200_000)


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        '{"features": [{"properties": {"code": "12", "name": "x"}}]}',
        '{"features": [{"properties": {"code": "370811", "name": "x"}}]}',
        FEATURE % '{"type": "Point", "coordinates": [1, 2]}',
        FEATURE % '{"type": "Polygon", "coordinates": 5}',
    ],
)
def test_a_bad_file_is_refused_whole(tmp_path: Path, text: str) -> None:
    bad = tmp_path / "bad.geojson"
    bad.write_text(text)
    with pytest.raises(CommandError):
        call_command("load_regions", "--file", str(bad))
    assert not District.objects.exists()


def test_a_point_is_in_its_district(city: list[District]) -> None:
    found = queries.district_of(geo.point(116.587, 35.415))
    assert found is not None
    assert found.code == "370811"
    assert queries.district_of(geo.point(121.4, 37.5)) is None


def test_a_district_has_the_name_of_the_page(city: list[District]) -> None:
    with translation.override("zh-hans"):
        assert str(city[0]) == "任城区"
    with translation.override("en"):
        assert str(city[0]) == "Rencheng"


def test_the_boundaries_are_small_geojson(city: list[District], client: Client) -> None:
    answer = client.get("/regions/boundaries.geojson", headers={"Accept": "*/*"})
    collection = json.loads(answer.content)

    assert answer["Content-Type"] == "application/geo+json"
    assert len(collection["features"]) == 11
    assert len(gzip.compress(answer.content)) < 8_000
    ring = collection["features"][0]["geometry"]["coordinates"][0][0]
    assert ring[0] == ring[-1]


def test_known_boundaries_are_not_sent_again(
    city: list[District], client: Client
) -> None:
    first = client.get("/regions/boundaries.geojson")
    again = client.get(
        "/regions/boundaries.geojson", headers={"If-None-Match": first["ETag"]}
    )
    assert again.status_code == 304
    assert "max-age" in first["Cache-Control"]


def test_the_boundaries_take_one_query(
    city: list[District], django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        queries.boundaries_json()


def test_the_drawing_shows_and_links_every_district(city: list[District]) -> None:
    outline = queries.outline()
    page = render_to_string(
        "regions/_map.html",
        {"outline": outline, "label": "City", "href": "/?district=", "current": ""},
    )
    assert page.count("<path") == 11
    assert 'href="/?district=370883"' in page
    assert "style=" not in page
    assert all(0 <= s.label_x <= outline.width for s in outline.shapes)
    assert all(0 <= s.label_y <= outline.height for s in outline.shapes)


def test_a_city_without_districts_has_no_drawing() -> None:
    assert queries.outline().is_empty


def test_staff_see_the_districts_they_are_posted_to(city: list[District]) -> None:
    staff = make.user(is_staff=True)
    assert queries.districts_of(staff) == set()

    actions.post_to_districts(user=staff, codes={"370811", "370881"}, by=None)
    actions.post_to_districts(user=staff, codes={"370881", "370883"}, by=None)

    codes = Posting.objects.of(staff).values_list("district__code", flat=True)
    assert set(codes) == {"370881", "370883"}
    assert queries.districts_of(staff) == {
        d.pk for d in city if d.code in {"370881", "370883"}
    }
    assert set(District.objects.served_by(staff)) == {
        d for d in city if d.code in {"370881", "370883"}
    }


def test_city_staff_see_all_districts(city: list[District]) -> None:
    from django.contrib.auth.models import Group  # noqa: PLC0415 - for this one test

    staff = make.user(is_staff=True)
    staff.groups.add(Group.objects.get_or_create(name=Role.CITY_STAFF.value)[0])
    assert queries.districts_of(User.objects.get(pk=staff.pk)) is None
    assert queries.districts_of(make.user(is_superuser=True)) is None
