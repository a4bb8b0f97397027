from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bureau.audit.invariants import Invariant

INVARIANTS = [
    Invariant(
        "regions.boundaries_are_sound",
        _("Every district has a sound boundary that is not empty."),
        """
        SELECT id, code, ST_IsValidReason(boundary) AS reason FROM regions_district
        WHERE ST_IsEmpty(boundary) OR NOT ST_IsValid(boundary)
        """,
    ),
]
