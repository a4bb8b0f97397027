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
    """Send the link, unless it is out, taken, taken back or ran out while we waited."""
    waiting = Member.objects.unsent_at(clock.now()).select_related("merchant")
    member = waiting.filter(pk=member_id).first()
    if member is None:
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
    actions.note_invitation_sent(member=member)


@shared_task(name="vouchers.tasks.resend_invitations")
def resend_invitations() -> None:
    """Find invitations whose SMS never went out."""
    actions.resend_invitations(at=clock.now())


@shared_task(name="vouchers.tasks.warn_of_permits")
def warn_of_permits() -> None:
    """Tell merchants whose permit for high-risk sports runs out within 30 days."""
    actions.warn_of_permits(at=clock.now())
