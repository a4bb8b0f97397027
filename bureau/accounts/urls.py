"""Three places: /accounts/ (allauth's own names), /me/ (accounts:…), /admin/login/."""

from __future__ import annotations

from allauth.account import views as allauth_views
from django.urls import URLPattern, URLResolver, include, path

from bureau.accounts import views

signing_in: list[URLPattern | URLResolver] = [
    path("login/", views.login, name="account_login"),
    path("staff/login/", views.staff_login, name="account_staff_login"),
    path("signup/", views.signup, name="account_signup"),
    path("logout/", allauth_views.logout, name="account_logout"),
    path("inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("confirm/", allauth_views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", views.change_password, name="account_change_password"),
    path("mfa/", include("allauth.mfa.urls")),
]

mine: list[URLPattern | URLResolver] = [
    path("profile/", views.profile, name="profile"),
    path("real-name/", views.real_name, name="real_name"),
    path("family/", views.family, name="family"),
    path("family/<int:pk>/remove/", views.remove_dependant, name="remove_dependant"),
    path("eligibilities/", views.eligibilities, name="eligibilities"),
    path("devices/", views.devices, name="devices"),
    path("devices/<uuid:public_id>/revoke/", views.revoke_token, name="revoke_token"),
    path("sessions/<int:pk>/end/", views.end_session, name="end_session"),
    path("consents/", views.consents, name="consents"),
    path("data/", views.my_data, name="my_data"),
    path("data/download/", views.download_my_data, name="download_my_data"),
    path("data/delete/", views.delete_account, name="delete_account"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include(signing_in)),
    path("me/", include((mine, "accounts"))),
    path("admin/login/", views.admin_login, name="admin_login"),
]
