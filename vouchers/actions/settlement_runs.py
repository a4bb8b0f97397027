"""What the bureau pays to merchants is prepared: one run for a period of a campaign.

Some merchants of a run are one transaction. It holds their payable accounts, so that
two preparations, a refund and a repayment of one merchant come one after the other;
counters go on meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.db import connection, transaction
from django.db.models import QuerySet, Sum

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock, codes
from bureau.common.db import constraint_errors
from bureau.common.fields import DAY
from bureau.common.money import yuan
from bureau.common.tasks import after_commit
from bureau.notices.actions import Message, notify, notify_each
from bureau.notices.models import Notice
from vouchers.actions import ledger
from vouchers.actions.ledger import Kind
from vouchers.actions.settlements import refuse_campaign
from vouchers.errors.settlements import (
    PeriodBackwards,
    PeriodNotOver,
    SettlementsUnderWay,
)
from vouchers.models import (
    HASH_OF_TEXTS,
    TEXT_OF_A_LINE,
    Account,
    Campaign,
    Settlement,
    SettlementRun,
)
from vouchers.queries.settlements import (
    facts_of_merchants,
    next_period,
    owed_fen,
)

MERCHANTS_AT_ONCE = 10
"""In one transaction: what a crash undoes, and how long a refund has to wait."""


def ask_for_settlements(
    *, campaign: Campaign, from_on: date, until_on: date, by: User
) -> SettlementRun:
    """Have the settlements of a period prepared by a worker; for refusals see below."""
    from vouchers.tasks import settlements as tasks  # noqa: PLC0415 - they call us

    with transaction.atomic():
        run = _begin(campaign, from_on, until_on, by)
        after_commit(tasks.prepare_settlements, run_id=run.pk)
    return run


def prepare_settlements(
    *, campaign: Campaign, from_on: date, until_on: date, by: User
) -> SettlementRun:
    """Prepare what every merchant of a campaign gets, and come back when it is done.

    A settlement has what was redeemed until the end of `until_on` (Asia/Shanghai) and
    is in no other: also what an earlier one had to leave out, because it was held by a
    flag or because refunds outweighed it. Refunds of what was paid before are taken
    off. Nothing is made for a merchant who would get nothing or less: that is carried
    over. Whom a settlement of this very period stands for keeps that one.

    Raises `NothingPublished`, `CampaignOver`, `PeriodBackwards`, `PeriodNotOver` and
    `SettlementsUnderWay`.
    """
    run = _begin(campaign, from_on, until_on, by)
    return work_through_run(run=run)


@transaction.atomic
def _begin(
    campaign: Campaign, from_on: date, until_on: date, by: User
) -> SettlementRun:
    now = clock.now()
    # FOR UPDATE would wait for, and hold up, every claim and redemption.
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    refuse_campaign(campaign)
    if until_on < from_on:
        raise PeriodBackwards
    if until_on >= clock.local_day(now):
        last = date.fromordinal(clock.local_day(now).toordinal() - 1)
        raise PeriodNotOver(last=last.isoformat())
    with constraint_errors(
        vouchers_settlementrun_one_at_a_time=SettlementsUnderWay,
    ):
        run = SettlementRun.objects.create(
            campaign=campaign,
            from_on=from_on,
            until_on=until_on,
            asked_by=by,
            asked_at=now,
            merchants=_payable_accounts(campaign).count(),
        )
    record(
        "vouchers.settlement_run.asked",
        subject=run,
        by=by,
        at=now,
        detail={"campaign": campaign.pk, "from_on": from_on, "until_on": until_on},
    )
    return run


def work_through_run(*, run: SettlementRun) -> SettlementRun:
    """Do what is left of a run. Safe to call in many workers and after any crash."""
    while _settle_some(run):
        pass
    _finish(run)
    run.refresh_from_db()
    return run


def finish_settlement_runs() -> int:
    """Go on with runs that a crash interrupted; how many there were."""
    runs = list(SettlementRun.objects.under_way().select_related("campaign"))
    for run in runs:
        work_through_run(run=run)
    return len(runs)


def _payable_accounts(campaign: Campaign) -> QuerySet[Account]:
    return Account.objects.filter(campaign=campaign, kind=Kind.PAYABLE)


@transaction.atomic
def _settle_some(run: SettlementRun) -> bool:
    """The next merchants, once: what came of them is written with it. False: none left.

    Another worker of the same run waits for us, and takes those behind.
    """
    locked = SettlementRun.objects.select_for_update(no_key=True).get(pk=run.pk)
    if locked.finished_at is not None:
        return False
    merchants = _payable_accounts(run.campaign).order_by("merchant_id")
    left = [
        pk
        for pk in merchants.values_list("merchant_id", flat=True)
        if str(pk) not in locked.results
    ][:MERCHANTS_AT_ONCE]
    if not left:
        return False
    ledger.hold_payable(run.campaign_id, left)
    standing = Settlement.objects.standing().filter(
        campaign=run.campaign_id,
        merchant__in=left,
        from_on=run.from_on,
        until_on=run.until_on,
    )
    results: dict[int, str | int] = dict(standing.values_list("merchant_id", "number"))
    results |= _prepare(run, [pk for pk in left if pk not in results])
    locked.results |= {str(pk): result for pk, result in results.items()}
    locked.save(update_fields=["results"])
    return True


def _prepare(run: SettlementRun, merchants: Sequence[int]) -> dict[int, str | int]:
    """Each one's new settlement (number), or what is carried over (fen, 0 or less)."""
    now = clock.now()
    results = _write(run, merchants, now)
    made = Settlement.objects.filter(
        number__in=[one for one in results.values() if isinstance(one, str)]
    )
    facts = facts_of_merchants(run.campaign_id, merchants, until=_end_of(run.until_on))
    for row in made.order_by("merchant_id"):
        row.facts = facts[row.merchant_id]
        row.save(update_fields=["facts"])
        record(
            "vouchers.settlement.prepared",
            subject=row,
            by=run.asked_by,
            at=now,
            detail={"amount_fen": row.amount_fen, "lines": row.count},
        )
    return results


def _end_of(day: date) -> datetime:
    return clock.at(day, DAY)


# One statement for all of them: by itself each merchant costs as much as ten together.
_WRITE = f"""
    WITH asked AS (
        SELECT * FROM unnest(%(merchants)s::bigint[], %(numbers)s::text[])
                   AS asked (merchant_id, number)
    ), due AS (
        SELECT redemption.merchant_id, redemption.id, redemption.redeemed_at,
               redemption.number, line.kind, line.amount_fen,
               {TEXT_OF_A_LINE} AS text
          FROM vouchers_redemption AS redemption
          JOIN vouchers_voucher AS voucher ON voucher.id = redemption.voucher_id
          JOIN vouchers_shop AS shop ON shop.id = redemption.shop_id,
               LATERAL (VALUES ('redeemed', redemption.discount_fen::bigint))
                            AS line (kind, amount_fen)
         WHERE redemption.merchant_id = ANY (%(merchants)s::bigint[])
           AND voucher.campaign_id = %(campaign)s
           AND redemption.state = 'done'
           AND redemption.redeemed_at < %(end)s
           AND NOT EXISTS (SELECT FROM vouchers_settlementline AS settled
                            WHERE settled.redemption_id = redemption.id
                              AND settled.kind = 'redeemed' AND settled.counts)
           AND NOT EXISTS (SELECT FROM vouchers_flag_redemptions AS held
                             JOIN vouchers_flag AS flag ON flag.id = held.flag_id
                            WHERE held.redemption_id = redemption.id
                              AND flag.state <> 'cleared')
    ), back AS (
        SELECT redemption.merchant_id, redemption.id, redemption.redeemed_at,
               redemption.number, line.kind, line.amount_fen,
               {TEXT_OF_A_LINE} AS text
          FROM vouchers_settlement AS settlement
          JOIN vouchers_settlementline AS paid ON paid.settlement_id = settlement.id
          JOIN vouchers_redemption AS redemption ON redemption.id = paid.redemption_id
          JOIN vouchers_voucher AS voucher ON voucher.id = redemption.voucher_id
          JOIN vouchers_shop AS shop ON shop.id = redemption.shop_id,
               LATERAL (VALUES ('claw_back', -paid.amount_fen))
                            AS line (kind, amount_fen)
         WHERE settlement.merchant_id = ANY (%(merchants)s::bigint[])
           AND settlement.campaign_id = %(campaign)s
           AND settlement.state = 'paid'
           AND paid.kind = 'redeemed' AND paid.counts
           AND redemption.state <> 'done'
           AND NOT EXISTS (SELECT FROM vouchers_settlementline AS taken
                            WHERE taken.redemption_id = redemption.id
                              AND taken.kind = 'claw_back' AND taken.counts)
           AND NOT EXISTS (SELECT FROM vouchers_transfer AS repaid
                            WHERE repaid.redemption_id = redemption.id
                              AND repaid.kind = 'repay')
    ), line AS MATERIALIZED (
        SELECT * FROM due UNION ALL SELECT * FROM back
    ), net AS (
        SELECT merchant_id, count(*) AS count, sum(amount_fen)::bigint AS fen,
               {HASH_OF_TEXTS} AS hash
          FROM line GROUP BY merchant_id
    ), made AS (
        INSERT INTO vouchers_settlement
               (number, campaign_id, merchant_id, from_on, until_on, state, amount_fen,
                count, bank_name, account_name, sealed_account, masked_account,
                statement_hash, facts, prepared_at, prepared_by_id, reason)
        SELECT asked.number, %(campaign)s, merchant.id, %(from_on)s, %(until_on)s,
               'prepared', net.fen, net.count, merchant.bank_name,
               merchant.account_name, merchant.sealed_account, merchant.masked_account,
               net.hash, '{{}}', %(now)s, %(by)s, ''
          FROM net
          JOIN asked ON asked.merchant_id = net.merchant_id
          JOIN vouchers_merchant AS merchant ON merchant.id = net.merchant_id
         WHERE net.fen > 0
     RETURNING id, merchant_id, number
    ), written AS (
        INSERT INTO vouchers_settlementline
               (settlement_id, redemption_id, kind, amount_fen, counts)
        SELECT made.id, line.id, line.kind, line.amount_fen, true
          FROM line JOIN made ON made.merchant_id = line.merchant_id
    )
    SELECT asked.merchant_id, made.number, coalesce(net.fen, 0)
      FROM asked
 LEFT JOIN net ON net.merchant_id = asked.merchant_id
 LEFT JOIN made ON made.merchant_id = asked.merchant_id
"""  # noqa: S608 - of our own parts


def _write(
    run: SettlementRun, merchants: Sequence[int], now: datetime
) -> dict[int, str | int]:
    """Settlements with their lines; none for who would get nothing or less."""
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            {
                "merchants": list(merchants),
                "numbers": [codes.new_code() for _merchant in merchants],
                "campaign": run.campaign_id,
                "from_on": run.from_on,
                "until_on": run.until_on,
                "end": _end_of(run.until_on),
                "now": now,
                "by": run.asked_by_id,
            },
        )
        return {pk: number or int(fen) for pk, number, fen in cursor.fetchall()}


@transaction.atomic
def _finish(run: SettlementRun) -> None:
    now = clock.now()
    mine = SettlementRun.objects.under_way().filter(pk=run.pk)
    if not mine.update(finished_at=now):
        return
    run.refresh_from_db()
    made = [one for one in run.results.values() if isinstance(one, str)]
    total = Settlement.objects.filter(number__in=made).aggregate(fen=Sum("amount_fen"))
    fen = total["fen"] or 0
    record(
        "vouchers.settlement_run.finished",
        subject=run,
        by=run.asked_by,
        at=now,
        detail={"settlements": len(made), "amount_fen": fen},
    )
    notify(
        recipient=run.asked_by,
        kind="vouchers.settlements_prepared",
        context={
            "campaign": run.campaign.name,
            "from_on": run.from_on,
            "until_on": run.until_on,
            "count": len(made),
            "carried": len(run.results) - len(made),
            "amount": yuan(fen),
        },
        subject=run,
        at=now,
    )


def propose_settlements(*, at: datetime) -> int:
    """Tell those who may prepare settlements which week is over; how many campaigns.

    Nothing is prepared by itself. Each campaign is told of once a day at most.
    """
    today = clock.local_day(at)
    told = 0
    for campaign in Campaign.objects.filter(state=Campaign.State.PUBLISHED):
        period = next_period(campaign, today=today)
        if period is None or _was_told(campaign, today):
            continue
        owed = owed_fen(campaign, until_on=period[1])
        if owed:
            _propose(campaign, period, owed, at)
            told += 1
    return told


def _was_told(campaign: Campaign, today: date) -> bool:
    return Notice.objects.filter(
        kind="vouchers.settlements_due",
        subject_type=campaign._meta.label_lower,
        subject_id=campaign.pk,
        created_at__gte=clock.at(today, 0),
    ).exists()


def _propose(
    campaign: Campaign, period: tuple[date, date], owed: int, at: datetime
) -> None:
    staff = User.objects.with_perm(
        "vouchers.add_settlement",
        include_superusers=False,
        backend="django.contrib.auth.backends.ModelBackend",
    )
    context = {
        "campaign": campaign.name,
        "from_on": period[0],
        "until_on": period[1],
        "amount": yuan(owed),
    }
    notify_each(
        kind="vouchers.settlements_due",
        messages=[Message(one, context, campaign) for one in staff.order_by("pk")],
        at=at,
    )
