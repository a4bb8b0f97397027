"""What must always be true of courts and bookings; each answer must be no rows."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bureau.audit.invariants import Invariant

INVARIANTS = [
    Invariant(
        name="venues.occupancy.never_overlaps",
        meaning=_("No unit is taken twice at the same time."),
        sql="""
            SELECT a.id, b.id FROM venues_occupancy a
              JOIN venues_occupancy b
                ON a.unit_id = b.unit_id AND a.id < b.id AND a.during && b.during
        """,
    ),
    Invariant(
        name="venues.booking.confirmed_has_its_floor",
        meaning=_("Every confirmed booking holds every unit of every slot."),
        sql="""
            SELECT line.id, part.unit_id
              FROM venues_booking booking
              JOIN venues_bookingline line ON line.booking_id = booking.id
              JOIN venues_bookableunit part ON part.bookable_id = line.bookable_id
         LEFT JOIN venues_occupancy taken
                ON taken.line_id = line.id AND taken.unit_id = part.unit_id
               AND taken.kind = 'booking'
               AND taken.during @> tstzrange(line.starts_at, line.ends_at, '[)')
             WHERE booking.state = 'confirmed' AND booking.ends_at > now()
               AND line.state = 'standing' AND line.session_id IS NULL
               AND taken.id IS NULL
        """,
    ),
    Invariant(
        name="venues.booking.ended_takes_no_floor",
        meaning=_("Whatever is cancelled, expired or given up takes no floor."),
        sql="""
            SELECT booking.id, taken.id
              FROM venues_booking booking
              JOIN venues_bookingline line ON line.booking_id = booking.id
              JOIN venues_occupancy taken ON taken.line_id = line.id
             WHERE booking.state IN ('cancelled', 'expired', 'no_show')
                OR line.state = 'given_up'
        """,
    ),
    Invariant(
        name="venues.booking.total_is_the_sum_of_its_lines",
        meaning=_("A booking's total is the sum of its slots' prices."),
        sql="""
            SELECT booking.id, booking.total_fen, sum(line.price_fen)
              FROM venues_booking booking
         LEFT JOIN venues_bookingline line
                ON line.booking_id = booking.id AND line.state = 'standing'
             GROUP BY booking.id
            HAVING booking.total_fen <> coalesce(sum(line.price_fen), 0)
                OR count(line.id) = 0
        """,
    ),
    Invariant(
        name="venues.booking.confirmed_is_paid",
        meaning=_(
            "What is kept of a standing booking's money is its price and what was "
            "retained, to the fen."
        ),
        sql="""
            SELECT booking.id, booking.total_fen, booking.retained_fen, kept.fen
              FROM venues_booking booking
              CROSS JOIN LATERAL (
                   SELECT coalesce(sum(amount_fen - refunded_fen), 0) AS fen
                     FROM payments_payment payment
                    WHERE payment.owner_app = 'venues'
                      AND payment.owner_model = 'booking'
                      AND payment.owner_id = booking.id
                      AND payment.state = 'paid') kept
             WHERE booking.state IN ('confirmed', 'no_show')
               AND kept.fen <> booking.retained_fen + CASE
                   WHEN booking.invoice_id IS NULL THEN booking.total_fen ELSE 0 END
        """,
    ),
    Invariant(
        name="venues.booking.money_kept_stands_for_a_booking",
        meaning=_("Of a booking that ended early, only what was retained is kept."),
        sql="""
            SELECT booking.id, booking.retained_fen, kept.fen
              FROM venues_booking booking
              CROSS JOIN LATERAL (
                   SELECT coalesce(sum(amount_fen - refunded_fen), 0) AS fen
                     FROM payments_payment payment
                    WHERE payment.owner_app = 'venues'
                      AND payment.owner_model = 'booking'
                      AND payment.owner_id = booking.id
                      AND payment.state = 'paid') kept
             WHERE booking.state NOT IN ('confirmed', 'no_show')
               AND kept.fen <> booking.retained_fen
        """,
    ),
    Invariant(
        name="venues.change.held_keeps_its_floor",
        meaning=_(
            "A change that waits for its payment has both its old and new slots."
        ),
        sql="""
            SELECT line.id, part.unit_id
              FROM venues_bookingchange change
              JOIN venues_bookingline line
                ON line.arrives_with_id = change.id AND line.state = 'pending'
              JOIN venues_bookableunit part ON part.bookable_id = line.bookable_id
             WHERE change.state = 'held' AND change.hold_until > now()
               AND NOT tstzmultirange(tstzrange(line.starts_at, line.ends_at)) <@ (
                   SELECT coalesce(range_agg(taken.during), '{}'::tstzmultirange)
                     FROM venues_occupancy taken
                     JOIN venues_bookingline own ON own.id = taken.line_id
                    WHERE taken.unit_id = part.unit_id
                      AND own.booking_id = change.booking_id)
        """,
    ),
    Invariant(
        name="venues.session.taken_counts_its_tickets",
        meaning=_("An open session has given out as many places as tickets stand."),
        sql="""
            SELECT session.id, session.taken, coalesce(sum(line.places), 0)
              FROM venues_opensession session
         LEFT JOIN (SELECT line.* FROM venues_bookingline line
                      JOIN venues_booking booking ON booking.id = line.booking_id
                     WHERE line.state = 'standing'
                       AND booking.state IN ('held', 'confirmed')) line
                ON line.session_id = session.id
             GROUP BY session.id
            HAVING session.taken <> coalesce(sum(line.places), 0)
        """,
    ),
    Invariant(
        name="venues.waiting.offer_is_held_or_taken",
        meaning=_("An offered place in line is a held booking, a taken one confirmed."),
        sql="""
            SELECT entry.id FROM venues_waitingentry entry
              JOIN venues_booking booking ON booking.id = entry.booking_id
             WHERE (entry.state = 'offered' AND booking.state <> 'held')
                OR (entry.state = 'taken' AND booking.state = 'held')
        """,
    ),
    Invariant(
        name="venues.waiting.offer_has_its_places",
        meaning=_("An offer of places in a session is of as many as were wanted."),
        sql="""
            SELECT entry.id FROM venues_waitingentry entry
              JOIN venues_booking booking ON booking.id = entry.booking_id
         LEFT JOIN venues_bookingline line
                ON line.booking_id = booking.id AND line.session_id = entry.session_id
               AND line.state = 'standing' AND line.places = entry.places
             WHERE entry.session_id IS NOT NULL
               AND entry.state IN ('offered', 'taken')
               AND booking.state IN ('held', 'confirmed') AND line.id IS NULL
        """,
    ),
    Invariant(
        name="venues.waiting.nobody_waits_for_a_cancelled_session",
        meaning=_("The line of a session that was cancelled has ended."),
        sql="""
            SELECT entry.id FROM venues_waitingentry entry
              JOIN venues_opensession session ON session.id = entry.session_id
             WHERE entry.state = 'waiting' AND session.cancelled_at IS NOT NULL
        """,
    ),
    Invariant(
        name="venues.pass.confirmed_has_one",
        meaning=_("Every confirmed booking has one live pass, no other has any."),
        sql="""
            SELECT booking.id, count(pass.id)
              FROM venues_booking booking
         LEFT JOIN venues_entrypass pass
                ON pass.booking_id = booking.id AND pass.state <> 'revoked'
               AND pass.companion_id IS NULL
             GROUP BY booking.id
            HAVING count(pass.id) <> (booking.state = 'confirmed')::int
        """,
    ),
    Invariant(
        name="venues.companion.has_one_pass",
        meaning=_(
            "Whoever plays along in a confirmed booking has one live pass; nobody else "
            "has one beside the booker."
        ),
        sql="""
            SELECT companion.id, booking.state
              FROM venues_companion companion
              JOIN venues_booking booking ON booking.id = companion.booking_id
         LEFT JOIN venues_entrypass pass
                ON pass.companion_id = companion.id AND pass.state <> 'revoked'
               AND pass.booking_id = companion.booking_id
             WHERE (pass.id IS NOT NULL) <>
                   (companion.left_at IS NULL AND booking.state = 'confirmed')
             UNION ALL
            SELECT pass.id, 'of another booking'
              FROM venues_entrypass pass
              JOIN venues_companion companion ON companion.id = pass.companion_id
             WHERE pass.booking_id <> companion.booking_id
        """,
    ),
    Invariant(
        name="venues.pass.lets_in_as_many_as_tickets",
        meaning=_("The passes of a ticket booking let in as many people as it paid."),
        sql="""
            SELECT booking.id, tickets.number, sum(pass.persons)
              FROM venues_booking booking
              JOIN venues_entrypass pass
                ON pass.booking_id = booking.id AND pass.state <> 'revoked'
              JOIN LATERAL (
                   SELECT max(line.places) AS number
                     FROM venues_bookingline line
                    WHERE line.booking_id = booking.id AND line.state = 'standing'
                      AND line.session_id IS NOT NULL) tickets
                ON tickets.number IS NOT NULL
             WHERE booking.state = 'confirmed'
             GROUP BY booking.id, tickets.number
            HAVING sum(pass.persons) > tickets.number
        """,
    ),
    Invariant(
        name="venues.pass.used_means_admitted",
        meaning=_("A pass is used exactly when somebody was let in with it."),
        sql="""
            SELECT pass.id FROM venues_entrypass pass
         LEFT JOIN venues_admission admission ON admission.entry_pass_id = pass.id
             WHERE (pass.state = 'used') <> (admission.id IS NOT NULL)
        """,
    ),
    Invariant(
        name="venues.session.never_oversold",
        meaning=_("No open session gives out more places than it has."),
        sql="""
            SELECT id, taken, capacity FROM venues_opensession WHERE taken > capacity
        """,
    ),
    Invariant(
        name="venues.session.has_its_floor",
        meaning=_("An open session ahead holds its floor, a cancelled one none."),
        sql="""
            SELECT session.id, part.unit_id
              FROM venues_opensession session
              JOIN venues_bookableunit part ON part.bookable_id = session.bookable_id
         LEFT JOIN venues_occupancy taken
                ON taken.session_id = session.id AND taken.unit_id = part.unit_id
             WHERE session.ends_at > now()
               AND (taken.id IS NULL) <> (session.cancelled_at IS NOT NULL)
        """,
    ),
    Invariant(
        name="venues.session.pass_lets_in_its_places",
        meaning=_("The passes of tickets let in no more people than have tickets."),
        sql="""
            SELECT pass.booking_id, sum(pass.persons), max(ticket.places)
              FROM venues_entrypass pass
              JOIN (SELECT booking_id, sum(places) AS places
                      FROM venues_bookingline
                     WHERE session_id IS NOT NULL AND state = 'standing'
                     GROUP BY booking_id) ticket
                ON ticket.booking_id = pass.booking_id
             WHERE pass.state <> 'revoked'
             GROUP BY pass.booking_id
            HAVING sum(pass.persons) > max(ticket.places)
        """,
    ),
    Invariant(
        name="venues.conduct.no_points_for_who_came",
        meaning=_("Nobody has points that count for a booking that somebody came to."),
        sql="""
            SELECT point.id FROM venues_conductpoint point
              JOIN venues_entrypass pass ON pass.booking_id = point.booking_id
             WHERE point.excused_at IS NULL AND pass.state = 'used'
        """,
    ),
    Invariant(
        name="venues.conduct.points_fit_their_booking",
        meaning=_("Points for nobody's coming belong to a booking that was released."),
        sql="""
            SELECT point.id, booking.state FROM venues_conductpoint point
              JOIN venues_booking booking ON booking.id = point.booking_id
             WHERE point.person_id <> booking.booked_by_id
                OR (point.reason = 'no_show' AND point.excused_at IS NULL
                    AND booking.state NOT IN ('no_show', 'cancelled'))
                OR (point.reason = 'late_cancel' AND booking.state <> 'cancelled')
        """,
    ),
    Invariant(
        name="venues.conduct.ban_has_its_points",
        meaning=_("A ban in force rests on as many points as its rule asks for."),
        sql="""
            SELECT ban.id, standing.points, rule.ban_from_points
              FROM venues_ban ban
              CROSS JOIN LATERAL (
                   SELECT coalesce(sum(points), 0) AS points
                     FROM venues_conductpoint point
                    WHERE point.person_id = ban.person_id
                      AND point.excused_at IS NULL
                      AND point.given_at <= ban.starts_at
                      AND point.counts_until > ban.starts_at
                      AND point.given_at > coalesce(
                          (SELECT max(starts_at) FROM venues_ban earlier
                            WHERE earlier.person_id = ban.person_id
                              AND earlier.starts_at < ban.starts_at),
                          '-infinity')) standing
         LEFT JOIN LATERAL (
                   SELECT ban_from_points FROM venues_conductrule
                    WHERE valid_from
                          <= (ban.starts_at AT TIME ZONE 'Asia/Shanghai')::date
                    ORDER BY valid_from DESC LIMIT 1) rule ON true
             WHERE ban.lifted_at IS NULL AND ban.ends_at > now()
               AND standing.points < coalesce(rule.ban_from_points, 1)
        """,
    ),
    Invariant(
        name="venues.conduct.granted_means_excused",
        meaning=_("The points of a granted appeal are excused."),
        sql="""
            SELECT appeal.id FROM venues_appeal appeal
              JOIN venues_conductpoint point ON point.id = appeal.point_id
             WHERE appeal.state = 'granted' AND point.excused_at IS NULL
        """,
    ),
    Invariant(
        name="venues.price.fitness_day_is_free",
        meaning=_("8 August costs nothing at low-fee venues, but for an exception."),
        sql="""
            SELECT rule.id, rule.venue_id, rule.price_fen
              FROM venues_pricerule rule
              JOIN venues_venue venue ON venue.id = rule.venue_id
         LEFT JOIN venues_priceexception exception ON exception.rule_id = rule.id
             WHERE rule.day_type = 'fitness_day' AND rule.price_fen > 0
               AND venue.is_low_fee AND venue.kind = 'public'
               AND exception.id IS NULL
               AND (rule.valid_until IS NULL OR rule.valid_until > current_date)
        """,
    ),
    Invariant(
        name="venues.closure.floor_is_taken",
        meaning=_("Nobody can book into a closed hall: all of its floor is taken."),
        sql="""
            SELECT block.id, unit AS unit_id
              FROM venues_block AS block
             CROSS JOIN LATERAL unnest(block.unit_ids) AS unit
             WHERE block.is_closure AND block.lifted_at IS NULL
               AND block.ends_at > now()
               AND NOT tstzmultirange(
                       tstzrange(greatest(block.starts_at, now()), block.ends_at))
                   <@ coalesce(
                       (SELECT range_agg(taken.during) FROM venues_occupancy AS taken
                         WHERE taken.unit_id = unit
                           AND taken.during
                               && tstzrange(block.starts_at, block.ends_at)),
                       '{}'::tstzmultirange)
        """,
    ),
    Invariant(
        name="venues.closure.everybody_is_called_off",
        meaning=_(
            "Ten minutes after a hall was closed nobody has a coming booking there."
        ),
        sql="""
            SELECT block.id, line.id
              FROM venues_block AS block
              JOIN venues_bookableunit AS part ON part.unit_id = ANY (block.unit_ids)
              JOIN venues_bookingline AS line ON line.bookable_id = part.bookable_id
              JOIN venues_booking AS booking ON booking.id = line.booking_id
             WHERE block.is_closure AND block.lifted_at IS NULL
               AND block.created_at < now() - interval '10 minutes'
               AND line.state = 'standing' AND line.session_id IS NULL
               AND booking.state IN ('held', 'confirmed')
               AND line.starts_at > now()
               AND line.starts_at < block.ends_at AND line.ends_at > block.starts_at
               AND NOT EXISTS (SELECT 1 FROM venues_entrypass AS pass
                                WHERE pass.booking_id = booking.id
                                  AND pass.state = 'used')
        """,
    ),
    Invariant(
        name="venues.closure.no_ballot_gives_its_courts",
        meaning=_(
            "Ten minutes after a hall was closed no draw is to give out a court there."
        ),
        sql="""
            SELECT block.id, ballot.id AS ballot_id
              FROM venues_block AS block
              JOIN venues_occupancy AS taken
                ON taken.unit_id = ANY (block.unit_ids) AND taken.kind = 'ballot'
               AND taken.during && tstzrange(block.starts_at, block.ends_at)
              JOIN venues_ballotslot AS slot ON slot.id = taken.ballot_slot_id
              JOIN venues_ballot AS ballot ON ballot.id = slot.ballot_id
             WHERE block.is_closure AND block.lifted_at IS NULL
               AND block.ends_at > now()
               AND block.created_at < now() - interval '10 minutes'
               AND ballot.state IN ('planned', 'open', 'closed')
        """,
    ),
    Invariant(
        name="venues.closure.claims_freed_floor",
        meaning=_("The trigger that gives freed floor to closures is there."),
        sql="""
            SELECT 'venues_occupancy_goes_to_closures' AS missing_trigger
             WHERE NOT EXISTS (
                   SELECT FROM pg_trigger
                    WHERE tgname = 'venues_occupancy_goes_to_closures'
                      AND tgenabled IN ('O', 'A'))
        """,
    ),
    Invariant(
        name="venues.invoice.total_is_its_slots_and_what_is_kept",
        meaning=_(
            "An invoice asks for the standing slots of its bookings, and for what is "
            "kept of those given back."
        ),
        sql="""
            SELECT invoice.id, invoice.total_fen, invoice.retained_fen, slots.fen
              FROM venues_invoice AS invoice
             CROSS JOIN LATERAL (
                   SELECT coalesce(sum(line.price_fen), 0) AS fen
                     FROM venues_booking AS booking
                     JOIN venues_bookingline AS line ON line.booking_id = booking.id
                    WHERE booking.invoice_id = invoice.id AND line.state = 'standing'
                      AND booking.state IN ('confirmed', 'no_show')) AS slots
             WHERE invoice.total_fen <> slots.fen + invoice.retained_fen
        """,
    ),
    Invariant(
        name="venues.invoice.money_kept_is_its_total",
        meaning=_(
            "Of a paid invoice its total is kept, to the fen; of any other nothing."
        ),
        sql="""
            SELECT invoice.id, invoice.state, invoice.total_fen, paid.fen
              FROM venues_invoice AS invoice
             CROSS JOIN LATERAL (
                   SELECT coalesce(sum(amount_fen - refunded_fen), 0) AS fen
                     FROM payments_payment AS payment
                    WHERE payment.owner_app = 'venues'
                      AND payment.owner_model = 'invoice'
                      AND payment.owner_id = invoice.id
                      AND payment.state = 'paid') AS paid
             CROSS JOIN LATERAL (
                   SELECT coalesce(sum(fen), 0) AS fen FROM venues_transferback
                    WHERE invoice_id = invoice.id) AS returned
             WHERE paid.fen + invoice.transferred_fen - returned.fen
                   <> CASE invoice.state WHEN 'paid' THEN invoice.total_fen ELSE 0 END
        """,
    ),
    Invariant(
        name="venues.season.every_date_is_booked_or_skipped",
        meaning=_(
            "Each date of an approved weekly time was booked, or skipped for a reason."
        ),
        sql="""
            SELECT request.id, day::date
              FROM venues_seasonrequest AS request
              JOIN venues_invoice AS invoice ON invoice.request_id = request.id
             CROSS JOIN LATERAL generate_series(
                   request.first_on::timestamp, request.last_on::timestamp,
                   interval '1 day') AS day
             WHERE request.state = 'approved' AND invoice.state <> 'new'
               AND extract(isodow FROM day) = request.weekday
               AND NOT EXISTS (
                   SELECT FROM venues_skippeddate AS skipped
                    WHERE skipped.request_id = request.id
                      AND skipped."on" = day::date)
               AND NOT EXISTS (
                   SELECT FROM venues_booking AS booking
                     JOIN venues_bookingline AS line ON line.booking_id = booking.id
                    WHERE booking.invoice_id = invoice.id
                      AND line.starts_at =
                          (day + request.starts * interval '1 minute')
                          AT TIME ZONE 'Asia/Shanghai')
        """,
    ),
    Invariant(
        name="venues.season.approved_has_its_invoice",
        meaning=_("Ten minutes after an approval the dates are booked and invoiced."),
        sql="""
            SELECT request.id, invoice.state
              FROM venues_seasonrequest AS request
         LEFT JOIN venues_invoice AS invoice ON invoice.request_id = request.id
             WHERE (request.state = 'approved') <> (invoice.id IS NOT NULL)
                OR (invoice.state = 'new'
                    AND request.decided_at < now() - interval '10 minutes')
        """,
    ),
    Invariant(
        name="venues.ballot.keeps_its_floor_until_handed_out",
        meaning=_("What a ballot gives out, nobody can book before it has."),
        sql="""
            SELECT slot.id, part.unit_id
              FROM venues_ballot AS ballot
              JOIN draws_draw AS draw ON draw.id = ballot.draw_id
              JOIN venues_ballotslot AS slot ON slot.ballot_id = ballot.id
              JOIN venues_bookableunit AS part ON part.bookable_id = slot.bookable_id
             WHERE ballot.state IN ('planned', 'open', 'closed')
               AND draw.state <> 'drawn' AND slot.starts_at > now()
               AND NOT EXISTS (
                   SELECT FROM venues_occupancy AS taken
                    WHERE taken.ballot_slot_id = slot.id
                      AND taken.unit_id = part.unit_id
                      AND taken.during @> tstzrange(slot.starts_at, slot.ends_at))
        """,
    ),
    Invariant(
        name="venues.ballot.ended_keeps_no_floor",
        meaning=_("A ballot that was handed out or called off keeps no floor."),
        sql="""
            SELECT ballot.id, taken.id
              FROM venues_ballot AS ballot
              JOIN venues_ballotslot AS slot ON slot.ballot_id = ballot.id
              JOIN venues_occupancy AS taken ON taken.ballot_slot_id = slot.id
             WHERE ballot.state IN ('drawn', 'called_off')
        """,
    ),
    Invariant(
        name="venues.ballot.only_winners_have_courts",
        meaning=_(
            "Who has a court from a ballot was drawn for that time, and has one only."
        ),
        sql="""
            SELECT slot.id, booking.id
              FROM venues_ballotslot AS slot
              JOIN venues_booking AS booking ON booking.id = slot.booking_id
             WHERE NOT EXISTS (
                   SELECT FROM venues_ballotrequest AS request
                     JOIN draws_entry AS entry ON entry.id = request.entry_id
                    WHERE request.ballot_id = slot.ballot_id
                      AND request.person_id = booking.booked_by_id
                      AND request.starts_at = slot.starts_at
                      AND entry.outcome = 'won')
            UNION ALL
            SELECT slot.ballot_id, booking.booked_by_id
              FROM venues_ballotslot AS slot
              JOIN venues_booking AS booking ON booking.id = slot.booking_id
             GROUP BY slot.ballot_id, booking.booked_by_id
            HAVING count(*) > 1
        """,
    ),
    Invariant(
        name="venues.ballot.drawn_is_handed_out",
        meaning=_("Ten minutes after a draw its courts are handed out."),
        sql="""
            SELECT ballot.id
              FROM venues_ballot AS ballot
              JOIN draws_draw AS draw ON draw.id = ballot.draw_id
             WHERE draw.state = 'drawn' AND ballot.state <> 'drawn'
               AND draw.drawn_at < now() - interval '10 minutes'
        """,
    ),
    Invariant(
        name="venues.export.tells_no_more_than_crossed",
        meaning=_("No export says more people than the gates counted in that hour."),
        sql="""
            SELECT told.id, told.came, told."left", found.came, found."left"
              FROM venues_exportrecord told
              CROSS JOIN LATERAL (
                   SELECT coalesce(sum(persons) FILTER (WHERE direction = 'in'), 0)
                              AS came,
                          coalesce(sum(persons) FILTER (WHERE direction = 'out'), 0)
                              AS "left"
                     FROM venues_crossing crossing
                    WHERE crossing.venue_id = told.venue_id
                      AND crossing.crossed_at >= told.ends_at - interval '1 hour'
                      AND crossing.crossed_at < told.ends_at
                      AND (told.kind = 'flow' OR crossing.admission_id IS NOT NULL)
                   ) found
             WHERE told.came > found.came OR told."left" > found."left"
        """,
    ),
    Invariant(
        name="venues.export.doors_add_up",
        meaning=_("The doors of a check-in export add up to its total."),
        sql="""
            SELECT told.id, told.came, told."left"
              FROM venues_exportrecord told
              CROSS JOIN LATERAL (
                   SELECT coalesce(sum((door ->> 'came')::int), 0) AS came,
                          coalesce(sum((door ->> 'left')::int), 0) AS "left"
                     FROM jsonb_array_elements(told.doors) door) found
             WHERE told.kind = 'check_in'
               AND (told.came, told."left") <> (found.came, found."left")
        """,
    ),
    Invariant(
        name="venues.programme.is_over_and_had_people",
        meaning=_("Every programme that the subsidy counts is over and had people."),
        sql="""
            SELECT id, last_on, persons FROM venues_programme
             WHERE persons < 1
                OR last_on > (now() AT TIME ZONE 'Asia/Shanghai')::date + 1
        """,
    ),
]
