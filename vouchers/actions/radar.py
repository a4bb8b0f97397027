"""Looking for bills that nobody paid, and deciding what was found.

Flags hold what they name from being settled; they change no money and no voucher.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from vouchers.errors.radar import (
    FlagDecided,
    FlagHasGrown,
    FlagIsYours,
    FlagNeedsReason,
    FlagNotForYou,
)
from vouchers.models import Campaign, Flag, Member
from vouchers.queries.radar import Found, signs_on, suspects

NIGHTS_BACK = 3
"""Days that each night looks at again: a night without a worker is made up for."""
REASON_LENGTH = 200


def scan_last_days(*, at: datetime) -> int:
    """Look at the days before `at` in every campaign under way; how many new flags."""
    today = clock.local_day(at)
    days = [today - timedelta(days=back) for back in range(NIGHTS_BACK, 0, -1)]
    campaigns = Campaign.objects.filter(state=Campaign.State.PUBLISHED).order_by("pk")
    return sum(
        len(scan_with_radar(campaign=campaign, day=day, at=at))
        for campaign in campaigns
        for day in days
    )


@transaction.atomic
def scan_with_radar(
    *, campaign: Campaign, day: date, at: datetime, by: User | None = None
) -> list[Flag]:
    """Flag what stands out on a day (of Asia/Shanghai); the new flags come back.

    Safe to repeat: a flag of the day that nobody has decided gets the newer evidence,
    one that was decided stays as it is. A redemption is flagged for a sign only once;
    what was found to be in order is not looked at again for that sign.
    """
    # One scan of a campaign at a time; claims and redemptions do not wait for it.
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    new = []
    for found in suspects(signs_on(campaign, day)):
        flag, is_new = _flag(campaign, day, found, at=at)
        if flag and is_new:
            record(
                "vouchers.flag.raised",
                subject=flag,
                by=by,
                at=at,
                detail={"rule": flag.rule, "day": str(day), **flag.evidence},
            )
            new.append(flag)
    return new


def _flag(
    campaign: Campaign, day: date, found: Found, *, at: datetime
) -> tuple[Flag | None, bool]:
    mine = Flag.objects.filter(
        campaign=campaign, merchant_id=found.merchant_id, rule=found.sign.code
    )
    flag = mine.filter(day=day).select_for_update().first()
    if flag and flag.state != Flag.State.OPEN:
        return None, False
    others = mine.exclude(pk=flag.pk) if flag else mine
    known = set(others.values_list("redemptions__pk", flat=True))
    fresh = [pk for pk in found.redemption_ids if pk not in known]
    if found.redemption_ids and not fresh and flag is None:
        return None, False
    if flag is None:
        flag = Flag.objects.create(
            campaign=campaign,
            merchant_id=found.merchant_id,
            rule=found.sign.code,
            day=day,
            score=found.weight,
            evidence=found.evidence,
            raised_at=at,
        )
        is_new = True
    else:
        flag.score, flag.evidence = found.weight, found.evidence
        flag.save(update_fields=["score", "evidence"])
        is_new = False
    flag.redemptions.add(*fresh)
    return flag, is_new


@transaction.atomic
def decide_flag(
    *, flag: Flag, is_in_order: bool, reason: str, seen: int | None = None, by: User
) -> Flag:
    """Find a flag to be in order, or confirm it. One decision, with its reason.

    In order: its redemptions can be settled, unless another flag holds them.
    Confirmed: they are never settled as they are; what follows (a refund, a merchant
    suspended) are steps of their own, each with its own reason. `seen` is how many
    redemptions the decision was taken about: a scan may add to an open flag meanwhile.

    Raises `FlagNotForYou`, `FlagIsYours`, `FlagNeedsReason`, `FlagDecided`,
    `FlagHasGrown`.
    """
    if not by.has_perm("vouchers.decide_flag"):
        raise FlagNotForYou
    reason = reason.strip()[:REASON_LENGTH]
    if not reason:
        raise FlagNeedsReason
    if Member.objects.of(by).filter(merchant=flag.merchant_id).exists():
        raise FlagIsYours
    if seen is not None:
        held = Flag.objects.select_for_update(of=("self",)).get(pk=flag.pk).redemptions
        if held.count() != seen:
            raise FlagHasGrown
    now = clock.now()
    state = Flag.State.CLEARED if is_in_order else Flag.State.CONFIRMED
    changed = Flag.objects.filter(pk=flag.pk, state=Flag.State.OPEN).update(
        state=state, decided_at=now, decided_by=by, reason=reason
    )
    if not changed:
        raise FlagDecided
    flag.refresh_from_db()
    record(
        f"vouchers.flag.{state.value}",
        subject=flag,
        by=by,
        at=now,
        detail={"rule": flag.rule, "reason": reason, "merchant": flag.merchant_id},
    )
    return flag


@transaction.atomic
def decide_flags(
    *,
    flags: Iterable[Flag],
    is_in_order: bool,
    reason: str,
    seen: Mapping[int, int] | None = None,
    by: User,
) -> list[Flag]:
    """Decide the signs of one case together, in the order of their keys.

    `seen` has for each flag, by its id, how many redemptions it was seen to hold.
    """
    return [
        decide_flag(
            flag=flag,
            is_in_order=is_in_order,
            reason=reason,
            seen=None if seen is None else seen.get(flag.pk, 0),
            by=by,
        )
        for flag in sorted(flags, key=lambda flag: flag.pk)
    ]
