"""Why hours, prices, quotas and bands are not set as they were asked for."""

from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


class HoursOverlap(DomainError):
    code = "hours_overlap"
    message = _("These opening hours overlap.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class HoursBackwards(DomainError):
    code = "hours_backwards"
    message = _("The opening must come before the closing, which is at most 36:00.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class HoursInThePast(DomainError):
    code = "hours_in_the_past"
    message = _("The hours of days that are over stay as they were.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PriceInThePast(DomainError):
    code = "price_in_the_past"
    message = _("A price cannot change in the past.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class QuotaLimitsNothing(DomainError):
    code = "quota_limits_nothing"
    message = _("A quota limits minutes, bookings, or both.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class BandsTurnedRound(DomainError):
    code = "bands_turned_round"
    message = _("A longer notice brings back more than a shorter one.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class MarketPriceThere(DomainError):
    code = "market_price_there"
    message = _("There is a market price for this sport from that day already.")


class PriceEndsTooEarly(DomainError):
    code = "price_ends_too_early"
    message = _("A price ends after it begins.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PriceBreaksRule(DomainError):
    """Free and low-fee opening (2021 norm, no. 7); an exception needs a reason."""

    code = "price_breaks_rule"
    message = _("This price breaks the rule for low-fee venues: %(breach)s")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NotForYouToGrant(DomainError):
    code = "not_for_you_to_grant"
    message = _("You may not publish a price that breaks the rule.")
    status = HTTPStatus.FORBIDDEN
