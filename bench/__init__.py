"""Measuring and tormenting the portal: `make bench` and `make chaos`.

Nothing here is part of the running portal; it may import everything.
"""

from __future__ import annotations
