from __future__ import annotations

from celery import shared_task
from django.utils import translation
from django.utils.translation import gettext as _

from bureau.accounts import actions
from bureau.accounts.models import Eligibility, LoginCode, User
from bureau.common import clock, sms


@shared_task(
    autoretry_for=(sms.SmsNotSent,),
    retry_backoff=2,
    max_retries=4,
    time_limit=30,
    soft_time_limit=20,
)
def send_login_code(*, login_code_id: int) -> None:
    """Send the code, unless it was used, replaced or ran out while we waited."""
    row = LoginCode.objects.filter(pk=login_code_id).first()
    if row is None or row.used_at is not None or clock.now() >= row.expires_at:
        return
    person = User.objects.with_phone(row.phone).first()
    with translation.override(person.language if person else "zh-hans"):
        text = _("%(code)s is your code to sign in. It is valid for %(n)d minutes.") % {
            "code": row.code,
            "n": LoginCode.LIFE.seconds // 60,
        }
    sms.send(row.phone, text, template="login_code", values={"code": row.code})


@shared_task
def sweep_login_codes() -> None:
    """Forget numbers that asked for a code and whose lock or code is long over.

    An account is made only when the code comes back, so no unverified account exists.
    """
    LoginCode.objects.stale_at(clock.now()).delete()


@shared_task
def expire_eligibilities() -> None:
    """Mark proofs whose last day has passed. Prices look at the date, not at this."""
    for row in Eligibility.objects.run_out_on(clock.today()).iterator():
        actions.expire_eligibility(eligibility=row)
