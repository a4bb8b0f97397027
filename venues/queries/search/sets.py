"""The rules of a place as sets in SQL, each built on those before it.

From the days that are asked about, by the hours of the courts, to slots that can be had
at a price. `venues.queries.search` puts together those that a question needs.
"""

from __future__ import annotations

# The days that a question is about: each with the minutes between which play may begin
# and with what it is, the most special first. The day after the last one only tells
# when the night before it ends.
DAYS = """
    day AS (
        SELECT "on", weekday, fitness, since, beyond, "on" < %(last_day)s AS is_meant
          FROM unnest(%(days)s::date[], %(weekdays)s::int[], %(fitness)s::boolean[],
                      %(sinces)s::int[], %(beyonds)s::int[])
               AS day ("on", weekday, fitness, since, beyond)
         WHERE "on" <= %(today)s::date + (SELECT max(days_ahead) FROM venue) + 1
    ),
    day_type AS (
        SELECT "on", day_type, rank FROM
            unnest(%(typed_days)s::date[], %(day_types)s::text[], %(ranks)s::int[])
            AS typed ("on", day_type, rank)
    )
"""
# Which venues are meant at all; `{where}` narrows it down.
VENUES = """
    venue AS MATERIALIZED (
        SELECT id, code, name, name_en, district_id, location, days_ahead, releases_at,
               lead_minutes, walk_in_percent, walk_in_until_minutes, max_slots,
               is_low_fee
          FROM venues_venue AS venue
         WHERE closed_on IS NULL AND kind = 'public' {where}
    )
"""
COURTS = """
    court AS MATERIALIZED (
        SELECT court.id, court.venue_id, court.sport, court.slot_minutes,
               court.buffer_minutes, court.position, venue.lead_minutes,
               venue.max_slots, venue.walk_in_percent, venue.walk_in_until_minutes,
               venue.is_low_fee,
               %(today)s::date + venue.days_ahead
                 - (venue.releases_at > %(minute)s)::int AS last_on
          FROM venues_bookable AS court
          JOIN venue ON venue.id = court.venue_id
         WHERE court.venue_id = ANY(ARRAY(SELECT id FROM venue))
           AND court.is_open AND (%(sport)s = '' OR court.sport = %(sport)s)
    )
"""
# Which hours hold for a court on a day: the most special that speak of it. A night ends
# at the latest when the next day opens.
OPENINGS = """
    hours AS MATERIALIZED (
        SELECT venue_id, bookable_id, "on", 0 AS source, 0 AS rank, opens, closes,
               is_meant
          FROM venues_hoursexception JOIN day USING ("on")
         WHERE venue_id = ANY(ARRAY(SELECT id FROM venue))
        UNION ALL
        SELECT venue_id, bookable_id, "on", 1, rank, opens, closes, is_meant
          FROM venues_daytypehours JOIN day_type USING (day_type) JOIN day USING ("on")
         WHERE venue_id = ANY(ARRAY(SELECT id FROM venue))
           AND valid_from <= "on" AND (valid_until IS NULL OR "on" < valid_until)
        UNION ALL
        SELECT venue_id, bookable_id, "on", 2, 0, opens, closes, is_meant
          FROM venues_weeklyhours JOIN day USING (weekday)
         WHERE venue_id = ANY(ARRAY(SELECT id FROM venue))
           AND valid_from <= "on" AND (valid_until IS NULL OR "on" < valid_until)
    ),
    own_week AS (
        SELECT bookable_id, "on"
          FROM venues_weeklyhours JOIN day
            ON valid_from <= "on" AND (valid_until IS NULL OR "on" < valid_until)
         WHERE bookable_id IS NOT NULL
           AND venue_id = ANY(ARRAY(SELECT id FROM venue))
    ),
    spoken AS (
        SELECT court.id AS court_id, "on", opens, closes,
               rank() OVER (PARTITION BY court.id, "on"
                            ORDER BY source, rank, bookable_id IS NULL) AS place
          FROM court
          JOIN hours ON hours.venue_id = court.venue_id
                    AND (bookable_id IS NULL OR bookable_id = court.id)
                    AND NOT (source = 2 AND bookable_id IS NULL
                             AND (court.id, "on") IN (SELECT * FROM own_week))
         WHERE "on" <= last_on + 1
           AND (is_meant OR court.venue_id IN (
                    SELECT venue_id FROM hours WHERE closes > 1440))
    ),
    opening AS MATERIALIZED (
        SELECT court_id, "on", opens::int, closes::int
          FROM spoken WHERE place = 1 AND opens IS NOT NULL
    ),
    dawn AS (
        SELECT court_id, "on" - 1 AS "on", 1440 + min(opens) AS ends
          FROM opening
         WHERE EXISTS (SELECT FROM opening WHERE closes > 1440)
         GROUP BY court_id, "on"
    ),
    open_hours AS (
        SELECT court_id, "on", opens,
               CASE WHEN closes > 1440 THEN least(closes, ends) ELSE closes END
                 AS closes
          FROM opening LEFT JOIN dawn USING (court_id, "on")
    )
"""
SLOTS = """
    slot AS MATERIALIZED (
        SELECT court.id AS court_id, venue_id, sport, slot_minutes, buffer_minutes,
               max_slots, walk_in_percent, walk_in_until_minutes, position, is_low_fee,
               "on", minute, starts_at,
               starts_at + slot_minutes * interval '1 minute' AS ends_at,
               starts_at + (slot_minutes + buffer_minutes) * interval '1 minute'
                 AS clear_at
          FROM open_hours
          JOIN day USING ("on")
          JOIN court ON court.id = court_id AND "on" <= last_on
         CROSS JOIN LATERAL (
                   SELECT slot_minutes + buffer_minutes AS step
               ) AS raster
         CROSS JOIN LATERAL generate_series(
                   opens + greatest(0, (since - opens + step - 1) / step) * step,
                   least(closes - slot_minutes, beyond - 1), step
               ) AS minute
         CROSS JOIN LATERAL (
                   SELECT ("on" + minute * interval '1 minute')
                          AT TIME ZONE 'Asia/Shanghai' AS starts_at
               ) AS moment
         WHERE is_meant AND closes > since
           AND starts_at > %(at)s + lead_minutes * interval '1 minute'
    ),
    busy AS MATERIALIZED (
        SELECT court_id, min(starts_at) AS since, max(clear_at) AS until
          FROM slot GROUP BY court_id
    ),
    -- What lies on one unit never overlaps: at most one that began before reaches in.
    taken AS MATERIALIZED (
        SELECT court_id, range_agg(during) AS during
          FROM busy
          JOIN venues_bookableunit AS part ON part.bookable_id = court_id
         CROSS JOIN LATERAL (
                   SELECT range_agg(during) AS during
                     FROM (SELECT during, kind, hold_until
                             FROM venues_occupancy AS inside
                            WHERE inside.unit_id = part.unit_id
                              AND lower(during) >= since AND lower(during) < until
                            UNION ALL
                           (SELECT during, kind, hold_until
                              FROM venues_occupancy AS before
                             WHERE before.unit_id = part.unit_id
                               AND lower(during) < since
                             ORDER BY lower(during) DESC LIMIT 1)) AS occupancy
                    WHERE upper(during) > since
                      AND NOT (kind = 'hold' AND hold_until <= %(at)s)
               ) AS floor
         WHERE floor.during IS NOT NULL
         GROUP BY court_id
    )
"""
# Of each group the narrowest rule, of the person's groups the cheapest price. The
# number sorts by narrowness first, and the price of an hour is its lower half.
PRICES = """
    priced_day AS (
        SELECT "on", weekday, NULL AS day_type, 9 AS rank, fitness
          FROM day WHERE is_meant
        UNION ALL
        SELECT "on", NULL, day_type, rank, fitness
          FROM day_type JOIN day USING ("on") WHERE is_meant
    ),
    rule AS MATERIALIZED (
        SELECT rule.venue_id, bookable_id, rule.sport, "group", starts, ends, "on",
               ((CASE WHEN bookable_id IS NOT NULL THEN 0
                      WHEN rule.sport <> '' THEN 1
                      ELSE 2 END * 10 + rank)::bigint << 32) + price_fen AS weighed
          FROM venues_pricerule AS rule
          JOIN venue ON venue.id = rule.venue_id
          JOIN priced_day ON valid_from <= "on"
                         AND (valid_until IS NULL OR "on" < valid_until)
                         AND coalesce(priced_day.day_type, priced_day.weekday::text)
                           = coalesce(nullif(rule.day_type, ''), rule.weekday::text)
         WHERE rule.venue_id = ANY(ARRAY(SELECT id FROM venue))
           AND "group" = ANY(%(groups)s)
           AND (rule.weekday IS NULL
                OR rule.weekday IN (SELECT weekday FROM day WHERE is_meant))
           AND (NOT (fitness AND is_low_fee) OR rule.day_type = 'fitness_day')
        UNION ALL
        -- 8 August is free where no rule says otherwise.
        SELECT venue.id, NULL, '', '', 0, 2160, day."on", 99::bigint << 32
          FROM venue, day WHERE fitness AND is_low_fee
    )
"""
# Some courts are kept for window and telephone, each day the next ones; a court of
# several units is neither counted nor kept.
KEPT = """
    keepable AS (
        SELECT court_id, starts_at, "on", walk_in_percent,
               row_number() OVER (PARTITION BY venue_id, sport, "on", starts_at
                                  ORDER BY position, court_id) - 1 AS place,
               count(*) OVER (PARTITION BY venue_id, sport, "on", starts_at) AS number
          FROM slot
         WHERE walk_in_percent > 0
           AND %(at)s < starts_at - walk_in_until_minutes * interval '1 minute'
           AND (SELECT count(*) FROM venues_bookableunit AS part
                 WHERE part.bookable_id = court_id) = 1
           AND EXISTS (SELECT FROM rule
                        WHERE rule.venue_id = slot.venue_id AND rule."on" = slot."on"
                          AND "group" = '' AND minute >= starts AND minute < ends
                          AND (bookable_id IS NULL OR bookable_id = court_id)
                          AND (rule.sport = '' OR rule.sport = slot.sport))
    ),
    kept AS (
        SELECT court_id, starts_at, number
          FROM keepable
         WHERE (place + number - ("on" - date '0001-01-01' + 1) %% number) %% number
               < number * walk_in_percent / 100
    ),
    free AS MATERIALIZED (
        SELECT slot.*
          FROM slot
          LEFT JOIN taken USING (court_id)
          LEFT JOIN kept USING (court_id, starts_at)
         WHERE (taken.during IS NULL
                OR NOT taken.during && tstzrange(starts_at, clear_at))
           AND kept.number IS NULL
    ),
    narrowest AS (
        SELECT free.court_id, free.starts_at,
               (min(weighed) & 4294967295)::int AS hour_fen
          FROM free
          JOIN rule ON rule.venue_id = free.venue_id AND rule."on" = free."on"
                   AND minute >= starts AND minute < ends
                   AND (bookable_id IS NULL OR bookable_id = free.court_id)
                   AND (rule.sport = '' OR rule.sport = free.sport)
         GROUP BY free.court_id, free.starts_at, rule."group"
    ),
    priced AS (
        SELECT court_id, starts_at, min(hour_fen) AS hour_fen
          FROM narrowest GROUP BY court_id, starts_at
    )
"""
# Slots in a row, and those starts among them that the wish means.
WISHED = """
    affordable AS (
        SELECT free.*, priced.hour_fen,
               starts_at - (slot_minutes + buffer_minutes) * interval '1 minute'
                 * row_number() OVER (PARTITION BY court_id, "on" ORDER BY starts_at)
                 AS island
          FROM free JOIN priced USING (court_id, starts_at)
         WHERE %(most_fen)s::int IS NULL OR priced.hour_fen <= %(most_fen)s
    ),
    row_of_slots AS (
        SELECT affordable.*,
               count(*) OVER (PARTITION BY court_id, "on", island
                              ORDER BY starts_at DESC) AS slots
          FROM affordable
    ),
    wished AS (
        SELECT *
          FROM row_of_slots
         WHERE least(slots, max_slots) * slot_minutes >= %(minutes)s
           AND (%(from)s::timestamptz IS NULL OR starts_at >= %(from)s)
           AND (%(until)s::timestamptz IS NULL OR starts_at < %(until)s)
    )
"""
