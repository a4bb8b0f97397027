"""REST endpoints, by topic."""

from __future__ import annotations
