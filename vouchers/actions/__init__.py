"""What people can do with vouchers. One function per thing; `actions.claim_voucher(…)`.

Order of locks, the same everywhere, so that nobody waits in a circle:
campaign → round → tier → stock → the voucher → its redemption → caps.
"""

from __future__ import annotations
