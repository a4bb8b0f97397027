from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PhotosConfig(AppConfig):
    name = "bureau.photos"
    label = "photos"
    verbose_name = _("Photos")

    def ready(self) -> None:
        import_module("bureau.photos.receivers")
