from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DrawsConfig(AppConfig):
    name = "bureau.draws"
    label = "draws"
    verbose_name = _("Draws")

    def ready(self) -> None:
        # Models are only there once the registry is ready.
        from bureau.common import personal_data  # noqa: PLC0415
        from bureau.draws import queries  # noqa: PLC0415

        personal_data.register(
            personal_data.Holder("draws", export=queries.personal_data_of)
        )
