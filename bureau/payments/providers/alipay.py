from __future__ import annotations

from bureau.payments.providers.base import Provider


class AlipayProvider(Provider):
    name = "alipay"
