from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from vouchers.api import claiming, counter, figures, merchants, settlements

urlpatterns: list[URLPattern | URLResolver] = [
    path("counter/shops/", counter.CounterShops.as_view()),
    path("counter/look-ups/", counter.CounterLookUps.as_view()),
    path("counter/redemptions/", counter.CounterRedemptions.as_view()),
    path("counter/sums/", counter.CounterSums.as_view()),
    path("counter/redemptions/<slug:number>/", counter.CounterRedemption.as_view()),
    path("counter/redemptions/<slug:number>/undo/", counter.CounterUndo.as_view()),
    path("counter/redemptions/<slug:number>/refund/", counter.CounterRefund.as_view()),
    path(
        "voucher-campaigns/",
        claiming.Campaigns.as_view(),
        name="api-voucher-campaigns",
    ),
    path(
        "voucher-campaigns/<slug:slug>/",
        claiming.OneCampaign.as_view(),
        name="api-voucher-campaign",
    ),
    path(
        "voucher-rounds/<int:pk>/",
        claiming.OneRound.as_view(),
        name="api-voucher-round",
    ),
    path(
        "voucher-rounds/<int:pk>/live/",
        claiming.RoundLive.as_view(),
        name="api-voucher-round-live",
    ),
    path(
        "voucher-rounds/<int:pk>/queue/",
        claiming.RoundQueue.as_view(),
        name="api-voucher-queue",
    ),
    path(
        "voucher-rounds/<int:pk>/claims/",
        claiming.RoundClaims.as_view(),
        name="api-voucher-claim",
    ),
    path(
        "voucher-rounds/<int:pk>/entry/",
        claiming.RoundEntry.as_view(),
        name="api-voucher-entry",
    ),
    path("vouchers/", claiming.Vouchers.as_view(), name="api-vouchers"),
    path("vouchers/<slug:code>/", claiming.OneVoucher.as_view(), name="api-voucher"),
    path(
        "vouchers/<slug:code>/proof/",
        claiming.VoucherProof.as_view(),
        name="api-voucher-proof",
    ),
    path(
        "vouchers/<slug:slug>/figures/",
        figures.CampaignFigures.as_view(),
        name="api-voucher-figures",
    ),
    path("merchants/mine/statements/", settlements.Statements.as_view()),
    path(
        "merchants/mine/statements/<slug:number>/", settlements.OneStatement.as_view()
    ),
    path(
        "merchants/shops/", merchants.VoucherShops.as_view(), name="api-voucher-shops"
    ),
    path(
        "merchants/join/<slug:code>/",
        merchants.Join.as_view(),
        name="api-merchant-join",
    ),
    path("merchants/mine/", merchants.MyMerchants.as_view(), name="api-my-merchants"),
    path(
        "merchants/mine/<slug:number>/",
        merchants.MyMerchant.as_view(),
        name="api-my-merchant",
    ),
    path(
        "merchants/mine/<slug:number>/change/",
        merchants.MyChange.as_view(),
        name="api-my-merchant-change",
    ),
    path(
        "merchants/mine/<slug:number>/leave/",
        merchants.MyLeave.as_view(),
        name="api-my-merchant-leave",
    ),
    path(
        "merchants/mine/<slug:number>/shops/",
        merchants.MyShops.as_view(),
        name="api-my-shops",
    ),
    path(
        "merchants/mine/<slug:number>/shops/<slug:shop>/",
        merchants.MyShop.as_view(),
        name="api-my-shop",
    ),
    path(
        "merchants/mine/<slug:number>/people/",
        merchants.MyPeople.as_view(),
        name="api-my-people",
    ),
    path(
        "merchants/mine/<slug:number>/people/<int:person>/",
        merchants.MyPerson.as_view(),
        name="api-my-person",
    ),
    path(
        "merchants/mine/<slug:number>/people/<int:person>/invite-again/",
        merchants.MyPersonAgain.as_view(),
        name="api-my-person-again",
    ),
    path(
        "merchants/mine/<slug:number>/devices/",
        merchants.MyDevices.as_view(),
        name="api-my-devices",
    ),
    path(
        "merchants/mine/<slug:number>/devices/<int:device>/",
        merchants.MyDevice.as_view(),
        name="api-my-device",
    ),
    path(
        "merchants/<slug:number>/", merchants.OneMerchant.as_view(), name="api-merchant"
    ),
]
