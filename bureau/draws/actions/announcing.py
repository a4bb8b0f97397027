from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock, codes
from bureau.common.db import constraint_errors
from bureau.draws import sportdraw
from bureau.draws.actions.log import locked, write_line
from bureau.draws.errors import (
    BadBeacons,
    BadDrawId,
    BadPools,
    BadTimes,
    CannotReplace,
    DrawIdTaken,
    SecondPersonNeeded,
    TooLittleChance,
)
from bureau.draws.models import (
    NOTICE,
    SLACK,
    Beacon,
    Draw,
    DrawEntry,
    Pool,
    moment_text,
)
from bureau.draws.signals import draw_redone

_DRAW_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{2,39}", re.ASCII)
_PREFIX = re.compile(r"[A-Z0-9]{1,8}", re.ASCII)
_PREFIX_OF_GROUPS = re.compile(r"[A-Z0-9]{1,5}", re.ASCII)
_NO_DRAWS = {"check", "entries", "proofs"}  # other pages have these addresses
BATCH = 2000


@dataclass(frozen=True)
class PoolPlan:
    """A heap of equal places: the prefix of its entries, its name, how many places."""

    prefix: str
    name: str
    quota: int


@dataclass(frozen=True)
class BeaconName:
    """A source (`Beacon.Source`) and its issue; drand's round follows from the time."""

    source: str
    issue: str = ""


@transaction.atomic
def announce_draw(
    *,
    draw_id: str,
    title: str,
    pools: Sequence[PoolPlan],
    entries_close_at: datetime,
    freezes_at: datetime,
    draws_at: datetime,
    beacons: Sequence[BeaconName],
    weight_rule: str = "",
    fallback_rule: str = "",
    groups: bool = False,
    group_rule: str = "",
    replaces: Draw | None = None,
    by: User | None,
    at: datetime | None = None,
) -> Draw:
    """Publish the rules of a draw. They are never changed; a mistake means a new draw.

    The texts are for the public, in its language; empty ones get the usual sentence.
    With `groups` an entry may ask for several places at once. `at` is for callers that
    have read the clock (and for the demonstration's past).

    Raises `BadDrawId`, `DrawIdTaken`, `BadPools`, `BadTimes`, `BadBeacons`,
    `TooLittleChance`, `CannotReplace`.
    """
    at = at or clock.now()
    if not _DRAW_ID.fullmatch(draw_id) or draw_id in _NO_DRAWS:
        raise BadDrawId
    _check_pools(pools, groups=groups)
    if not at <= entries_close_at <= freezes_at <= draws_at - NOTICE - SLACK:
        raise BadTimes
    named = _named_beacons(beacons, draws_at=draws_at)
    if replaces is not None and locked(replaces).state != Draw.State.VOID:
        raise CannotReplace
    with translation.override(settings.LANGUAGE_CODE):
        rules = sportdraw.canonical(
            {
                "version": sportdraw.VERSION,
                "draw_id": draw_id,
                "title": title,
                "pools": [
                    {"prefix": pool.prefix, "name": pool.name, "quota": pool.quota}
                    for pool in pools
                ],
                "weight_rule": weight_rule or _("Every entry has the same chance."),
                "groups": groups,
                "group_rule": group_rule or (_group_rule() if groups else ""),
                "announced_at": moment_text(at),
                "entries_close_at": moment_text(entries_close_at),
                "freezes_at": moment_text(freezes_at),
                "draws_at": moment_text(draws_at),
                "beacons": [f"{one.source}:{one.issue}" for one in named],
                "fallback_rule": fallback_rule or _fallback_rule(),
                "replaces": replaces.draw_id if replaces else "",
            }
        )
    draw = Draw(
        draw_id=draw_id,
        title=title,
        rules=rules,
        rules_hash=sportdraw.sha256_hex(rules),
        announced_at=at,
        entries_close_at=entries_close_at,
        freezes_at=freezes_at,
        draws_at=draws_at,
        replaces=replaces,
    )
    with constraint_errors(
        draws_draw_draw_id_key=DrawIdTaken, draws_draw_replaces_id_key=CannotReplace
    ):
        draw.save(force_insert=True)
    Pool.objects.bulk_create(
        Pool(draw=draw, prefix=pool.prefix, name=pool.name, quota=pool.quota)
        for pool in pools
    )
    Beacon.objects.bulk_create(
        Beacon(draw=draw, position=place, source=one.source, issue=one.issue)
        for place, one in enumerate(named, start=1)
    )
    write_line(
        draw=draw, step="announced", at=at, detail={"rules_hash": draw.rules_hash}
    )
    record("draws.draw.announced", subject=draw, by=by, at=at)
    return draw


@transaction.atomic
def redo_draw(
    *,
    draw: Draw,
    draw_id: str,
    entries_close_at: datetime,
    freezes_at: datetime,
    draws_at: datetime,
    beacons: Sequence[BeaconName],
    by: User | None,
    at: datetime | None = None,
) -> Draw:
    """Draw a void draw again under a new number, with the same rules and people.

    Everybody who was in is in again, with a new entry id and the same commitment;
    nobody has to do anything. Two people: who declared it void does not announce it
    again. Raises `SecondPersonNeeded`, what `announce_draw` raises, and the refusals
    of the apps above.
    """
    if by is not None and locked(draw).voided_by_id == by.pk:
        raise SecondPersonNeeded
    says = draw.says
    again = announce_draw(
        draw_id=draw_id,
        title=says["title"],
        pools=[PoolPlan(**pool) for pool in says["pools"]],
        entries_close_at=entries_close_at,
        freezes_at=freezes_at,
        draws_at=draws_at,
        beacons=beacons,
        weight_rule=says["weight_rule"],
        fallback_rule=says["fallback_rule"],
        groups=says["groups"],
        group_rule=says["group_rule"],
        replaces=draw,
        by=by,
        at=at,
    )
    pools = {pool.prefix: pool for pool in again.pools.all()}
    copies: list[DrawEntry] = []
    for old in draw.entries.select_related("pool").order_by("pk").iterator(BATCH):
        copies.append(
            DrawEntry(
                draw=again,
                pool=pools[old.pool.prefix],
                person_id=old.person_id,
                subject=old.subject,
                entry_id=sportdraw.id_of(
                    prefix=old.pool.prefix,
                    random_part=codes.new_code(sportdraw.RANDOM_PART),
                    group_size=old.group_size if says["groups"] else None,
                ),
                salt_sealed=old.salt_sealed,
                commit=old.commit,
                weight=old.weight,
                group_size=old.group_size,
                entered_at=again.announced_at,
            )
        )
        if len(copies) == BATCH:
            DrawEntry.objects.bulk_create(copies)
            copies = []
    DrawEntry.objects.bulk_create(copies)
    draw_redone.send(sender=Draw, draw=again, replaces=draw)
    return again


def _check_pools(pools: Sequence[PoolPlan], *, groups: bool) -> None:
    shape = _PREFIX_OF_GROUPS if groups else _PREFIX
    prefixes = [pool.prefix for pool in pools]
    if not prefixes or len(prefixes) != len(set(prefixes)):
        raise BadPools
    if not all(shape.fullmatch(prefix) for prefix in prefixes):
        raise BadPools
    if not all(0 <= pool.quota <= 10_000_000 for pool in pools):
        raise BadPools


def _named_beacons(
    beacons: Sequence[BeaconName], *, draws_at: datetime
) -> list[BeaconName]:
    """The sources with their issues, checked as far as a clock can."""
    named = []
    for one in beacons:
        issue = one.issue
        if one.source == Beacon.Source.DRAND:
            due = str(sportdraw.drand_round(draws_at))
            if issue not in ("", due):
                raise BadBeacons
            issue = due
        if one.source not in Beacon.Source.values or not sportdraw.is_issue(
            one.source, issue
        ):
            raise BadBeacons
        named.append(BeaconName(one.source, issue))
    if not named or len(set(named)) != len(named):
        raise BadBeacons
    if sum(sportdraw.BITS[one.source] for one in named) < sportdraw.ENOUGH_BITS:
        raise TooLittleChance
    return named


def _fallback_rule() -> str:
    return _(
        "A source that is late is waited for; none is replaced by another. When an "
        "issue is cancelled for good, the draw is void and is announced again."
    )


def _group_rule() -> str:
    return _(
        "A group enters once. Where its turn comes and fewer places are left than it "
        "needs, it is skipped, and the next one is looked at."
    )
