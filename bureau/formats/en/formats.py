"""English pages tell the time as tickets, gates and the Chinese pages do: 13:30.

Django's own "1:30 p.m." stood beside "13:30" of the timetable, and ended sentences
with two full stops.
"""

from __future__ import annotations

TIME_FORMAT = "H:i"
DATETIME_FORMAT = "N j, Y, H:i"
SHORT_DATETIME_FORMAT = "m/d/Y H:i"
