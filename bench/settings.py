"""The settings of production, with one more address: the bare limit to compare with."""

from __future__ import annotations

from bureau.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
# The storm comes in through the admin, too, without a second factor.
STAFF_MFA_REQUIRED = False
