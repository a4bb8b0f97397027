from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

urlpatterns: list[URLPattern | URLResolver] = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path(
        "docs/",
        SpectacularSwaggerSplitView.as_view(url_name="api-schema"),
        name="api-docs",
    ),
    path("", include("bureau.accounts.api_urls")),
    path("", include("bureau.payments.api_urls")),
    path("", include("bureau.notices.api_urls")),
    path("", include("bureau.draws.api_urls")),
    path("", include("venues.api_urls")),
    path("", include("vouchers.api_urls")),
]
