"""Refusals, by topic; their codes are part of the API."""

from __future__ import annotations
