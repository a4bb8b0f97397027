from __future__ import annotations

from django.urls import path

from bureau.draws import api

urlpatterns = [
    path("draws/", api.Draws.as_view(), name="api-draws"),
    path("draws/entries/", api.MyDrawEntries.as_view(), name="api-draw-entries"),
    path(
        "draws/proofs/<slug:entry_id>/",
        api.DrawProof.as_view(),
        name="api-draw-proof",
    ),
    path("draws/<slug:draw_id>/", api.DrawDetail.as_view(), name="api-draw"),
]
