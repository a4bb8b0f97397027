from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


class IdempotencyKeyReused(DomainError):
    code = "idempotency_key_reused"
    message = _("This Idempotency-Key has been used for another request.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class IdempotencyKeyBusy(DomainError):
    code = "idempotency_key_busy"
    message = _("The same request is still being answered. Please try again.")


class IdempotencyKeyMalformed(DomainError):
    code = "idempotency_key_malformed"
    message = _("An Idempotency-Key has 8 to 128 letters, digits, hyphens or dots.")
    status = HTTPStatus.BAD_REQUEST
