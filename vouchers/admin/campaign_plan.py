"""The page on which a campaign is prepared: name, tiers, rounds and caps at once."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.forms import Media
from django.utils.translation import gettext as _

from bureau.accounts.models import User
from vouchers import actions
from vouchers.actions import RoundPlan, TierPlan
from vouchers.forms.campaigns import CapsForm, PlanTextsForm, RoundFormSet, TierFormSet
from vouchers.models import Campaign
from vouchers.queries.plan_marks import OF_THE_PLAN, plan_mark


class PlanPage:
    """All forms of the page. A row more is offered each time; saving fills it in."""

    def __init__(self, campaign: Campaign, data: Any) -> None:
        self.campaign = campaign
        self.is_draft = campaign.state == Campaign.State.DRAFT
        seen = plan_mark(campaign, OF_THE_PLAN)  # before it is read for the page
        tiers = list(campaign.tiers.order_by("face_fen", "threshold_fen", "pk"))
        rounds = campaign.rounds.prefetch_related("lots").order_by("number")
        self.texts = PlanTextsForm(
            data,
            instance=campaign,
            prefix="texts",
            initial={"seen": seen},
        )
        self.tiers: Any = TierFormSet(
            data,
            prefix="tiers",
            initial=[vars(TierPlan.of(tier)) for tier in tiers],
            form_kwargs={"tiers": tiers, "is_draft": self.is_draft},
        )
        self.rounds: Any = RoundFormSet(
            data,
            prefix="rounds",
            initial=[_initial(RoundPlan.of(row)) for row in rounds],
            form_kwargs={
                "tiers": tiers,
                "rounds": {row.number: row for row in rounds},
                "is_draft": self.is_draft,
            },
        )
        for formset in (self.tiers, self.rounds):
            formset.can_delete = self.is_draft
        caps = campaign.district_caps.order_by("pk")
        self.caps = CapsForm(data, caps=list(caps))

    @property
    def media(self) -> Media:
        found: Media = self.texts.media + self.tiers.media + self.rounds.media
        return found

    def is_valid(self) -> bool:
        parts = (self.texts, self.tiers, self.rounds, self.caps)
        are_valid = [part.is_valid() for part in parts]  # each shows what is wrong
        if not all(are_valid):
            self.texts.add_error(None, _("Please look at what is marked below."))
        return all(are_valid)

    @transaction.atomic
    def save(self, *, by: User) -> None:
        """All of it or nothing. Raises what the actions raise."""
        # A form of a model has put what was typed into the row: the action compares.
        campaign = Campaign.objects.get(pk=self.campaign.pk)
        actions.refuse_stale(campaign, seen=self.texts.cleaned_data["seen"])
        actions.describe_campaign(campaign=campaign, texts=self.texts.texts, by=by)
        tiers = [form.plan for form in _filled(self.tiers)]
        actions.set_tiers(campaign=campaign, tiers=tiers, by=by)
        there = {plan.tier_id for plan in tiers}
        rounds = []
        for form in _filled(self.rounds):
            plan: RoundPlan = form.plan
            lots = {tier: n for tier, n in plan.lots.items() if tier in there}
            rounds.append(plan.with_lots(lots))
        actions.set_rounds(campaign=campaign, rounds=rounds, by=by)
        actions.set_district_caps(campaign=campaign, caps=self.caps.caps, by=by)


def _initial(plan: RoundPlan) -> dict[str, Any]:
    lots = {f"lot_{tier}": amount for tier, amount in plan.lots.items()}
    return {**vars(plan), **lots}


def _filled(formset: Any) -> list[Any]:
    """The forms that say something, without those that are struck out."""
    return [
        form
        for form in formset.forms
        if (form.has_changed() or form.initial)
        and not form.cleaned_data.get("DELETE", False)
    ]
