from __future__ import annotations

from datetime import timedelta
from smtplib import SMTPException
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import Entry
from bureau.common import clock, sms
from bureau.notices import actions, checks, models
from bureau.notices.errors import NecessaryNotice
from bureau.notices.models import Channel, Delivery, Kind, Notice
from tests import make

pytestmark = pytest.mark.django_db
CONTEXT = {
    "name": "Li & <Wang>",
    "starts_at": "2026-11-22T10:00:00+00:00",
    "day_on": "2026-11-23",
}


def tell(recipient: User, kind: str = "tests.plain", **more: Any) -> Notice:
    return actions.notify(
        recipient=recipient,
        kind=kind,
        context={**CONTEXT, **more},
        subject=recipient,
        at=clock.now(),
    )


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Any:
    """Run what would run after the commit: the (eager) tasks."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def states(notice: Notice) -> dict[str, str]:
    return dict(notice.deliveries.values_list("channel", "state"))


def test_a_notice_goes_out_after_the_commit(
    reader: User, committed: Any, outbox: list[sms.Sms]
) -> None:
    with committed():
        notice = tell(reader)
        assert states(notice) == {"sms": "waiting", "email": "waiting"}
        assert not outbox
    assert states(notice) == {"sms": "sent", "email": "sent"}
    assert [(m.phone, m.text) for m in outbox] == [(reader.phone, "Hi Li & <Wang>")]
    [message] = mail.outbox
    assert message.to == ["reader@example.org"]
    assert message.subject == "Hello Li & <Wang>"
    assert message.body == "2026-11-22 18:00 & 23.11. Li & <Wang>"


def test_a_rolled_back_reason_leaves_no_notice(
    reader: User, committed: Any, outbox: list[sms.Sms]
) -> None:
    with committed(), pytest.raises(ZeroDivisionError), transaction.atomic():
        assert tell(reader).pk / 0
    assert not Notice.objects.exists()
    assert not outbox


def test_a_subject_can_not_smuggle_a_header(reader: User, committed: Any) -> None:
    with committed():
        tell(reader, name="x\nBcc: all@example.org")
    assert mail.outbox[0].subject == "Hello x Bcc: all@example.org"


def test_channels_without_an_address_are_left_out(committed: Any) -> None:
    assert states(tell(make.user())) == {}
    assert states(tell(make.citizen())) == {"sms": "waiting"}


def test_a_muted_kind_stays_in_the_inbox_only(reader: User) -> None:
    actions.set_mutes(user=reader, muted={("tests.plain", "sms")})
    assert states(tell(reader)) == {"email": "waiting"}
    actions.set_mutes(user=reader, muted=set())
    assert states(tell(reader)) == {"sms": "waiting", "email": "waiting"}
    assert Entry.objects.of_event("notices.mute.changed").count() == 2


def test_a_necessary_kind_can_not_be_muted(reader: User) -> None:
    with pytest.raises(NecessaryNotice):
        actions.set_mutes(user=reader, muted={("tests.vital", "sms")})
    models.Mute.objects.create(user=reader, kind="tests.vital", channel="sms")
    assert states(tell(reader, "tests.vital")) == {"sms": "waiting"}


def test_an_unknown_kind_is_a_mistake(reader: User) -> None:
    with pytest.raises(ImproperlyConfigured):
        tell(reader, "tests.unknown")


def test_two_kinds_of_one_name_are_a_mistake() -> None:
    models.register(Kind("tests.quiet", "Quiet"))
    with pytest.raises(ImproperlyConfigured):
        models.register(Kind("tests.quiet", "Loud"))


def test_a_kind_without_its_texts_is_found_by_the_checks() -> None:
    assert checks.every_kind_has_its_texts() == []
    models.register(Kind("tests.silent", "Silent", channels=(Channel.SMS,)))
    assert len(checks.every_kind_has_its_texts()) == 3


def test_a_provider_that_fails_is_tried_again_later(
    reader: User, monkeypatch: pytest.MonkeyPatch, outbox: list[sms.Sms]
) -> None:
    [delivery] = tell(reader, "tests.vital").deliveries.all()
    now = clock.now()

    def fail(_sms: sms.Sms) -> None:
        raise sms.SmsNotSent("busy")

    monkeypatch.setitem(sms._SENDERS, "memory", fail)
    waits = []
    with time_machine.travel(now, tick=False) as clock_hands:
        for _try in range(actions.MAX_TRIES):
            assert not actions.send_delivery(delivery_id=delivery.pk)
            delivery.refresh_from_db()
            assert delivery.error == "SmsNotSent: busy"
            assert delivery.next_try_at is not None
            waits.append((delivery.next_try_at - clock.now()).total_seconds() / 60)
            assert not actions.send_delivery(delivery_id=delivery.pk)  # not due yet
            clock_hands.move_to(delivery.next_try_at)
        actions.sweep_deliveries()
    assert waits == [1, 4, 16, 64, 240, 240, 240, 240]
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.FAILED

    monkeypatch.undo()
    chosen = Delivery.objects.filter(pk=delivery.pk)
    assert actions.retry_deliveries(deliveries=chosen, by=reader) == 1
    assert actions.send_delivery(delivery_id=delivery.pk)
    assert len(outbox) == 1


def test_a_refused_message_is_given_up_at_once(
    reader: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    [delivery] = tell(reader, "tests.vital").deliveries.all()

    def refuse(_sms: sms.Sms) -> None:
        raise sms.SmsRefused("isv.MOBILE_NUMBER_ILLEGAL")

    monkeypatch.setitem(sms._SENDERS, "memory", refuse)
    assert not actions.send_delivery(delivery_id=delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.next_try_at) == ("failed", None)


def test_mail_that_fails_does_not_stop_the_sms(
    reader: User, monkeypatch: pytest.MonkeyPatch, committed: Any
) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise SMTPException

    monkeypatch.setattr("django.core.mail.EmailMessage.send", fail)
    with committed():
        notice = tell(reader)
    assert states(notice) == {"sms": "sent", "email": "waiting"}


def test_the_sweep_finds_what_a_crash_left(reader: User, outbox: list[sms.Sms]) -> None:
    notice = tell(reader, "tests.vital")  # committed, and the queue lost the task
    assert actions.sweep_deliveries() == 0  # its own task may still be coming
    with time_machine.travel(clock.now() + timedelta(minutes=1)):
        assert actions.sweep_deliveries() == 1
    assert states(notice) == {"sms": "sent"}
    assert len(outbox) == 1


def test_a_worker_that_died_in_between_is_followed_by_another(
    reader: User, outbox: list[sms.Sms]
) -> None:
    [delivery] = tell(reader, "tests.vital").deliveries.all()
    actions._claim(delivery.pk, clock.now())  # and then it was killed
    assert not actions.send_delivery(delivery_id=delivery.pk)
    with time_machine.travel(clock.now() + timedelta(minutes=3)):
        actions.sweep_deliveries()
    assert len(outbox) == 1


def test_reading_is_ones_own_business(reader: User, stranger: User) -> None:
    tell(reader)
    assert actions.mark_read(notices=Notice.objects.all(), by=stranger) == 0
    assert actions.mark_read(notices=Notice.objects.all(), by=reader) == 1
    assert actions.mark_read(notices=Notice.objects.all(), by=reader) == 0
