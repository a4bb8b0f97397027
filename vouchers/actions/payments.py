"""Money to merchants: the file for the bank, what it has paid, what comes back."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from django.db import connection, transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock, codes
from bureau.common.money import yuan
from bureau.common.workbooks import Sheet, workbook
from bureau.notices.actions import Message, notify_each
from vouchers.actions import ledger
from vouchers.actions.ledger import Cause, Kind, Move
from vouchers.actions.settlements import locked, move_on, refuse_campaign
from vouchers.errors.settlements import (
    NothingOwed,
    NothingToPay,
    NotInAFile,
    PaymentFileAltered,
    RepaymentDiffers,
    SettlementMovedOn,
)
from vouchers.models import (
    Campaign,
    Member,
    Merchant,
    PaymentFile,
    Redemption,
    Settlement,
)
from vouchers.queries.payment_files import (
    is_as_made,
    payment_csv,
    payment_rows,
    words_of,
)
from vouchers.queries.settlements import taken_back_of

State = Settlement.State


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
    made.facts = words_of(made)
    made.sha256 = sha256(payment_csv(payment_rows(made))).hexdigest()
    made.save(update_fields=["facts", "sha256"])
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
    """The file, with whole account numbers. Every opening is recorded.

    Raises `PaymentFileAltered` when it would not be what was made, to the byte.
    """
    if not is_as_made(payment_file):
        raise PaymentFileAltered(number=payment_file.number)
    record(
        "vouchers.payment_file.opened",
        subject=payment_file,
        by=by,
        at=clock.now(),
        detail={"format": "xlsx" if as_workbook else "csv"},
    )
    rows = payment_rows(payment_file)
    if as_workbook:
        return workbook([Sheet(payment_file.number, rows)])
    return payment_csv(rows)


@transaction.atomic
def note_paid(*, settlement: Settlement, by: User) -> Settlement:
    """Note that the bank has paid it: the money leaves what we owe the merchant.

    Raises `NotInAFile`, `SettlementMovedOn` and `CampaignOver`.
    """
    now = clock.now()
    row = locked(settlement)
    if row.state != State.APPROVED:
        raise SettlementMovedOn
    if row.payment_file_id is None:
        raise NotInAFile
    move_on(row, State.PAID, paid_at=now)
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
    refuse_campaign(campaign)
    payable = ledger.account(campaign, Kind.PAYABLE, merchant=merchant)
    settled = ledger.account(campaign, Kind.SETTLED, merchant=merchant)
    ledger.hold_payable(campaign.pk, [merchant.pk])
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
