"""Facts that workdays tells upward. Sent inside the transaction that made them."""

from __future__ import annotations

from django.dispatch import Signal

# deadline (Deadline), what ("warned", "overdue" or "escalated"), at (datetime).
deadline_reached = Signal()
