from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bureau.audit.invariants import Invariant

INVARIANTS = [
    Invariant(
        "draws.what_is_published_is_guarded",
        _("The public log and the published files are guarded by their triggers."),
        """
        SELECT wanted.name AS missing_trigger
        FROM (VALUES ('draws_logline_is_append_only', 'draws_logline'),
                     ('draws_publishedpart_is_append_only', 'draws_publishedpart'))
            AS wanted (name, relation)
        WHERE NOT EXISTS (
            SELECT FROM pg_trigger
            WHERE tgname = wanted.name AND tgenabled IN ('O', 'A')
              AND tgrelid = wanted.relation::regclass
        )
        """,
    ),
    Invariant(
        "draws.logs_are_unbroken_chains",
        _("Each line of a draw's log carries the hash of the one before it."),
        """
        SELECT draw_id, position, step FROM (
            SELECT *, lag(line_hash, 1, repeat('0', 64)) OVER before AS expected,
                row_number() OVER before AS place
            FROM draws_logline WINDOW before AS (PARTITION BY draw_id ORDER BY position)
        ) AS lines
        WHERE previous_hash <> expected OR position <> place
        """,
    ),
    Invariant(
        "draws.lists_are_as_published",
        _("Who is in a frozen draw is who stands in its published list."),
        """
        SELECT d.draw_id, d.entry_count, count(e.id) AS entries
        FROM draws_draw d LEFT JOIN draws_entry e ON e.draw_id = d.id
        WHERE d.root <> ''
        GROUP BY d.id
        HAVING count(e.id) <> d.entry_count
            OR COALESCE(sum(e.weight), 0) <> d.weight_sum
        """,
    ),
    Invariant(
        "draws.nobody_entered_after_the_close",
        _("Nobody came into a draw after entries had closed."),
        """
        SELECT d.draw_id, e.entry_id, e.entered_at FROM draws_entry e
        JOIN draws_draw d ON d.id = e.draw_id
        WHERE e.entered_at >= d.entries_close_at
        """,
    ),
    Invariant(
        "draws.ranks_are_one_sequence",
        _("In a pool that was drawn, ranks run from 1 to the number of entries."),
        """
        SELECT d.draw_id, p.prefix, count(*) AS entries,
            count(DISTINCT e.rank) AS ranks, max(e.rank) AS last
        FROM draws_entry e
        JOIN draws_pool p ON p.id = e.pool_id
        JOIN draws_draw d ON d.id = e.draw_id
        WHERE d.seed <> ''
        GROUP BY d.draw_id, p.id
        HAVING count(DISTINCT e.rank) <> count(*) OR max(e.rank) <> count(*)
            OR min(e.rank) <> 1
        """,
    ),
    Invariant(
        "draws.no_more_places_than_announced",
        _("No pool gave away more places than its rules say."),
        """
        SELECT d.draw_id, p.prefix, p.quota, sum(e.group_size) AS given
        FROM draws_entry e
        JOIN draws_pool p ON p.id = e.pool_id
        JOIN draws_draw d ON d.id = e.draw_id
        WHERE e.outcome = 'won'
        GROUP BY d.draw_id, p.id
        HAVING sum(e.group_size) > p.quota
        """,
    ),
    Invariant(
        "draws.results_only_where_drawn",
        _("Ranks and outcomes exist only where a draw was drawn, and there for all."),
        """
        SELECT d.draw_id, e.entry_id, e.rank, e.outcome FROM draws_entry e
        JOIN draws_draw d ON d.id = e.draw_id
        WHERE (d.seed = '') <> (e.rank IS NULL)
           OR (e.rank IS NULL) <> (e.outcome = '')
        """,
    ),
    Invariant(
        "draws.sources_were_read_by_two_people",
        _("Each result of a lottery was typed alike by two different people."),
        """
        SELECT d.draw_id, b.source, b.issue, b.value FROM draws_beacon b
        JOIN draws_draw d ON d.id = b.draw_id
        WHERE b.known_at IS NOT NULL AND b.source <> 'drand-quicknet'
          AND (SELECT count(DISTINCT r.read_by_id) FROM draws_beaconreading r
               WHERE r.beacon_id = b.id AND r.value = b.value) < 2
        """,
    ),
    Invariant(
        "draws.lists_are_frozen_in_time",
        _("No draw is still open when its list should have been published."),
        """
        SELECT draw_id, freezes_at FROM draws_draw
        WHERE state = 'open' AND draws_at < now() + interval '1 hour'
        """,
    ),
    Invariant(
        "draws.known_sources_are_drawn",
        _("A draw whose sources are all known is drawn within fifteen minutes."),
        """
        SELECT d.draw_id, max(b.known_at) AS known_at FROM draws_draw d
        JOIN draws_beacon b ON b.draw_id = d.id
        WHERE d.state = 'frozen'
        GROUP BY d.id
        HAVING bool_and(b.known_at IS NOT NULL)
           AND max(b.known_at) < now() - interval '15 minutes'
        """,
    ),
]
