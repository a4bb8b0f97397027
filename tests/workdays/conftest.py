from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command


@pytest.fixture
def published(db: None) -> None:
    """The calendar as chinesecalendar has it: 2004 to 2026."""
    call_command("load_workdays", stdout=StringIO())
