from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("bureau.portal.urls")),
    path("", include("bureau.accounts.urls")),
    path("regions/", include("bureau.regions.urls")),
    path("photos/", include("bureau.photos.urls")),
    path("notices/", include("bureau.notices.urls")),
    path("pay/", include("bureau.payments.urls")),
    path("draws/", include("bureau.draws.urls")),
    path("", include("venues.urls")),
    path("", include("vouchers.urls")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/v1/", include("bureau.api_urls")),
]

handler400 = "bureau.portal.failures.bad_request"
handler403 = "bureau.portal.failures.forbidden"
handler404 = "bureau.portal.failures.not_found"
handler500 = "bureau.portal.failures.server_error"
