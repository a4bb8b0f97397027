"""Shapes of input and output of the API, by topic."""

from __future__ import annotations
