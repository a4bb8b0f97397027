from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from vouchers.api import settlements

urlpatterns: list[URLPattern | URLResolver] = [
    path("merchants/mine/statements/", settlements.Statements.as_view()),
    path(
        "merchants/mine/statements/<slug:number>/", settlements.OneStatement.as_view()
    ),
]
