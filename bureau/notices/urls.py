from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from bureau.notices import views

app_name = "notices"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.inbox, name="inbox"),
    path("read/", views.read_all, name="read-all"),
    path("<int:notice_id>/read/", views.read, name="read"),
    path("preferences/", views.preferences, name="preferences"),
]
