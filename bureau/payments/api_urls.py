from __future__ import annotations

from django.urls import path

from bureau.payments import api

urlpatterns = [
    path("payments/<slug:number>/", api.PaymentDetail.as_view(), name="api-payment"),
    path(
        "payments/<slug:number>/start/",
        api.PaymentStart.as_view(),
        name="api-payment-start",
    ),
    path(
        "payments/<slug:number>/sandbox/",
        api.PaymentSandbox.as_view(),
        name="api-payment-sandbox",
    ),
]
