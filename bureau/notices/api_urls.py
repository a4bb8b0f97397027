from __future__ import annotations

from django.urls import path

from bureau.notices import api

urlpatterns = [
    path("notices/", api.Notices.as_view(), name="api-notices"),
    path("notices/read/", api.ReadNotices.as_view(), name="api-notices-read"),
]
