"""Figures for Prometheus: how requests went, and what waits."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from bureau.common import clock
from bureau.portal import metrics
from tests import make
from venues.models import Booking

TOKEN = "a-token-of-the-tests"
pytestmark = pytest.mark.django_db


@pytest.fixture
def prometheus(settings: Settings) -> Client:
    settings.METRICS_TOKEN = TOKEN
    return Client(headers={"Authorization": f"Bearer {TOKEN}"})


def figures(client: Client) -> dict[tuple[str, ...], float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    return _read(answer.content.decode())


def _read(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_without_a_token_there_is_no_page(settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    assert Client().get("/metrics").status_code == 404
    bearer = Client(headers={"Authorization": "Bearer "})
    assert bearer.get("/metrics").status_code == 404


@pytest.mark.usefixtures("prometheus")
@pytest.mark.parametrize("brought", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}"])
def test_who_brings_another_token_finds_nothing(brought: str) -> None:
    stranger = Client(headers={"Authorization": brought})
    assert stranger.get("/metrics").status_code == 404


def test_requests_are_counted_by_page_and_status(prometheus: Client) -> None:
    name = "bureau_request_seconds_count"
    home, lost = (name, "200", "GET", "portal:home"), (name, "", "404", "GET")
    before = figures(prometheus)
    prometheus.get("/")
    prometheus.get("/no-such-page")
    after = figures(prometheus)
    assert after[home] == before.get(home, 0) + 1
    assert after[lost] == before.get(lost, 0) + 1


def test_a_made_up_method_makes_no_figure_of_its_own(prometheus: Client) -> None:
    prometheus.generic("BREW", "/")
    assert not [key for key in figures(prometheus) if "BREW" in key]


def test_what_waits_is_read_from_the_database(prometheus: Client) -> None:
    booking = make.held()
    assert figures(prometheus)["bureau_holds_overdue",] == 0
    long_ago = clock.now() - timedelta(hours=1)
    Booking.objects.filter(pk=booking.pk).update(
        created_at=long_ago - timedelta(minutes=10), hold_until=long_ago
    )
    found = figures(prometheus)
    assert found["bureau_holds_overdue",] == 1
    assert found["bureau_payments_due",] == 1
    assert found["bureau_tasks_queued",] >= 0


@pytest.mark.parametrize("one", metrics.WAITING, ids=lambda one: one.name)
def test_every_question_has_one_number_for_an_answer(one: metrics.Waiting) -> None:
    assert metrics._asked(one) is not None


def test_what_cannot_be_asked_is_missing_and_not_zero(
    prometheus: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = metrics.Waiting("bureau_lost", "Gone.", "SELECT 1 / 0")
    monkeypatch.setattr(metrics, "WAITING", (away,))
    assert ("bureau_lost",) not in figures(prometheus)


def test_processes_are_added_up(tmp_path: Path) -> None:
    count = (
        "import django; django.setup();"
        "from bureau.portal import metrics;"
        "metrics.count_request(view='x', method='GET', status=200, seconds=0.2)"
    )
    tell = (
        "import django, sys; django.setup();"
        "from bureau.portal import metrics;"
        "metrics.WAITING = ();"
        "sys.stdout.write(metrics.exposition().decode())"
    )
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for program in (count, count, tell):
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", program],
            env=env | {"DJANGO_SETTINGS_MODULE": "bureau.settings_test"},
            cwd=django_settings.BASE_DIR,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
    found = _read(done.stdout)
    assert found["bureau_request_seconds_count", "200", "GET", "x"] == 2
