"""Pages, by topic."""

from __future__ import annotations
