"""The radar on a market that is made up, of which it is known who is crooked.

`make bench` measures it on more markets (bench/lines/radar.py).
"""

from __future__ import annotations

import pytest
from django.db import connection

from bench.market import CROOKED, MERCHANTS, Maker, make_market

pytestmark = pytest.mark.django_db
# None of them was looked at when the thresholds were chosen.
SEEDS = (201, 202)


def test_most_crooks_are_found_and_few_others_flagged() -> None:
    flagged = crooked = both = 0
    for seed in SEEDS:
        market = make_market(seed)
        assert len(market.crooked) == CROOKED
        assert len(market.kinds) == MERCHANTS
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE vouchers_redemption, vouchers_voucher")
        found = market.scan()
        flagged += len(found)
        crooked += len(market.crooked)
        both += len(found & market.crooked)
    assert both / flagged >= 0.8
    assert both / crooked >= 0.8


def test_a_seed_makes_the_same_market_again() -> None:
    def facts(seed: int) -> list[tuple[str, int]]:
        maker = Maker(seed)
        firms = maker.firms()
        for firm in firms:
            maker.trade(firm)
        return [(firm.kind, sum(row.bill_fen for row in firm.rows)) for firm in firms]

    assert facts(1) == facts(1)
    assert facts(1) != facts(2)
