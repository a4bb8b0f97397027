"""What happens by itself, and why. Times are Asia/Shanghai."""

from __future__ import annotations

from typing import Any

SCHEDULE: dict[str, dict[str, Any]] = {}
