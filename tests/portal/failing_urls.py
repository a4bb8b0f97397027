"""Pages that fail, each in its way."""

from __future__ import annotations

import redis.exceptions
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import path

from bureau.urls import (
    handler400,
    handler403,
    handler404,
    handler500,
)
from bureau.urls import urlpatterns as ours

__all__ = ["handler400", "handler403", "handler404", "handler500"]


def bug(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError("secret detail")


def no_redis(request: HttpRequest) -> HttpResponse:
    raise redis.exceptions.ConnectionError("secret detail")


def no_database(request: HttpRequest) -> HttpResponse:
    raise OperationalError("secret detail")


def lost_database(request: HttpRequest) -> HttpResponse:
    raise DatabaseError("secret detail: server closed the connection unexpectedly")


def not_allowed(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def form(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.POST)))


urlpatterns = [
    path("admin/test/bug", bug),
    *ours,
    path("test/bug", bug),
    path("test/no-redis", no_redis),
    path("test/no-database", no_database),
    path("test/lost-database", lost_database),
    path("test/not-allowed", not_allowed),
    path("test/form", form),
    path("api/test/bug", bug),
    path("api/test/no-redis", no_redis),
    path("api/test/not-allowed", not_allowed),
    path("api/test/form", form),
]
