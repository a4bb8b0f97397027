from __future__ import annotations

import pytest
from pytest_django import Settings

from bureau.payments.checks import (
    nobody_pays_with_play_money,
    providers_are_configured,
)


def test_the_tests_own_configuration_is_complete() -> None:
    assert providers_are_configured() == []


@pytest.mark.parametrize("name", ["wechat", "alipay"])
def test_a_provider_without_keys_is_an_error(settings: Settings, name: str) -> None:
    settings.PAYMENT_PROVIDERS = [name]

    assert [found.id for found in providers_are_configured()] == ["payments.E002"]


def test_an_unknown_provider_is_an_error(settings: Settings) -> None:
    settings.PAYMENT_PROVIDERS = ["cash"]

    assert [found.id for found in providers_are_configured()] == ["payments.E001"]


@pytest.mark.parametrize(
    ("demo", "key", "ids"),
    [
        (True, "sandbox-only", []),
        (False, "sandbox-only", ["payments.E003"]),
        (False, "of our own", ["payments.W001"]),
    ],
)
def test_play_money_stays_in_the_demonstration(
    settings: Settings,
    demo: bool,  # noqa: FBT001 - a case of the table above
    key: str,
    ids: list[str],
) -> None:
    settings.DEMO, settings.SANDBOX_KEY = demo, key

    assert [found.id for found in nobody_pays_with_play_money()] == ids
