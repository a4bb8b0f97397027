"""All of the portal, and a view that does no more than one INSERT."""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
def bare_insert(_request: HttpRequest) -> HttpResponse:
    """The least that a request which keeps something can do, behind our middleware."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bench_bare (note, at) VALUES (%s, now())", ["a booking"]
        )
    return HttpResponse("ok")


def empty(_request: HttpRequest) -> HttpResponse:
    """Nothing at all, behind our middleware."""
    return HttpResponse("ok")


urlpatterns = [
    path("bench/empty", empty),
    path("bench/insert", bare_insert),
    path("", include("bureau.urls")),
]
