from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from bureau.draws import views

app_name = "draws"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.draw_list, name="list"),
    path("check/", views.check, name="check"),
    path("check/sportdraw-check.html", views.check_file, name="check-file"),
    path("entries/", views.my_entries, name="entries"),
    path("entries/<slug:entry_id>/", views.my_entry, name="entry"),
    path("proofs/<slug:entry_id>.json", views.proof, name="proof"),
    path("<slug:draw_id>/", views.draw, name="draw"),
    path("<slug:draw_id>/files/<str:name>", views.draw_file, name="file"),
]
