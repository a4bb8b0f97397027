from __future__ import annotations

from celery import shared_task
from django.utils import translation

from bureau.common import clock, sms
from vouchers import actions
from vouchers.models import Member


@shared_task(
    name="vouchers.tasks.send_invitation",
    autoretry_for=(sms.SmsNotSent,),
    retry_backoff=2,
    max_retries=4,
    time_limit=30,
    soft_time_limit=20,
)
def send_invitation(*, member_id: int) -> None:
    """Send the link, unless it was taken, taken back or ran out while we waited."""
    member = Member.objects.select_related("merchant").filter(pk=member_id).first()
    if member is None or not member.is_invited_at(clock.now()):
        return
    with translation.override("zh-hans"):
        text = actions.invitation_text(member)
    sms.send(
        member.invited_phone,
        text,
        template="vouchers.invited",
        values={
            "merchant": member.merchant.name,
            "link": actions.invitation_link(member),
        },
    )


@shared_task(name="vouchers.tasks.warn_of_permits")
def warn_of_permits() -> None:
    """Tell merchants whose permit for high-risk sports runs out within 30 days."""
    actions.warn_of_permits(at=clock.now())
