"""The shape of what people send; what may happen is for the actions to say."""

from __future__ import annotations
