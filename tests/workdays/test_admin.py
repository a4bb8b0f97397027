from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from django.test import Client

from bureau.workdays import queries
from bureau.workdays.models import CalendarYear, DayType
from tests import make

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("published"),
    # The templates of the admin read variables that nobody has set.
    pytest.mark.ignore_template_errors,
]
ADD = "/admin/workdays/calendaryear/add/"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(make.user(is_staff=True, is_superuser=True))
    return client


def days(*rows: dict[str, Any], stored: int = 0) -> dict[str, Any]:
    form: dict[str, Any] = {
        "days-TOTAL_FORMS": len(rows),
        "days-INITIAL_FORMS": stored,
        "days-MIN_NUM_FORMS": 0,
        "days-MAX_NUM_FORMS": 1000,
    }
    for number, row in enumerate(rows):
        form |= {f"days-{number}-{name}": value for name, value in row.items()}
    return form


def test_each_cell_of_the_days_has_a_label(staff: Client) -> None:
    page = staff.get(ADD).content.decode()

    cells = re.findall(
        r'<(?:input|select)[^>]*name="days-0-(?:day|kind|name)"[^>]*>', page
    )
    assert len(cells) == 3
    assert all("aria-label=" in cell for cell in cells)


def test_staff_publish_a_year(staff: Client) -> None:
    rows = [
        {"day": "2027-02-08", "kind": "holiday", "name": "Spring Festival"},
        {"day": "2027-02-14", "kind": "working", "name": "Spring Festival"},
    ]
    page = staff.post(
        "/admin/workdays/calendaryear/add/", {"year": 2027, **days(*rows)}
    )
    assert page.status_code == 302
    year = CalendarYear.objects.get(year=2027)
    assert (year.days.count(), year.source) == (2, "staff")
    assert queries.day_type(date(2027, 2, 8)) is DayType.HOLIDAY
    assert queries.day_type(date(2027, 2, 14)) is DayType.WORKING
    assert not queries.calendar().is_provisional(date(2027, 1, 1), date(2027, 1, 2))


def test_staff_correct_a_year(staff: Client) -> None:
    rows = [{"day": "2027-02-08", "kind": "holiday", "name": "Spring Festival"}]
    staff.post(ADD, {"year": 2027, **days(*rows)})
    year = CalendarYear.objects.get(year=2027)
    stored = year.days.get()
    rows = [
        {**rows[0], "id": f"{stored.pk}", "year": f"{year.pk}", "DELETE": "on"},
        {"day": "2027-02-09", "kind": "holiday", "name": "Spring Festival"},
    ]
    page = staff.post(
        f"/admin/workdays/calendaryear/{year.pk}/change/", days(*rows, stored=1)
    )
    assert page.status_code == 302
    assert [rule.day for rule in year.days.all()] == [date(2027, 2, 9)]
    year.refresh_from_db()
    assert year.version == 3  # made, filled, corrected
    page = staff.get(f"/admin/workdays/calendaryear/{year.pk}/history/")
    assert "workdays.calendaryear.set" in page.content.decode()


def test_a_day_of_another_year_is_an_error_in_the_form(staff: Client) -> None:
    rows = [{"day": "2028-02-08", "kind": "holiday", "name": "x"}]
    page = staff.post(
        "/admin/workdays/calendaryear/add/", {"year": 2027, **days(*rows)}
    )
    assert "This day is not in the year." in page.content.decode()
    assert not CalendarYear.objects.filter(year=2027).exists()
