from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.common import geo
from bureau.common.geo import Datum

# Computed with coord_convert 0.2.1; eviltransform agrees within a centimetre.
PLACES = {
    "Yantai": ((121.446, 37.511), (121.451217, 37.511986), (121.457612, 37.518286)),
    "Jining": ((116.587, 35.415), (116.592291, 35.414552), (116.598889, 35.420276)),
    "Liaocheng": ((115.9855, 36.456), (115.991181, 36.456088), (115.997754, 36.461792)),
    "Jinzhong": ((112.7528, 37.687), (112.759292, 37.687681), (112.76586, 37.693503)),
}


@pytest.mark.parametrize("place", PLACES)
def test_known_places_are_shifted_as_published(place: str) -> None:
    wgs84, gcj02, bd09 = PLACES[place]
    assert geo.from_wgs84(*wgs84, Datum.GCJ02) == pytest.approx(gcj02, abs=1e-6)
    assert geo.from_wgs84(*wgs84, Datum.BD09) == pytest.approx(bd09, abs=1e-6)


def test_the_vector_of_the_convertor_itself() -> None:
    shifted = geo.from_wgs84(120, 40, Datum.GCJ02)
    assert shifted == pytest.approx((120.00567568, 40.00130479), abs=1e-7)


@given(st.floats(73.5, 135), st.floats(18, 53.5), st.sampled_from(list(Datum)))
def test_there_and_back_is_a_centimetre_at_most(
    lon: float, lat: float, datum: Datum
) -> None:
    back = geo.to_wgs84(*geo.from_wgs84(lon, lat, datum), datum)
    assert geo.metres(lon, lat, *back) < 0.01


def test_abroad_nothing_is_shifted() -> None:
    assert geo.from_wgs84(2.35, 48.86, Datum.GCJ02) == (2.35, 48.86)


def test_a_point_of_any_datum_is_stored_as_wgs84() -> None:
    point = geo.point(116.598889, 35.420276, Datum.BD09)
    assert (point.x, point.y) == pytest.approx((116.587, 35.415), abs=1e-6)
    assert point.srid == 4326


def test_a_degree_of_latitude_is_111_kilometres() -> None:
    south, north = geo.point(116, 35), geo.point(116, 36)
    assert geo.metres_between(south, north) == pytest.approx(111_195, rel=0.001)


@pytest.mark.parametrize(
    ("metres", "step"), [(0, 50), (50, 50), (50.1, 200), (900, 1000), (21_000, 100_000)]
)
def test_a_coarse_distance_tells_only_its_step(metres: float, step: int) -> None:
    assert geo.coarse(metres) == step
