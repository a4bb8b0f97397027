from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from chinese_calendar import constants
from django.core.management.base import BaseCommand, CommandParser

from bureau.workdays import actions
from bureau.workdays.models import CalendarYear, DayRule


class Command(BaseCommand):
    help = "Load the holidays that chinesecalendar knows (2004 to 2026)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--force", action="store_true", help="Also over what staff have entered."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        years: dict[int, dict[date, tuple[str, str]]] = defaultdict(dict)
        for day, name in constants.holidays.items():
            years[day.year][day] = (DayRule.Kind.HOLIDAY, name)
        for day, name in constants.workdays.items():
            years[day.year][day] = (DayRule.Kind.WORKING, name)
        kept = set[int]()
        if not options["force"]:
            by_staff = CalendarYear.objects.filter(source=CalendarYear.Source.STAFF)
            kept = set(by_staff.values_list("year", flat=True))
        for year in sorted(years.keys() - kept):
            actions.set_year(
                year=year,
                days=years[year],
                by=None,
                source=CalendarYear.Source.PACKAGE,
            )
        self.stdout.write(f"{len(years.keys() - kept)} years loaded, {len(kept)} kept.")
