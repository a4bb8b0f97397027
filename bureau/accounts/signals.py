"""Facts that accounts tells upward, each inside the transaction that made it."""

from __future__ import annotations

from django.dispatch import Signal

# For the audit trail, which stands above accounts:
# event (str), subject (a row), by (User | None), at (datetime), detail (dict).
happened = Signal()

# For the photos app: eligibility (Eligibility), file (an UploadedFile).
# A receiver that refuses the picture raises a DomainError, and nothing is kept.
certificate_given = Signal()

# From `manage.py reseal`: every app that seals something seals it under the newest key,
# row by row. No arguments.
resealing = Signal()
