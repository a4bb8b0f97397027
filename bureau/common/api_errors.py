"""Every error of the API has one shape: `{"code", "message", "fields"?, "detail"?}`."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from bureau.common.errors import DomainError


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    if isinstance(error, DomainError):
        body: dict[str, Any] = {"code": error.code, "message": str(error)}
        if error.values:
            body["detail"] = {
                # Rows (such as alternatives) stay rows, everything else is text.
                name: value if isinstance(value, list) else str(value)
                for name, value in error.values.items()
            }
        return Response(body, status=error.status)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    response = exception_handler(error, context)
    if response is not None and isinstance(error, exceptions.APIException):
        response.data = _body_of(error)
    return response


def _body_of(error: exceptions.APIException) -> dict[str, Any]:
    detail = error.detail
    if isinstance(error, exceptions.ValidationError):
        fields = detail if isinstance(detail, dict) else {"non_field_errors": detail}
        message = _("Some fields are not right.")
        return {"code": "invalid", "message": message, "fields": fields}
    if isinstance(error, exceptions.ParseError):
        # The parser's own words help a developer, and are in English only.
        return {
            "code": error.default_code,
            "message": _("We could not read this."),
            "detail": {"problem": str(detail)},
        }
    code = getattr(detail, "code", None) or error.default_code
    return {"code": str(code), "message": str(detail)}
