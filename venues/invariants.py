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
               AND taken.during = tstzrange(line.starts_at, line.ends_at, '[)')
             WHERE booking.state = 'confirmed' AND booking.ends_at > now()
               AND taken.id IS NULL
        """,
    ),
    Invariant(
        name="venues.booking.ended_takes_no_floor",
        meaning=_("A cancelled or expired booking takes no floor."),
        sql="""
            SELECT booking.id, taken.id
              FROM venues_booking booking
              JOIN venues_bookingline line ON line.booking_id = booking.id
              JOIN venues_occupancy taken ON taken.line_id = line.id
             WHERE booking.state IN ('cancelled', 'expired')
        """,
    ),
    Invariant(
        name="venues.booking.total_is_the_sum_of_its_lines",
        meaning=_("A booking's total is the sum of its slots' prices."),
        sql="""
            SELECT booking.id, booking.total_fen, sum(line.price_fen)
              FROM venues_booking booking
         LEFT JOIN venues_bookingline line ON line.booking_id = booking.id
             GROUP BY booking.id
            HAVING booking.total_fen <> coalesce(sum(line.price_fen), 0)
                OR count(line.id) = 0
        """,
    ),
    Invariant(
        name="venues.booking.confirmed_is_paid",
        meaning=_("Every confirmed booking with a price has a payment that we keep."),
        sql="""
            SELECT booking.id FROM venues_booking booking
             WHERE booking.state = 'confirmed' AND booking.total_fen > 0
               AND NOT EXISTS (
                   SELECT 1 FROM payments_payment payment
                    WHERE payment.owner_app = 'venues'
                      AND payment.owner_model = 'booking'
                      AND payment.owner_id = booking.id
                      AND payment.state = 'paid'
                      AND payment.amount_fen - payment.refunded_fen
                          = booking.total_fen)
        """,
    ),
    Invariant(
        name="venues.booking.money_kept_stands_for_a_booking",
        meaning=_("Money kept for a booking means that the booking stands."),
        sql="""
            SELECT payment.id FROM payments_payment payment
              JOIN venues_booking booking ON booking.id = payment.owner_id
             WHERE payment.owner_app = 'venues' AND payment.owner_model = 'booking'
               AND payment.state = 'paid'
               AND payment.refunded_fen < payment.amount_fen
               AND booking.state <> 'confirmed'
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
             GROUP BY booking.id
            HAVING count(pass.id) <> (booking.state = 'confirmed')::int
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
]
