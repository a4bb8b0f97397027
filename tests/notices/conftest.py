from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bureau.accounts.models import User
from bureau.common import sms
from bureau.notices import models
from bureau.notices.models import Channel, Importance, Kind
from tests import make

PLAIN = Kind("tests.plain", "Plain", channels=(Channel.SMS, Channel.EMAIL))
VITAL = Kind(
    "tests.vital",
    "Vital",
    necessary=True,
    channels=(Channel.SMS,),
    importance=Importance.HIGH,
)
QUIET = Kind("tests.quiet", "Quiet")
TEXTS = {
    "subject": "{% load i18n %}{% translate 'Hello' %} {{ name }}",
    "body": "{{ starts_at|date:'Y-m-d H:i' }} & {{ day_on|date:'d.m.' }} {{ name }}",
    "sms": "Hi {{ name }}",
}


@pytest.fixture(autouse=True)
def kinds(monkeypatch: Any, settings: Any, tmp_path: Path) -> None:
    """Three kinds that only tests have, with texts."""
    monkeypatch.setattr(models, "_kinds", dict(models._kinds))
    models.register(PLAIN, VITAL, QUIET)
    for kind in (PLAIN, VITAL, QUIET):
        folder = tmp_path / "notices" / kind.name
        folder.mkdir(parents=True)
        for name, text in TEXTS.items():
            (folder / f"{name}.txt").write_text(text)
    [engine] = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [*engine["DIRS"], tmp_path]}]


@pytest.fixture(autouse=True)
def outbox() -> Iterator[list[sms.Sms]]:
    """What was sent by SMS."""
    sms.outbox.clear()
    yield sms.outbox
    sms.outbox.clear()


@pytest.fixture
def reader(db: None) -> User:
    """Has a number and an address, and reads English."""
    return make.citizen(email="reader@example.org", language="en")
