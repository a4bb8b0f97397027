"""Events and trainings for the public, as the subsidy counts them."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from venues.errors.ballots import ProgrammeAhead, ProgrammeBackwards, ProgrammeNobody
from venues.models import Programme, Venue


def check_programme(*, first_on: date, last_on: date, persons: int) -> None:
    """Raise what `record_programme` would raise of these days and person-times."""
    if last_on < first_on:
        raise ProgrammeBackwards
    if last_on > clock.today():
        raise ProgrammeAhead
    if persons < 1:
        raise ProgrammeNobody


@transaction.atomic
def record_programme(
    *,
    venue: Venue,
    kind: str,
    title: str,
    first_on: date,
    last_on: date,
    persons: int,
    by: User,
) -> Programme:
    """Note an event or a training that was held at a venue, and its person-times.

    Somebody who came on three days counts three times. Raises `ProgrammeBackwards`,
    `ProgrammeAhead` while its last day has not come, and `ProgrammeNobody`.
    """
    now = clock.now()
    check_programme(first_on=first_on, last_on=last_on, persons=persons)
    programme = Programme.objects.create(
        venue=venue,
        kind=kind,
        title=title.strip(),
        first_on=first_on,
        last_on=last_on,
        persons=persons,
        recorded_by=by,
    )
    record(
        "venues.programme.recorded",
        subject=programme,
        by=by,
        at=now,
        detail=_told(programme),
    )
    return programme


@transaction.atomic
def correct_programme(
    *,
    programme: Programme,
    kind: str,
    title: str,
    first_on: date,
    last_on: date,
    persons: int,
    by: User,
) -> Programme:
    """Put right what was noted; what stood there before stays in the audit trail.

    Raises what `record_programme` raises.
    """
    now = clock.now()
    check_programme(first_on=first_on, last_on=last_on, persons=persons)
    programme = Programme.objects.select_for_update().get(pk=programme.pk)
    before = _told(programme)
    programme.kind, programme.title = kind, title.strip()
    programme.first_on, programme.last_on = first_on, last_on
    programme.persons = persons
    programme.save(update_fields=["kind", "title", "first_on", "last_on", "persons"])
    record(
        "venues.programme.corrected",
        subject=programme,
        by=by,
        at=now,
        detail={"before": before, "after": _told(programme)},
    )
    return programme


@transaction.atomic
def drop_programme(*, programme: Programme, by: User) -> None:
    """Take back what was noted by mistake."""
    record(
        "venues.programme.dropped",
        subject=programme,
        by=by,
        at=clock.now(),
        detail=_told(programme),
    )
    programme.delete()


def _told(programme: Programme) -> dict[str, Any]:
    return {
        "venue": programme.venue_id,
        "kind": programme.kind,
        "title": programme.title,
        "days": [programme.first_on.isoformat(), programme.last_on.isoformat()],
        "persons": programme.persons,
    }
