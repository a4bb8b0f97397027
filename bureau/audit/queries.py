from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bureau.audit.models import ProofRun


@dataclass(frozen=True)
class Broken:
    """A promise that did not hold."""

    name: str
    count: int
    sample: list[dict[str, object]]
    error: str


@dataclass(frozen=True)
class Proof:
    """What the last proof found."""

    started_at: datetime
    finished_at: datetime | None
    checked: int
    broken: list[Broken]

    @property
    def holds(self) -> bool:
        return self.finished_at is not None and not self.broken


def latest_proof() -> Proof | None:
    """The last proof that came to its end, for the dashboard. None before the first."""
    run = ProofRun.objects.finished().newest_first().first()
    return proof_of(run) if run else None


def proof_of(run: ProofRun) -> Proof:
    offences = run.offences.order_by("name", "pk")
    return Proof(
        started_at=run.started_at,
        finished_at=run.finished_at,
        checked=run.checked,
        broken=[Broken(o.name, o.count, o.sample, o.error) for o in offences],
    )
