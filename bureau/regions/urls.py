from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from bureau.regions import views

app_name = "regions"
urlpatterns: list[URLPattern | URLResolver] = [
    path("boundaries.geojson", views.boundaries, name="boundaries"),
]
