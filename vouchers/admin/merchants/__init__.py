"""Staff tables about who takes vouchers: businesses, shops, campaigns, devices."""

from __future__ import annotations

from vouchers.admin.merchants import (
    businesses,
    campaigns,
    changes,
    devices,
    imports,
    shops,
)

__all__ = ["businesses", "campaigns", "changes", "devices", "imports", "shops"]
