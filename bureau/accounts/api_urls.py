from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from bureau.accounts import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("auth/codes/", api.LoginCodes.as_view(), name="api-login-codes"),
    path("auth/tokens/", api.Tokens.as_view(), name="api-tokens"),
    path("auth/tokens/<uuid:public_id>/", api.OneToken.as_view(), name="api-token"),
    path("me/", api.Me.as_view(), name="api-me"),
    path("me/identity/", api.Identity.as_view(), name="api-identity"),
    path("me/family/", api.Dependants.as_view(), name="api-dependants"),
    path("me/family/<int:pk>/", api.OneDependant.as_view(), name="api-dependant"),
    path("me/eligibilities/", api.Eligibilities.as_view(), name="api-eligibilities"),
]
