"""The rules of free and low-fee opening, and how one is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy


class Light(StrEnum):
    """The state of a rule; in the order from good to bad."""

    NONE = "none"
    GREEN = "green"
    AMBER = "amber"
    RED = "red"


WORST_LAST = list(Light)


class Rule(StrEnum):
    WEEK_HOURS = "week_hours"
    YEAR_DAYS = "year_days"
    REST_DAYS = "rest_days"
    OUTDOOR = "outdoor"
    LOW_SHARE = "low_share"
    MARKET = "market"
    ENTITLED = "entitled"
    FITNESS_DAY = "fitness_day"
    NOTICE = "notice"


LABELS: dict[Rule, Promise] = {
    Rule.WEEK_HOURS: gettext_lazy("Open at least 35 hours a week"),
    Rule.YEAR_DAYS: gettext_lazy("Open on at least 330 days a year"),
    Rule.REST_DAYS: gettext_lazy("8 hours on weekends, holidays and school breaks"),
    Rule.OUTDOOR: gettext_lazy("Outdoors: 12 hours a day"),
    Rule.LOW_SHARE: gettext_lazy("Free or low-fee hours, not only off-peak"),
    Rule.MARKET: gettext_lazy("At most 70 percent of the market price"),
    Rule.ENTITLED: gettext_lazy("Entitled groups: at most half of the market price"),
    Rule.FITNESS_DAY: gettext_lazy("8 August is free"),
    Rule.NOTICE: gettext_lazy("Closures and changed hours announced 7 days ahead"),
}
SENTENCES: dict[Rule, Promise] = {
    Rule.WEEK_HOURS: gettext_lazy(
        "Each week the venue is open for at least 35 hours (2018 announcement of the "
        "General Administration of Sport)."
    ),
    Rule.YEAR_DAYS: gettext_lazy(
        "Each year the venue is open on at least 330 days (2018 announcement)."
    ),
    Rule.REST_DAYS: gettext_lazy(
        "On rest days, public holidays and in the school breaks it is open for at "
        "least 8 hours a day (2018 announcement)."
    ),
    Rule.OUTDOOR: gettext_lazy(
        "Outdoor areas are open for at least 12 hours a day (2018 announcement)."
    ),
    Rule.LOW_SHARE: gettext_lazy(
        "Free and low-fee opening is not put into off-peak hours only (norm no. 7 of "
        "2021, as quoted by cities)."
    ),
    Rule.MARKET: gettext_lazy(
        "A low fee is generally at most 70 percent of the local market price "
        "(norm no. 7 of 2021, as quoted by cities)."
    ),
    Rule.ENTITLED: gettext_lazy(
        "Older people, people with a disability, students, the military and the fire "
        "service generally pay at most half (norm no. 7 of 2021, as quoted by cities)."
    ),
    Rule.FITNESS_DAY: gettext_lazy(
        "On 8 August, National Fitness Day, the venue is wholly free (2018 "
        "announcement)."
    ),
    Rule.NOTICE: gettext_lazy(
        "Closing or changed hours are announced 7 days ahead, save for the weather "
        "(2018 announcement)."
    ),
}


@dataclass(frozen=True)
class Measure:
    """One rule, held against a period of a venue."""

    rule: Rule
    light: Light
    figure: str
    reasons: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return str(LABELS[self.rule])

    @property
    def sentence(self) -> str:
        return str(SENTENCES[self.rule])
