from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bureau.common.errors import DomainError
from bureau.regions import actions

DEMONSTRATION = Path(__file__).parents[2] / "data" / "jining_districts.geojson"


class Command(BaseCommand):
    help = "Load the districts of the city from GeoJSON; again is harmless."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--file", type=Path, default=DEMONSTRATION)

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            collection = json.loads(options["file"].read_text(encoding="utf-8"))
            added, changed = actions.load_districts(collection=collection, by=None)
        except (OSError, ValueError, DomainError) as error:
            raise CommandError(f"{options['file']}: {error}") from error
        self.stdout.write(f"{added} districts added, {changed} changed.")
