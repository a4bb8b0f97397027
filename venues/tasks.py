from __future__ import annotations

from celery import shared_task
from django.conf import settings

from bureau.common import clock
from venues import actions
from venues.models import Ballot, Block, SeasonRequest


@shared_task
def expire_holds() -> None:
    """Give back the floor of holds that nobody paid for."""
    actions.expire_holds(at=clock.now())


@shared_task
def expire_changes() -> None:
    """Give back the floor of changes that nobody paid for."""
    actions.expire_changes(at=clock.now())


@shared_task
def offer_to_lines() -> None:
    """Offer what became free to those who wait for it."""
    now = clock.now()
    actions.offer_to_lines(at=now)
    actions.offer_places_to_lines(at=now)


@shared_task
def close_lines() -> None:
    """End the waiting for times that have come."""
    actions.close_lines(at=clock.now())


@shared_task
def send_reminders() -> None:
    """Remind people of what they play tomorrow and soon."""
    actions.send_reminders(at=clock.now())


@shared_task
def release_no_shows() -> None:
    """Free the floor of bookings to which nobody came; points, bans, late news."""
    now = clock.now()
    actions.excuse_late_news(at=now)
    actions.mark_no_shows(at=now)
    actions.impose_bans(at=now)


@shared_task
def lay_out_sessions() -> None:
    """Lay out the next dates of open sessions, and finish those called off."""
    now = clock.now()
    actions.lay_out_sessions(at=now)
    actions.finish_cancelled_sessions(at=now)


@shared_task
def close_hall(*, block_id: int, share: int, of: int) -> None:
    """Call off what a closure lies on: one share of it."""
    block = Block.objects.get(pk=block_id)
    actions.work_through_closure(block=block, share=share, of=of)


@shared_task
def finish_closures() -> None:
    """Go on with closures that a crash interrupted."""
    actions.finish_closures(at=clock.now())


@shared_task
def book_season(*, request_id: int) -> None:
    """Book the dates of an approved request, and issue its invoice."""
    request = SeasonRequest.objects.get(pk=request_id)
    actions.book_season(request=request, at=clock.now())


@shared_task
def finish_approvals() -> None:
    """Go on with seasons of clubs that a crash interrupted."""
    actions.finish_approvals(at=clock.now())


@shared_task
def remind_of_invoices() -> None:
    """Remind clubs of invoices that are due soon or overdue."""
    actions.remind_of_invoices(at=clock.now())


@shared_task
def advance_ballots() -> None:
    """Open and close ballots, and hand out what a crash left."""
    actions.advance_ballots(at=clock.now())


@shared_task
def hand_out_courts(*, ballot_id: int) -> None:
    """Give the courts of a ballot to those who were drawn."""
    actions.hand_out_ballot(ballot=Ballot.objects.get(pk=ballot_id))


@shared_task
def export_hours() -> None:
    """Count the hours that are full, and hand over what waits; unless that is off."""
    if settings.EXPORT_ADAPTER:
        actions.count_hours(at=clock.now())
        actions.send_exports()


@shared_task
def send_exports() -> None:
    """Hand over what a silent receiver or a crash left behind."""
    actions.send_exports()
