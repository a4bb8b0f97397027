"""Free and low-fee opening (低免开放), live: what the rules ask for and what there is.

Everything is counted in minutes of business days, from the hours, exceptions, closures,
sessions and prices that are in force. A day of a court is a row of bits, one a minute,
so that a year of a city is a matter of a second. Where the rules come from and how each
figure is defined: docs/venues/openness.md.
"""

from __future__ import annotations

from venues.queries.openness.book import OpenBook, PlannedClosure
from venues.queries.openness.judging import Openness, warnings_about, week_of, year_of
from venues.queries.openness.minutes import Figures
from venues.queries.openness.rules import LABELS, SENTENCES, Light, Measure, Rule

__all__ = [
    "LABELS",
    "SENTENCES",
    "Figures",
    "Light",
    "Measure",
    "OpenBook",
    "Openness",
    "PlannedClosure",
    "Rule",
    "warnings_about",
    "week_of",
    "year_of",
]
