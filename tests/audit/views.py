"""API views that only tests have, behind `pytest.mark.urls(__name__)`."""

from __future__ import annotations

import time

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bureau.accounts.models import User
from bureau.audit.api import idempotent
from bureau.audit.models import Entry, record
from bureau.common import clock
from bureau.common.errors import DomainError, TryLater


class Taken(DomainError):
    code = "tests_taken"
    message = _("Taken.")


class Slower(TryLater):
    code = "tests_slower"
    message = _("Slower.")


class Orders(APIView):
    """Does something that must not be done twice, or refuses after having written."""

    @idempotent
    def post(self, request: Request) -> Response:
        person, given = request.user, request.data
        assert isinstance(person, User)
        assert isinstance(given, dict)
        entry = record("tests.order.made", subject=person, by=person, at=clock.now())
        time.sleep(float(given.get("seconds", 0)))
        refusals = {"taken": Taken, "slower": Slower, "bug": ZeroDivisionError}
        if refusal := refusals.get(given.get("wish", "")):
            raise refusal
        return Response(
            {"entry": entry.pk, "at": clock.now()},
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/orders/{entry.pk}/"},
        )


def made() -> int:
    return Entry.objects.of_event("tests.order.made").count()


def handler500(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=500)


urlpatterns = [
    path("orders/", Orders.as_view()),
    path("other/", Orders.as_view()),
]
