"""One module a subject; each has `measure(stage)`, which returns its lines."""

from __future__ import annotations
