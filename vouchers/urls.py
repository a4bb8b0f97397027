from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path

from vouchers.views import (
    counter,
    figures,
    merchants,
    my_merchants,
    preview,
    public,
    redemptions,
    rounds,
    statements,
    wallet,
)

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
    path("counter/", counter.counter, name="counter"),
    path("counter/redeem/", counter.redeem, name="counter-redeem"),
    path("counter/decode/", counter.decode, name="counter-decode"),
    path("counter/shops/", counter.shops, name="counter-shops"),
    path("counter/today/", redemptions.today, name="counter-today"),
    path("counter/slips/<slug:number>/", redemptions.redemption, name="redemption"),
    path("counter/slips/<slug:number>/undo/", redemptions.undo, name="redemption-undo"),
    path(
        "counter/slips/<slug:number>/refund/",
        redemptions.refund,
        name="redemption-refund",
    ),
    # A campaign's own short name comes last: it could be any word.
    path("vouchers/<slug:slug>/", public.campaign, name="campaign"),
    path("vouchers/<slug:slug>/figures/", figures.figures, name="figures"),
    path("vouchers/<slug:slug>/figures.csv", figures.figures_csv, name="figures-csv"),
    path("vouchers/<slug:slug>/stock.json", public.stock, name="stock"),
    path("vouchers/<slug:slug>/preview/", preview.preview, name="preview"),
    path("merchants/", merchants.shop_list, name="shops"),
    path("merchants/map/", merchants.shop_map, name="shop-map"),
    path("merchants/points.geojson", merchants.points, name="shop-points"),
    path("merchants/nearby/", merchants.nearby, name="shops-nearby"),
    path("merchants/apply/", merchants.apply, name="merchant-apply"),
    path("merchants/join/<slug:code>/", merchants.join, name="member-join"),
    path("merchants/mine/", my_merchants.my_merchants, name="my-merchants"),
    path("merchants/mine/statements/", statements.statement_list, name="statements"),
    path(
        "merchants/mine/statements/<slug:number>/",
        statements.statement,
        name="statement",
    ),
    re_path(
        r"^merchants/mine/statements/(?P<number>[-\w]+)/statement\.(?P<kind>xlsx|pdf)$",
        statements.statement_file,
        name="statement-file",
    ),
    path("merchants/mine/<slug:number>/", my_merchants.my_merchant, name="my-merchant"),
    path(
        "merchants/mine/<slug:number>/correct/",
        my_merchants.correct,
        name="my-merchant-correct",
    ),
    path(
        "merchants/mine/<slug:number>/withdraw/",
        my_merchants.withdraw_change,
        name="my-merchant-withdraw",
    ),
    path(
        "merchants/mine/<slug:number>/leave/",
        my_merchants.leave,
        name="my-merchant-leave",
    ),
    path(
        "merchants/mine/<slug:number>/shops/add/",
        my_merchants.add_shop,
        name="my-shop-add",
    ),
    path(
        "merchants/mine/<slug:number>/shops/<slug:shop>/",
        my_merchants.shop,
        name="my-shop",
    ),
    path(
        "merchants/mine/<slug:number>/shops/<slug:shop>/open/",
        my_merchants.open_shop,
        name="my-shop-open",
    ),
    path(
        "merchants/mine/<slug:number>/people/",
        my_merchants.people,
        name="my-merchant-people",
    ),
    path(
        "merchants/mine/<slug:number>/people/<int:pk>/",
        my_merchants.person,
        name="my-merchant-person",
    ),
    path(
        "merchants/mine/<slug:number>/devices/",
        my_merchants.devices,
        name="my-merchant-devices",
    ),
    path("merchants/<slug:number>/", merchants.merchant, name="merchant"),
]
