"""What people do while the portal is being killed: one module a domain.

Each has `fill()`, which puts what it needs into the empty database; `visit(visitor)`,
one round of one person over HTTP; and `compare(ledger)`, which holds what clients were
promised against what is stored and returns what does not agree.
"""

from __future__ import annotations
