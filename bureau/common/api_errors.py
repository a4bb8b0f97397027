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
            body["detail"] = {name: str(value) for name, value in error.values.items()}
        return Response(body, status=error.status)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    response = exception_handler(error, context)
    if response is not None and isinstance(error, exceptions.ValidationError):
        fields = error.detail
        if not isinstance(fields, dict):
            fields = {"non_field_errors": fields}
        response.data = {
            "code": "invalid",
            "message": _("Some fields are not right."),
            "fields": fields,
        }
    elif response is not None and isinstance(error, exceptions.APIException):
        detail = error.detail
        code = getattr(detail, "code", None) or error.default_code
        response.data = {"code": str(code), "message": str(detail)}
    return response
