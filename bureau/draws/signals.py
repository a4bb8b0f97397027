"""What the draws app tells the apps above it, inside the transaction of the change."""

from __future__ import annotations

from django.dispatch import Signal

# draw=Draw, state drawn; ranks, scores and outcomes of its entries are written. It may
# be a million of them: a receiver queues its work, and does not do it there.
draw_done = Signal()

# draw=Draw, state void: whatever was handed out for it is to be taken back.
draw_voided = Signal()

# draw=Draw, just announced again in place of `replaces`=Draw, a void one. An app whose
# draw is no use any more refuses with a `DomainError`, and nothing has happened.
draw_redone = Signal()

# draw=Draw into which staff are about to put people by their numbers. An app that puts
# people in by itself refuses with a `DomainError`.
entered_by_staff = Signal()
