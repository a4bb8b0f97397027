"""Why a person may not claim, asked before the opening and again inside of the claim.

Both ask the same SQL (`VERDICT`), so that what the page says beforehand is what counts
later. docs/vouchers/claiming.md has the rules in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.db import prepared
from bureau.common.money import yuan
from bureau.regions.models import District
from vouchers.models import Lot, Round, Terms
from vouchers.queries.lots import LotFacts, forget_lots, remembered_lots
from vouchers.queries.validity import week_of

# What `VERDICT` is asked with, $1 to $15.
MARKS = 15

# How the audit trail calls somebody: `str(person)`, in SQL.
NAME_OF = """
CASE WHEN someone.is_staff AND someone.first_name || someone.last_name <> ''
     THEN someone.last_name || someone.first_name
     ELSE coalesce(nullif(someone.masked_name, ''),
                   left(someone.phone, 3) || '****' || right(someone.phone, 4),
                   someone.username) END
"""

# Rows `person`, `terms`, `held`, `chosen` (the numbers of the next voucher) and
# `verdict` (codes of all that speaks against it) for a claim from one lot.
VERDICT = f"""
person AS (
    SELECT someone.id, identity.user_id AS verified, identity.birth_on,
           identity.masked_id_number, {NAME_OF} AS name
      FROM accounts_user AS someone
 LEFT JOIN accounts_verifiedidentity AS identity ON identity.user_id = someone.id
     WHERE someone.id = $1::bigint AND someone.is_active
       AND ($2::text = '' OR EXISTS (
            SELECT FROM django_session AS session
             WHERE session.session_key = $2::text AND session.expire_date > $3))
), terms AS (
    SELECT rules.*, campaign.state = 'published' AND NOT EXISTS (
               SELECT FROM vouchers_terms AS newer
                WHERE newer.campaign_id = rules.campaign_id
                  AND newer.version > rules.version
                  AND newer.published_at IS NOT NULL) AS stands
      FROM vouchers_terms AS rules
      JOIN vouchers_campaign AS campaign ON campaign.id = rules.campaign_id
     WHERE rules.id = $5::bigint
), held AS (
    SELECT coalesce(max(number_of_person), 0) AS last_number,
           count(*) FILTER (WHERE counts) AS in_all,
           count(*) FILTER (WHERE counts AND claimed_at >= $11::timestamptz) AS today,
           count(*) FILTER (WHERE counts AND claimed_at >= $12::timestamptz)
               AS this_week,
           count(*) FILTER (WHERE counts AND lot_id = ANY ($9::bigint[])) AS in_round,
           coalesce(sum(face_fen) FILTER (WHERE counts), 0) AS fen,
           count(*) FILTER (WHERE counts AND tier_id <> $6::bigint) AS of_other_tiers,
           count(*) FILTER (WHERE counts AND tier_id = $6::bigint) AS of_tier,
           coalesce(max(number_in_tier) FILTER (WHERE tier_id = $6::bigint), 0)
               AS last_in_tier,
           array_agg(number_in_tier) FILTER (
               WHERE tier_id = $6::bigint AND state <> 'expired') AS taken
      FROM (SELECT voucher.*, terms.expired_counts OR voucher.state <> 'expired'
                   AS counts
              FROM vouchers_voucher AS voucher, terms
             WHERE voucher.campaign_id = $4::bigint
               AND voucher.person_id = $1::bigint) AS voucher
), chosen AS (
    SELECT held.last_number + 1 AS number_of_person,
           CASE WHEN terms.expired_counts
                THEN greatest(held.last_in_tier, held.of_tier) + 1
                ELSE (SELECT min(n) FROM generate_series(1, $8::int + 1) AS n
                       WHERE n <> ALL (coalesce(held.taken, '{{}}')))
           END AS number_in_tier
      FROM held, terms
), verdict AS (
    SELECT array_remove(ARRAY[
        CASE WHEN person.id IS NULL THEN 'signed_out' END,
        CASE WHEN NOT terms.stands THEN 'changed' END,
        CASE WHEN person.verified IS NULL THEN 'real_name' END,
        CASE WHEN person.birth_on
                  > $13::date - make_interval(years => terms.least_age)
             THEN 'too_young' END,
        CASE WHEN person.birth_on
                  <= $13::date - make_interval(years => terms.most_age + 1)
             THEN 'too_old' END,
        CASE WHEN cardinality(terms.id_prefixes) > 0
              AND left(person.masked_id_number, 4) <> ALL (terms.id_prefixes)
             THEN 'id_prefix' END,
        CASE WHEN $15::boolean AND place.asked AND place.district_id IS NULL
             THEN 'place_unknown' END,
        CASE WHEN $15::boolean AND place.bounded AND place.district_id IS NOT NULL
              AND NOT EXISTS (SELECT FROM vouchers_terms_districts AS one
                               WHERE one.terms_id = terms.id
                                 AND one.district_id = place.district_id)
             THEN 'place_elsewhere' END,
        CASE WHEN held.today >= terms.most_a_day THEN 'day' END,
        CASE WHEN held.this_week >= terms.most_a_week THEN 'week' END,
        CASE WHEN held.in_round >= terms.most_a_round THEN 'round' END,
        CASE WHEN held.in_all >= terms.most_in_all THEN 'campaign' END,
        CASE WHEN held.fen + $7::int > terms.most_fen THEN 'fen' END,
        CASE WHEN chosen.number_in_tier > $8::int OR held.of_tier >= $8::int
             THEN 'tier' END,
        CASE WHEN terms.one_tier_each AND held.of_other_tiers > 0
             THEN 'other_tier' END
        ], NULL) AS codes
      FROM terms
CROSS JOIN held
CROSS JOIN chosen
CROSS JOIN LATERAL (
    SELECT terms.needs_place OR bounds.n > 0 AS asked, bounds.n > 0 AS bounded,
           CASE WHEN $15::boolean THEN coalesce($14::bigint, (
                SELECT ticket.district_id FROM vouchers_queueticket AS ticket
                 WHERE ticket.round_id = $10::bigint
                   AND ticket.person_id = $1::bigint)) END AS district_id
      FROM (SELECT count(*) AS n FROM vouchers_terms_districts AS one
             WHERE one.terms_id = terms.id AND $15::boolean) AS bounds) AS place
 LEFT JOIN person ON true
)
"""  # noqa: S608 - our own text


def _of_each(verdict: str) -> str:
    """Asked for several lots of one round: what the marks of a lot say is a list."""
    marks = {"$6::bigint": "one.tier", "$7::int": "one.face", "$8::int": "one.most"}
    for mark, column in marks.items():
        verdict = verdict.replace(mark, column)
    return f"""
        SELECT one.lot, asked.codes
          FROM unnest($16::bigint[], $6::bigint[], $7::int[], $8::int[])
               AS one (lot, tier, face, most)
    CROSS JOIN LATERAL (WITH {verdict} SELECT codes FROM verdict) AS asked
    """  # noqa: S608 - our own text


_WHY_NOT = _of_each(VERDICT)

LIMITS = frozenset({"day", "week", "round", "campaign", "fen", "tier", "other_tier"})
"""What speaks against one more voucher; the others are about who the person is."""


@dataclass(frozen=True)
class Reason:
    """Why not, as a code and in the words of the page."""

    code: str
    words: str | Promise

    @property
    def is_limit(self) -> bool:
        """The person has enough already; may be otherwise tomorrow."""
        return self.code in LIMITS

    @property
    def is_open(self) -> bool:
        """Nothing bad: the place is asked for when the person joins."""
        return self.code == "place_unknown"


def why_not(
    person: User,
    round: Round,  # noqa: A002 - what it is
    at: datetime,
    district: District | None = None,
    *,
    lot: Lot | None = None,
    checks_place: bool = True,
) -> list[Reason]:
    """All that speaks against a claim of the person in a round; nothing: they may.

    Without a `lot`, what speaks against each of the round's. `district` is where the
    phone is, where that is known (a ticket's own counts otherwise). Stock and times are
    not looked at. Reasons stand in the order in which a person would mend them.
    """
    wanted = [lot.pk] if lot else _lots_of(round)
    asked = reasons_by_lot(
        person, wanted, at, district=district, checks_place=checks_place
    )
    found = list(asked.values())
    if not found:
        return []
    others = [{reason.code for reason in reasons} for reasons in found[1:]]
    return [one for one in found[0] if all(one.code in codes for codes in others)]


def somewhere_else(reasons: Sequence[Reason]) -> list[Reason]:
    """The same for who has said where they are, where that is in no district."""
    elsewhere = Reason("place_elsewhere", _PLAIN["place_elsewhere"])
    return [elsewhere if reason.is_open else reason for reason in reasons]


def _lots_of(round: Round) -> list[int]:  # noqa: A002 - what it is
    return list(round.lots.order_by("pk").values_list("pk", flat=True))


def reasons_by_lot(
    person: User,
    lots: Sequence[int],
    at: datetime,
    *,
    district: District | None = None,
    checks_place: bool = True,
) -> dict[int, list[Reason]]:
    """The same for each of a round's lots, by their ids: one question for all of them.

    Where rules are a draft nothing is said.
    """
    known = remembered_lots(lots)
    codes = _codes(known, person, at, district, checks_place=checks_place)
    if any("changed" in said for said in codes.values()):
        # Rules were published in this second.
        forget_lots()
        known = remembered_lots(lots)
        codes = _codes(known, person, at, district, checks_place=checks_place)
    return {
        pk: reasons_of(codes[pk], facts.terms, facts.lot) for pk, facts in known.items()
    }


def _codes(
    known: dict[int, LotFacts],
    person: User,
    at: datetime,
    district: District | None,
    *,
    checks_place: bool,
) -> dict[int, list[str]]:
    if not known:
        return {}
    facts = list(known.values())
    given = verdict_given(
        facts[0],
        person_id=person.pk,
        session="",
        at=at,
        district_id=district.pk if district else None,
        checks_place=checks_place,
    )
    given[5:8] = (
        [one.lot.tier_id for one in facts],
        [one.lot.tier.face_fen for one in facts],
        [one.lot.tier.per_person for one in facts],
    )
    with connection.cursor() as cursor:
        call = prepared("vouchers_why_not", _WHY_NOT, MARKS + 1)
        cursor.execute(call, [*given, list(known)])
        return dict(cursor.fetchall())


def verdict_given(
    facts: LotFacts,
    *,
    person_id: int,
    session: str,
    at: datetime,
    district_id: int | None = None,
    checks_place: bool = True,
) -> list[Any]:
    """The values for the marks of `VERDICT`, in their order."""
    day = clock.local_day(at)
    return [
        person_id,
        session,
        at,
        facts.round.campaign_id,
        facts.terms.pk,
        facts.lot.tier_id,
        facts.lot.tier.face_fen,
        facts.lot.tier.per_person,
        facts.lots_of_round,
        facts.round.pk,
        clock.at(day, 0),
        clock.at(week_of(day), 0),
        day,
        district_id,
        checks_place,
    ]


def reasons_of(codes: Sequence[str], terms: Terms, lot: Lot) -> list[Reason]:
    """The codes of a verdict in words."""
    return [Reason(code, _words(code, terms, lot)) for code in codes]


def _words(code: str, terms: Terms, lot: Lot) -> str | Promise:
    if code in _MOST:
        most = {
            "day": terms.most_a_day,
            "week": terms.most_a_week,
            "round": terms.most_a_round,
            "campaign": terms.most_in_all,
            "tier": lot.tier.per_person,
        }[code]
        return _MOST[code] % {"n": most or 0}
    values = {
        "too_young": terms.least_age,
        "too_old": terms.most_age,
        "fen": yuan(terms.most_fen or 0),
    }
    return _PLAIN[code] % {"n": values[code]} if code in values else _PLAIN[code]


_PLAIN = {
    "signed_out": _("You are signed out. Please sign in again."),
    "changed": _("The rules have just changed. Please look at the page again."),
    "real_name": _("Please confirm your real name first: one person, one account."),
    "too_young": _("These vouchers are for people of %(n)s years and older."),
    "too_old": _("These vouchers are for people of up to %(n)s years."),
    "id_prefix": _("These vouchers are for people whose ID is from this city."),
    "place_unknown": _(
        "Your phone has to be in the city. You are asked for its place."
    ),
    "place_elsewhere": _("Your phone is not where these vouchers are given away."),
    "fen": _("One person gets vouchers of %(n)s yuan at most in this campaign."),
    "other_tier": _("One person gets vouchers of one kind only."),
}
_MOST = {
    "day": ngettext_lazy(
        "One person gets %(n)s voucher a day, and you have it.",
        "One person gets %(n)s vouchers a day, and you have them.",
        "n",
    ),
    "week": ngettext_lazy(
        "One person gets %(n)s voucher a week, and you have it.",
        "One person gets %(n)s vouchers a week, and you have them.",
        "n",
    ),
    "round": ngettext_lazy(
        "One person gets %(n)s voucher in a round, and you have it.",
        "One person gets %(n)s vouchers in a round, and you have them.",
        "n",
    ),
    "campaign": ngettext_lazy(
        "One person gets %(n)s voucher in this campaign, and you have it.",
        "One person gets %(n)s vouchers in this campaign, and you have them.",
        "n",
    ),
    "tier": ngettext_lazy(
        "One person gets %(n)s voucher of this kind, and you have it.",
        "One person gets %(n)s vouchers of this kind, and you have them.",
        "n",
    ),
}
