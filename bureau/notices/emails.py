"""What leaves the portal, rendered in the recipient's language when it is sent."""

from __future__ import annotations

from smtplib import SMTPException

from django.core.mail import EmailMessage
from django.utils import translation

from bureau.common import sms
from bureau.notices.models import Channel, Delivery

# What may be better in a minute. Everything else is a bug and shows as one.
PASSING = (OSError, SMTPException, sms.SmsNotSent)
REFUSED = sms.SmsRefused  # never worth another try


def send(delivery: Delivery) -> None:
    """Hand one message over. Raises one of `PASSING` when it was not taken."""
    notice = delivery.notice
    recipient = notice.recipient
    with translation.override(recipient.language):
        if delivery.channel == Channel.SMS:
            sms.send(
                recipient.phone or "",
                notice.text("sms"),
                template=notice.kind,
                values={name: str(value) for name, value in notice.context.items()},
            )
        else:
            EmailMessage(
                subject=" ".join(notice.text("subject").split()),
                body=notice.text("body"),
                to=[recipient.email],
                # The same message twice is one message for a mail program.
                headers={"X-Delivery": str(delivery.pk)},
            ).send()
