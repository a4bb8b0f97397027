from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from bureau.photos import views

app_name = "photos"
urlpatterns: list[URLPattern | URLResolver] = [
    path("<slug:code>.jpg", views.photo, name="photo"),
]
