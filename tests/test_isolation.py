"""Nothing of one test reaches the next one, in whatever order they run."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.utils import translation


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_test_starts_in_the_language_of_the_settings(turn: str) -> None:
    """Whichever of the two runs second would find what the other one left."""
    assert translation.get_language() == settings.LANGUAGE_CODE
    translation.activate("zh-hans" if settings.LANGUAGE_CODE == "en" else "en")
