from __future__ import annotations

import os
import tempfile
from typing import cast

# Whatever the shell of a developer says: tests are of the real thing.
os.environ["BUREAU_DEMO"] = "0"
os.environ.setdefault("BUREAU_SECRET_KEY", "tests-only")
os.environ.setdefault(
    "BUREAU_SEAL_KEYS", "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="
)
os.environ.setdefault("BUREAU_FINGERPRINT_KEY", "tests-only")
os.environ.setdefault("BUREAU_PAYMENT_PROVIDERS", "sandbox")

from bureau import env
from bureau.settings import *  # noqa: F403
from tests.undefined import UndefinedVariable

# Each process of pytest-xdist has a cache of its own: clearing one leaves the others.
_PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
CACHES["default"]["LOCATION"] = env.redis_url(
    "REDIS_URL", "redis://localhost:6379", database=2 + _PROCESS
)

# Whoever waits for a lock that nobody lets go fails, and says for what it waited.
DATABASES["default"]["OPTIONS"] = {
    **cast("dict[str, str]", DATABASES["default"].get("OPTIONS", {})),
    "options": "-c lock_timeout=60s -c statement_timeout=240s",
}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
LANGUAGE_CODE = "en"  # tests read the source strings
MEDIA_ROOT = tempfile.mkdtemp(prefix="bureau-media-")
# WhiteNoise scans it in each process: here it is empty.
STATIC_ROOT = tempfile.mkdtemp(prefix="bureau-static-")
SMS_SENDER = "memory"
STAFF_MFA_REQUIRED = False  # the tests of the second factor turn it on
STORAGES["staticfiles"] = {
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}

# A variable that one of our templates forgot is an error; packages' own are theirs.
TEMPLATE_OPTIONS["string_if_invalid"] = UndefinedVariable()
