from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import ChangedMeanwhile, DomainError


class SlugTaken(DomainError):
    code = "voucher_slug_taken"
    message = _("Another campaign has this short name already.")


class SlugNotFit(DomainError):
    code = "voucher_slug_not_fit"
    message = _("A short name has small letters, digits and hyphens: not %(slug)s.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NotADraft(DomainError):
    """Published rules are frozen."""

    code = "voucher_campaign_not_a_draft"
    message = _("This campaign is published. Its rules can only be changed anew.")


class NotPublished(DomainError):
    code = "voucher_campaign_not_published"
    message = _("This campaign is still being prepared: simply change its rules.")


class CampaignOver(DomainError):
    code = "voucher_campaign_over"
    message = _("This campaign is closed. Nothing in it changes any more.")


class AppropriationTwice(DomainError):
    code = "voucher_appropriation_twice"
    message = _("The document %(document)s has been entered already.")


class AppropriationEmpty(DomainError):
    code = "voucher_appropriation_empty"
    message = _("An appropriation has a document and an amount above nothing.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PromisesTooMuch(DomainError):
    code = "voucher_promises_too_much"
    message = _(
        "The tiers promise %(promised)s yuan; %(appropriated)s are appropriated."
    )


class TierTwice(DomainError):
    code = "voucher_tier_twice"
    message = _("There are two tiers with the same value, bill and sports: %(tier)s.")


class TierGivesNothing(DomainError):
    code = "voucher_tier_gives_nothing"
    message = _("Tier %(tier)s: value, number and number per person are above nothing.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ThresholdBelowFace(DomainError):
    code = "voucher_threshold_below_face"
    message = _(
        "Tier %(tier)s: the bill is at least the value of the voucher, for nobody is"
        " paid out."
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class UnknownTier(DomainError):
    code = "voucher_tier_unknown"
    message = _("There is no tier %(tier)s in this campaign.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PublishedTierStays(DomainError):
    code = "voucher_published_tier_stays"
    message = _(
        "Tier %(tier)s is published: its value, bill and sports stay, and nobody may"
        " claim fewer. Add another tier instead."
    )


class TierShrinks(DomainError):
    code = "voucher_tier_shrinks"
    message = _("Tier %(tier)s: %(least)s vouchers are given away or announced.")


class RoundTwice(DomainError):
    code = "voucher_round_twice"
    message = _("There are two rounds with the number %(number)s.")


class RoundBackwards(DomainError):
    code = "voucher_round_backwards"
    message = _("Round %(number)s: it closes after it opens.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class RoundDrawBackwards(DomainError):
    code = "voucher_round_draw_backwards"
    message = _(
        "Round %(number)s: a draw has its moment, and it is after entries close. A"
        " round without a draw has none."
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class RoundRestBackwards(DomainError):
    code = "voucher_round_rest_backwards"
    message = _(
        "Round %(number)s: the rest opens after the draw, and closes after that. Only"
        " a draw with a rest has these times."
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class RoundLobbyTooLong(DomainError):
    code = "voucher_round_lobby_too_long"
    message = _(
        "Round %(number)s: people gather for 240 minutes at most, and turns are spread"
        " over 600 seconds at most."
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PublishedRoundStays(DomainError):
    code = "voucher_published_round_stays"
    message = _(
        "Round %(number)s is announced: its way and its times stay, and its vouchers"
        " do not become fewer. Add another round instead."
    )


class RoundTooLate(DomainError):
    code = "voucher_round_too_late"
    message = _("Round %(number)s would have opened already.")


class CapShrinks(DomainError):
    code = "voucher_cap_shrinks"
    message = _("The cap of %(district)s was announced. It can only be raised.")


class BadIdPrefix(DomainError):
    code = "voucher_id_prefix_bad"
    message = _("ID numbers begin with one to four digits, such as 3708: %(text)s.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class RulesEndNever(DomainError):
    code = "voucher_rules_end_never"
    message = _("Say until when vouchers serve: a moment, hours or days.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class RulesBackwards(DomainError):
    code = "voucher_rules_backwards"
    message = _("The first hour and the least age come before the last ones.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ReasonNeeded(DomainError):
    code = "voucher_reason_needed"
    message = _("Say why the rules change. Everybody can read it.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NothingChanged(DomainError):
    code = "voucher_rules_unchanged"
    message = _("These are the rules as they stand.")


class RulesChangedMeanwhile(DomainError):
    code = "voucher_rules_changed_meanwhile"
    message = _("Somebody else has changed the rules meanwhile. Please look again.")


class PlanChangedMeanwhile(ChangedMeanwhile):
    """`what` names the parts of the plan, and who changed them."""

    code = "voucher_plan_changed_meanwhile"


class CampaignContradicts(DomainError):
    """The check list found what cannot work."""

    code = "voucher_campaign_contradicts"
    message = _("This does not fit together: %(sentences)s")


class WarningsUnread(DomainError):
    """The check list found something that nobody has confirmed yet."""

    code = "voucher_warnings_unread"
    message = _("Please read and confirm first: %(sentences)s")


class CallingOffNeedsReason(DomainError):
    code = "voucher_calling_off_needs_reason"
    message = _("Please say why. Everybody can read it.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class RoundNotRunning(DomainError):
    code = "voucher_round_not_running"
    message = _("Only what is published and has not ended can be called off.")


class HoursPastMidnight(DomainError):
    code = "voucher_hours_past_midnight"
    message = _("The daily hours end at 24:00 at the latest.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY
