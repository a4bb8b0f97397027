from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    name = "bureau.portal"
    label = "portal"

    def ready(self) -> None:
        # Models are only there once the registry is ready.
        from bureau.notices.models import Channel, Kind, register  # noqa: PLC0415
        from bureau.portal import receivers  # noqa: F401, PLC0415

        register(
            Kind(
                "payments.paid_twice",
                _("A second payment goes back"),
                necessary=True,
                channels=(Channel.SMS, Channel.EMAIL),
            ),
        )
