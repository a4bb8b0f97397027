from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from bureau.accounts import signals
from bureau.audit.models import record


@receiver(signals.happened, dispatch_uid="audit")
def record_what_accounts_did(
    sender: Any,  # noqa: ARG001 - every receiver gets it
    *,
    event: str,
    subject: Any,
    by: Any,
    at: Any,
    detail: dict[str, Any] | None = None,
    **_kwargs: Any,
) -> None:
    record(event, subject=subject, by=by, at=at, detail=detail)
