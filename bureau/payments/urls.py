from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from bureau.payments import views

app_name = "payments"
urlpatterns: list[URLPattern | URLResolver] = [
    path("callbacks/<slug:provider>/", views.callback, name="callback"),
    path("sandbox/<slug:number>/", views.sandbox, name="sandbox"),
    path("<slug:number>/", views.choose, name="choose"),
    path("<slug:number>/result/", views.result, name="result"),
    path("<slug:number>/go/<slug:provider>/", views.go, name="go"),
    path("<slug:number>/go/<slug:provider>/qr.svg", views.qr, name="qr"),
]
