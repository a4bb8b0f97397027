from __future__ import annotations

import json
from typing import Any

from django.contrib.gis.gdal import GDALException
from django.contrib.gis.geos import GEOSException, GEOSGeometry, MultiPolygon, Polygon
from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.geo import SRID
from bureau.regions.errors import BadBoundaries
from bureau.regions.models import District, Posting

# GB/T 2260 code -> name in English, where a file does not bring its own.
ENGLISH = {
    "370811": "Rencheng",
    "370812": "Yanzhou",
    "370826": "Weishan",
    "370827": "Yutai",
    "370828": "Jinxiang",
    "370829": "Jiaxiang",
    "370830": "Wenshang",
    "370831": "Sishui",
    "370832": "Liangshan",
    "370881": "Qufu",
    "370883": "Zoucheng",
}


@transaction.atomic
def load_districts(*, collection: dict[str, Any], by: User | None) -> tuple[int, int]:
    """Add or correct districts from a GeoJSON FeatureCollection (WGS-84).

    Loading the same file again changes nothing. What staff keep here and the file does
    not have (a population) stays. How many were added and changed comes back. Raises
    `BadBoundaries`.
    """
    now = clock.now()
    features = collection.get("features") or []
    rows = [_read(number, feature) for number, feature in enumerate(features, 1)]
    known = District.objects.select_for_update(no_key=True).in_bulk(
        [code for code, _values in rows], field_name="code"
    )
    added = changed = 0
    for position, (code, values) in enumerate(sorted(rows), 1):
        district = known.get(code)
        if district is None:
            district = District(code=code, position=position, **values)
            district.save(force_insert=True)
            record("regions.district.added", subject=district, by=by, at=now)
            added += 1
            continue
        differing = [n for n, v in values.items() if _differs(getattr(district, n), v)]
        if differing:
            for name in differing:
                setattr(district, name, values[name])
            district.save(update_fields=differing)
            record(
                "regions.district.changed",
                subject=district,
                by=by,
                at=now,
                detail={"fields": differing},
            )
            changed += 1
    return added, changed


@transaction.atomic
def post_to_districts(*, user: User, codes: set[str], by: User | None) -> None:
    """Let a member of staff work for exactly these districts."""
    now = clock.now()
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    postings = Posting.objects.of(user)
    before = set(postings.values_list("district__code", flat=True))
    postings.exclude(district__code__in=codes).delete()
    missing = District.objects.filter(code__in=codes - before)
    Posting.objects.bulk_create(Posting(user=user, district=d) for d in missing)
    if before != codes:
        detail = {"before": sorted(before), "after": sorted(codes)}
        record("regions.posting.set", subject=user, by=by, at=now, detail=detail)


def _read(number: int, feature: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    properties = feature.get("properties") or {}
    code, name = str(properties.get("code", "")), properties.get("name", "")
    if not (len(code) == 6 and code.isdecimal() and name):
        raise BadBoundaries(number=number, reason="code, name")
    try:
        shape = GEOSGeometry(json.dumps(feature.get("geometry")), srid=SRID)
    except (GDALException, GEOSException, ValueError, TypeError) as error:
        raise BadBoundaries(number=number, reason=str(error)) from error
    if not shape.valid:
        shape = shape.make_valid()
    if isinstance(shape, Polygon):
        shape = MultiPolygon(shape, srid=SRID)
    if not isinstance(shape, MultiPolygon):
        raise BadBoundaries(number=number, reason=shape.geom_type)
    values = {
        "name": name,
        "name_en": properties.get("name_en") or ENGLISH.get(code, ""),
        "boundary": shape,
    }
    if properties.get("population") is not None:
        values["population"] = int(properties["population"])
    return code, values


def _differs(stored: Any, given: Any) -> bool:
    if isinstance(stored, MultiPolygon):
        return not stored.equals_exact(given, 1e-9)
    return bool(stored != given)
