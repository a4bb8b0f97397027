"""The settings of the bench, served by a portal whose locks lock nothing: a control."""

from __future__ import annotations

from bench.settings import *  # noqa: F403

ROOT_URLCONF = "bench.unlocked_urls"
