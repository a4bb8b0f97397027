from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bureau.audit.invariants import Invariant

INVARIANTS = [
    Invariant(
        "photos.certificates_have_a_sender",
        _("Every certificate has a sender, so that not everybody can see it."),
        """
        SELECT id, code FROM photos_photo
        WHERE purpose = 'certificate' AND uploaded_by_id IS NULL
        """,
    ),
]
