"""How many crooks the radar finds, on markets that its thresholds have not seen."""

from __future__ import annotations

import time
from collections import Counter

from django.db import connection, transaction

from bench.market import CROOKED, DAYS, KINDS_OF_CROOKS, MERCHANTS, make_market
from bench.portal import Portal
from bench.table import Line

# The thresholds were chosen on 1 to 16.
SEEDS = range(101, 121)
GOAL = 0.8


class _Back(Exception):
    """Leave nothing of a market behind."""


def measure(_portal: Portal) -> list[Line]:
    flagged = both = rows = 0
    seconds = 0.0
    missed: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for seed in SEEDS:
        try:
            with transaction.atomic():
                market = make_market(seed)
                with connection.cursor() as cursor:
                    cursor.execute("ANALYZE")
                began = time.perf_counter()
                found = market.scan()
                seconds += time.perf_counter() - began
                flagged += len(found)
                both += len(found & market.crooked)
                rows += market.redemptions
                missed.update(market.kinds[key] for key in market.crooked - found)
                wrong.update(market.kinds[key] for key in found - market.crooked)
                raise _Back
        except _Back:
            pass
    precision = both / flagged if flagged else 0.0
    recall = both / (CROOKED * len(SEEDS))
    markets = (
        f"{len(SEEDS)} markets of {MERCHANTS} merchants, {CROOKED} crooked "
        f"({', '.join(KINDS_OF_CROOKS)}), {rows} redemptions in all; "
    )
    return [
        Line(
            what="radar: crooked of those flagged (precision)",
            figure=f"{precision:.2f}",
            goal=f"≥ {GOAL}",
            met=precision >= GOAL,
            note=markets + f"flagged wrongly: {_words(wrong)}",
        ),
        Line(
            what="radar: flagged of the crooked (recall)",
            figure=f"{recall:.2f}",
            goal=f"≥ {GOAL}",
            met=recall >= GOAL,
            note=f"missed: {_words(missed)}; {seconds / len(SEEDS) / DAYS * 1000:.0f} "
            "ms for a night's look at one day",
        ),
    ]


def _words(counts: Counter[str]) -> str:
    return ", ".join(f"{kind} {n}" for kind, n in counts.most_common()) or "none"
