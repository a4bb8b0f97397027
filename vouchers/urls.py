from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from vouchers.views import public, rounds, wallet

app_name = "vouchers"
urlpatterns: list[URLPattern | URLResolver] = [
    path("vouchers/", public.campaign_list, name="list"),
    path("vouchers/mine/", wallet.wallet, name="wallet"),
    path("vouchers/mine/<slug:code>/", wallet.voucher, name="voucher"),
    path("vouchers/mine/<slug:code>/qr.svg", wallet.voucher_qr, name="voucher-qr"),
    path("vouchers/mine/<slug:code>/now.json", wallet.voucher_now, name="voucher-now"),
    path("vouchers/claim", rounds.claim, name="claim"),
    path("vouchers/rounds/<int:pk>/", rounds.round_page, name="round"),
    path("vouchers/rounds/<int:pk>/now.json", rounds.round_now, name="round-now"),
    path("vouchers/rounds/<int:pk>/join/", rounds.join, name="join"),
    path("vouchers/rounds/<int:pk>/enter/", rounds.enter, name="enter"),
    path("v/<slug:code>", wallet.scanned, name="scanned"),
    # A campaign's own short name comes last: it could be any word.
    path("vouchers/<slug:slug>/", public.campaign, name="campaign"),
    path("vouchers/<slug:slug>/stock.json", public.stock, name="stock"),
]
