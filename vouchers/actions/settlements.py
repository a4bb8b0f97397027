"""What the bureau pays to merchants: prepared, approved, paid, taken back.

Each merchant of a run is one transaction. It holds the merchant's payable account, so
that two preparations and a repayment of one merchant come one after the other; counters
go on meanwhile, for their transfers only look at that row.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, datetime
from hashlib import sha256
from io import StringIO

from django.db import connection, transaction
from django.db.models import QuerySet, Sum

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock, codes, sealed
from bureau.common.db import constraint_errors
from bureau.common.fields import DAY
from bureau.common.money import yuan
from bureau.common.tasks import after_commit
from bureau.common.workbooks import Cell, Sheet, workbook
from bureau.notices.actions import Message, notify, notify_each
from bureau.notices.models import Notice
from vouchers.actions import ledger
from vouchers.actions.ledger import Cause, Kind, Move
from vouchers.errors.campaigns import CampaignOver
from vouchers.errors.settlements import (
    NothingOwed,
    NothingPublished,
    NothingToPay,
    NotInAFile,
    PeriodBackwards,
    PeriodNotOver,
    RejectionNeedsReason,
    RepaymentDiffers,
    SamePerson,
    SettlementMovedOn,
    SettlementOutdated,
    SettlementsUnderWay,
)
from vouchers.models import (
    Account,
    Campaign,
    Member,
    Merchant,
    PaymentFile,
    Redemption,
    Settlement,
    SettlementRun,
)
from vouchers.queries.settlements import (
    clerk_names,
    hash_of_lines,
    held_until,
    next_period,
    owed_fen,
    payment_rows,
    shop_names,
    taken_back_of,
)

State = Settlement.State
BOM = "﻿"


# --- Preparing ------------------------------------------------------------------------


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
    _refuse_campaign(campaign)
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
    for account in _payable_accounts(run.campaign).select_related("merchant"):
        if str(account.merchant_id) not in run.results:
            _settle_one(run, account)
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
    return Account.objects.filter(campaign=campaign, kind=Kind.PAYABLE).order_by(
        "merchant_id", "pk"
    )


class _NothingLeft(Exception):
    """Takes back what was written for a merchant who would get nothing."""


@transaction.atomic
def _settle_one(run: SettlementRun, account: Account) -> None:
    """One merchant, once: what came of it is written with it."""
    locked = SettlementRun.objects.select_for_update(no_key=True).get(pk=run.pk)
    key = str(account.merchant_id)
    if key in locked.results or locked.finished_at is not None:
        return
    _hold_merchant(account)
    standing = Settlement.objects.standing().filter(
        campaign=run.campaign_id,
        merchant=account.merchant_id,
        from_on=run.from_on,
        until_on=run.until_on,
    )
    if found := standing.first():
        locked.results[key] = found.number
    else:
        locked.results[key] = _prepare(run, account.merchant)
    locked.save(update_fields=["results"])
    run.results = locked.results


def _hold_merchant(account: Account) -> None:
    """Wait for others who settle with this merchant. Counters do not wait for us."""
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)


def _prepare(run: SettlementRun, merchant: Merchant | None) -> str | int:
    """The number of the new settlement, or what is carried over, in fen (0 or less)."""
    assert merchant is not None  # noqa: S101 - a constraint says so
    now = clock.now()
    carried = 0
    try:
        with transaction.atomic():
            row = Settlement.objects.create(
                number=codes.new_code(),
                campaign_id=run.campaign_id,
                merchant=merchant,
                from_on=run.from_on,
                until_on=run.until_on,
                amount_fen=0,
                count=0,
                bank_name=merchant.bank_name,
                account_name=merchant.account_name,
                sealed_account=merchant.sealed_account,
                masked_account=merchant.masked_account,
                prepared_at=now,
                prepared_by=run.asked_by,
            )
            row.count, carried = _write_lines(row)
            if carried <= 0:
                raise _NothingLeft
            row.amount_fen = carried
            row.statement_hash = hash_of_lines(row)
            row.facts = {
                "merchant": merchant.name,
                "credit_code": merchant.credit_code,
                "shops": shop_names(row),
                "clerks": clerk_names(row),
                "held": held_until(run.campaign_id, merchant.pk, _end_of(run.until_on)),
            }
            row.save(update_fields=["amount_fen", "count", "statement_hash", "facts"])
            record(
                "vouchers.settlement.prepared",
                subject=row,
                by=run.asked_by,
                at=now,
                detail={"amount_fen": row.amount_fen, "lines": row.count},
            )
    except _NothingLeft:
        return carried
    return row.number


def _end_of(day: date) -> datetime:
    return clock.at(day, DAY)


# FOR SHARE: a refund that is under way is waited for, and then counts; one that comes
# later waits for us, and is taken off at the next settlement.
_WRITE_LINES = """
    WITH due AS (
        SELECT redemption.id, redemption.discount_fen::bigint AS fen
          FROM vouchers_redemption AS redemption
          JOIN vouchers_voucher AS voucher ON voucher.id = redemption.voucher_id
         WHERE redemption.merchant_id = %(merchant)s
           AND voucher.campaign_id = %(campaign)s
           AND redemption.state = 'done'
           AND redemption.redeemed_at < %(end)s
           AND NOT EXISTS (SELECT FROM vouchers_settlementline AS line
                            WHERE line.redemption_id = redemption.id
                              AND line.kind = 'redeemed' AND line.counts)
           AND NOT EXISTS (SELECT FROM vouchers_flag_redemptions AS held
                             JOIN vouchers_flag AS flag ON flag.id = held.flag_id
                            WHERE held.redemption_id = redemption.id
                              AND flag.state <> 'cleared')
           FOR SHARE OF redemption
    ), back AS (
        SELECT redemption.id, line.amount_fen AS fen
          FROM vouchers_settlement AS settlement
          JOIN vouchers_settlementline AS line ON line.settlement_id = settlement.id
          JOIN vouchers_redemption AS redemption ON redemption.id = line.redemption_id
         WHERE settlement.merchant_id = %(merchant)s
           AND settlement.campaign_id = %(campaign)s
           AND settlement.state = 'paid'
           AND line.kind = 'redeemed' AND line.counts
           AND redemption.state <> 'done'
           AND NOT EXISTS (SELECT FROM vouchers_settlementline AS taken
                            WHERE taken.redemption_id = redemption.id
                              AND taken.kind = 'claw_back' AND taken.counts)
           AND NOT EXISTS (SELECT FROM vouchers_transfer AS repaid
                            WHERE repaid.redemption_id = redemption.id
                              AND repaid.kind = 'repay')
    ), written AS (
        INSERT INTO vouchers_settlementline
               (settlement_id, redemption_id, kind, amount_fen, counts)
        SELECT %(settlement)s, id, 'redeemed', fen, true FROM due
     UNION ALL
        SELECT %(settlement)s, id, 'claw_back', -fen, true FROM back
     RETURNING amount_fen
    )
    SELECT count(*), coalesce(sum(amount_fen), 0)::bigint FROM written
"""


def _write_lines(settlement: Settlement) -> tuple[int, int]:
    """(how many lines, their sum in fen)."""
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE_LINES,
            {
                "settlement": settlement.pk,
                "merchant": settlement.merchant_id,
                "campaign": settlement.campaign_id,
                "end": _end_of(settlement.until_on),
            },
        )
        count, fen = cursor.fetchone()
    return int(count), int(fen)


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


# --- Deciding -------------------------------------------------------------------------


@transaction.atomic
def approve_settlement(*, settlement: Settlement, by: User) -> Settlement:
    """Let it be paid. By another person than the one who prepared it.

    Raises `SettlementOutdated` when some of it was refunded or flagged meanwhile,
    `SamePerson`, `SettlementMovedOn` and `CampaignOver`.
    """
    now = clock.now()
    row = _locked(settlement)
    if row.state != State.PREPARED:
        raise SettlementMovedOn
    if outdated := _outdated(row):
        raise SettlementOutdated(count=outdated)
    with constraint_errors(vouchers_settlement_two_people=SamePerson):
        _move(row, State.APPROVED, decided_at=now, decided_by=by)
    record(
        "vouchers.settlement.approved",
        subject=row,
        by=by,
        at=now,
        detail={"amount_fen": row.amount_fen, "hash": row.statement_hash},
    )
    return row


@transaction.atomic
def reject_settlement(*, settlement: Settlement, reason: str, by: User) -> Settlement:
    """Take it back, also when the bank could not pay it: its lines are settled anew.

    Raises `RejectionNeedsReason`, `SamePerson`, `SettlementMovedOn`, `CampaignOver`.
    """
    now = clock.now()
    reason = reason.strip()[:200]
    if not reason:
        raise RejectionNeedsReason
    row = _locked(settlement)
    if row.state not in (State.PREPARED, State.APPROVED):
        raise SettlementMovedOn
    with constraint_errors(vouchers_settlement_two_people=SamePerson):
        _move(row, State.REJECTED, decided_at=now, decided_by=by, reason=reason)
    row.lines.update(counts=False)
    record(
        "vouchers.settlement.rejected",
        subject=row,
        by=by,
        at=now,
        detail={"amount_fen": row.amount_fen, "reason": reason},
    )
    return row


def _locked(settlement: Settlement) -> Settlement:
    row = (
        Settlement.objects.select_for_update(of=("self",))
        .select_related("campaign", "merchant")
        .get(pk=settlement.pk)
    )
    _refuse_campaign(row.campaign)
    return row


def _move(row: Settlement, state: Settlement.State, **values: object) -> None:
    """Compare and set; the row is locked, so this is the second belt."""
    moved = Settlement.objects.filter(pk=row.pk, state=row.state).update(
        state=state, **values
    )
    if not moved:
        raise SettlementMovedOn
    row.refresh_from_db()


# Behind the lock of the redemptions: a refund that is under way counts.
_LOCK_LINES = """
    SELECT redemption.id FROM vouchers_settlementline AS line
      JOIN vouchers_redemption AS redemption ON redemption.id = line.redemption_id
     WHERE line.settlement_id = %s AND line.kind = 'redeemed'
  ORDER BY redemption.id FOR SHARE OF redemption
"""
_OUTDATED = """
    SELECT count(*) FROM vouchers_settlementline AS line
      JOIN vouchers_redemption AS redemption ON redemption.id = line.redemption_id
     WHERE line.settlement_id = %s AND line.kind = 'redeemed'
       AND (redemption.state <> 'done'
            OR EXISTS (SELECT FROM vouchers_flag_redemptions AS held
                         JOIN vouchers_flag AS flag ON flag.id = held.flag_id
                        WHERE held.redemption_id = redemption.id
                          AND flag.state <> 'cleared'))
"""


def _outdated(settlement: Settlement) -> int:
    """How many of its redemptions should not be paid any more."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_LINES, [settlement.pk])
        cursor.execute(_OUTDATED, [settlement.pk])
        return int(cursor.fetchone()[0])


def _refuse_campaign(campaign: Campaign) -> None:
    if campaign.state == Campaign.State.DRAFT:
        raise NothingPublished
    if campaign.state == Campaign.State.CLOSED:
        raise CampaignOver


# --- Paying ---------------------------------------------------------------------------


@transaction.atomic
def make_payment_file(*, by: User, campaign: Campaign | None = None) -> PaymentFile:
    """Put all approved settlements into a file for the bank; of one campaign or all.

    What was flagged since its approval waits for the next file. The file itself is
    never stored: `open_payment_file` makes it anew, the same byte for byte, and notes
    who had it. Raises `NothingToPay`.
    """
    now = clock.now()
    waiting = Settlement.objects.to_pay().filter(campaign__state="published")
    if campaign is not None:
        waiting = waiting.filter(campaign=campaign)
    rows = [
        row
        for row in waiting.select_for_update(of=("self",)).order_by("pk")
        if not _is_held(row)
    ]
    if not rows:
        raise NothingToPay
    made = PaymentFile.objects.create(
        number=codes.new_code(),
        made_at=now,
        made_by=by,
        count=len(rows),
        amount_fen=sum(row.amount_fen for row in rows),
        sha256="",
    )
    Settlement.objects.filter(pk__in=[row.pk for row in rows]).update(payment_file=made)
    made.sha256 = sha256(_as_csv(_unsealed(made))).hexdigest()
    made.save(update_fields=["sha256"])
    record(
        "vouchers.payment_file.made",
        subject=made,
        by=by,
        at=now,
        detail={
            "amount_fen": made.amount_fen,
            "settlements": [row.number for row in rows],
        },
    )
    return made


_IS_HELD = """
    SELECT EXISTS (SELECT FROM vouchers_settlementline AS line
                     JOIN vouchers_flag_redemptions AS held
                       ON held.redemption_id = line.redemption_id
                     JOIN vouchers_flag AS flag ON flag.id = held.flag_id
                    WHERE line.settlement_id = %s AND line.kind = 'redeemed'
                      AND flag.state <> 'cleared')
"""


def _is_held(settlement: Settlement) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_IS_HELD, [settlement.pk])
        return bool(cursor.fetchone()[0])


@transaction.atomic
def open_payment_file(
    *, payment_file: PaymentFile, by: User, as_workbook: bool = False
) -> bytes:
    """The file, with whole account numbers. Every opening is recorded."""
    record(
        "vouchers.payment_file.opened",
        subject=payment_file,
        by=by,
        at=clock.now(),
        detail={"format": "xlsx" if as_workbook else "csv"},
    )
    rows = _unsealed(payment_file)
    if as_workbook:
        return workbook([Sheet(payment_file.number, rows)])
    return _as_csv(rows)


def _unsealed(payment_file: PaymentFile) -> list[list[Cell]]:
    return payment_rows(payment_file, open_account=sealed.unseal)


def _as_csv(rows: Sequence[Sequence[Cell]]) -> bytes:
    """UTF-8 with a byte order mark: WPS and Excel take a file without one for GBK.

    Account numbers are digits, names come from merchants: what a spreadsheet would take
    for a formula gets an apostrophe in front.
    """
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(
        [_harmless(cell) for cell in row] for row in rows
    )
    return (BOM + text.getvalue()).encode()


def _harmless(cell: Cell) -> Cell:
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{cell}"
    return cell


@transaction.atomic
def note_paid(*, settlement: Settlement, by: User) -> Settlement:
    """Note that the bank has paid it: the money leaves what we owe the merchant.

    Raises `NotInAFile`, `SettlementMovedOn` and `CampaignOver`.
    """
    now = clock.now()
    row = _locked(settlement)
    if row.state != State.APPROVED:
        raise SettlementMovedOn
    if row.payment_file_id is None:
        raise NotInAFile
    _move(row, State.PAID, paid_at=now)
    ledger.move(
        Move.SETTLE,
        debit=ledger.account(row.campaign, Kind.PAYABLE, merchant=row.merchant),
        credit=ledger.account(row.campaign, Kind.SETTLED, merchant=row.merchant),
        amount_fen=row.amount_fen,
        cause=Cause(settlement=row),
        by=by,
        at=now,
    )
    record(
        "vouchers.settlement.paid",
        subject=row,
        by=by,
        at=now,
        detail={"amount_fen": row.amount_fen},
    )
    _tell_managers(
        row.merchant,
        kind="vouchers.settlement_paid",
        context={
            "campaign": row.campaign.name,
            "from_on": row.from_on,
            "until_on": row.until_on,
            "amount": yuan(row.amount_fen),
            "account": row.masked_account,
            "url": row.get_absolute_url(),
        },
        subject=row,
        at=now,
    )
    return row


@transaction.atomic
def note_file_paid(*, payment_file: PaymentFile, by: User) -> int:
    """`note_paid` for all of a file that still waits; how many there were."""
    waiting = payment_file.settlements.filter(state=State.APPROVED).order_by("pk")
    rows = list(waiting.select_for_update())
    for row in rows:
        note_paid(settlement=row, by=by)
    return len(rows)


@transaction.atomic
def note_repayment(
    *,
    campaign: Campaign,
    merchant: Merchant,
    amount_fen: int,
    document: str,
    by: User,
) -> list[Redemption]:
    """Note that a merchant paid back what was refunded after it had been settled.

    All that it owes at this moment, to the fen: each redemption is paid back once, and
    no later settlement takes it off again. Raises `NothingOwed`, `RepaymentDiffers` and
    `CampaignOver`.
    """
    now = clock.now()
    campaign = Campaign.objects.get(pk=campaign.pk)
    _refuse_campaign(campaign)
    payable = ledger.account(campaign, Kind.PAYABLE, merchant=merchant)
    settled = ledger.account(campaign, Kind.SETTLED, merchant=merchant)
    _hold_merchant(payable)
    lines = list(taken_back_of(campaign, merchant))
    owed = sum(line.amount_fen for line in lines)
    if not lines:
        raise NothingOwed
    if owed != amount_fen:
        raise RepaymentDiffers(owed=yuan(owed))
    for line in lines:
        ledger.move(
            Move.REPAY,
            debit=settled,
            credit=payable,
            amount_fen=line.amount_fen,
            cause=Cause(redemption=line.redemption, settlement=line.settlement),
            by=by,
            at=now,
        )
    record(
        "vouchers.merchant.repaid",
        subject=merchant,
        by=by,
        at=now,
        detail={
            "campaign": campaign.pk,
            "amount_fen": owed,
            "document": document.strip()[:80],
            "redemptions": [line.redemption.number for line in lines],
        },
    )
    return [line.redemption for line in lines]


def _tell_managers(
    merchant: Merchant,
    *,
    kind: str,
    context: dict[str, object],
    subject: Settlement,
    at: datetime,
) -> None:
    people = {
        member.person_id: member.person
        for member in Member.objects.managers()
        .at_work()
        .filter(merchant=merchant)
        .select_related("person")
    } or {merchant.contact_id: merchant.contact}
    notify_each(
        kind=kind,
        messages=[Message(one, context, subject) for one in people.values() if one],
        at=at,
    )
