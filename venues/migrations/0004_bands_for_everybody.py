from __future__ import annotations

from django.db import migrations

# Until now a venue had one time until which everything came back. Nothing that was
# promised to anybody changes: it becomes a band of 100 % for the venue, and the terms
# of the bookings that exist.
FORWARD = """
INSERT INTO venues_cancelband (venue_id, minutes_before, percent)
     SELECT id, cancel_minutes, 100 FROM venues_venue;
UPDATE venues_booking
   SET cancel_terms = jsonb_build_array(jsonb_build_array(venue.cancel_minutes, 100))
  FROM venues_venue venue WHERE venue.id = venue_id;
"""
BACKWARD = """
UPDATE venues_venue SET cancel_minutes = band.minutes_before
  FROM venues_cancelband band WHERE band.venue_id = venues_venue.id;
DELETE FROM venues_cancelband;
"""


class Migration(migrations.Migration):
    dependencies = [("venues", "0003_a_citys_courts")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
