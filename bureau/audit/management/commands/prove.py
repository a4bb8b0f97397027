from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from bureau.audit import actions
from bureau.audit.invariants import all_invariants
from bureau.audit.queries import Proof, proof_of


class Command(BaseCommand):
    help = "Check every promise of every app; exit 1 when one is broken."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Write JSON.")

    def handle(self, *_args: Any, **options: Any) -> None:
        proof = proof_of(actions.prove())
        if options["json"]:
            answer = {**asdict(proof), "holds": proof.holds}
            self.stdout.write(
                json.dumps(answer, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
            )
        else:
            self._show(proof)
        if not proof.holds:
            raise SystemExit(1)

    def _show(self, proof: Proof) -> None:
        broken = {offence.name: offence for offence in proof.broken}
        for invariant in all_invariants():
            offence = broken.get(invariant.name)
            if offence is None:
                self.stdout.write(f"ok      {invariant.name}: {invariant.meaning}")
                continue
            count = offence.error or f"{offence.count} offenders"
            self.stdout.write(
                f"BROKEN  {invariant.name}: {invariant.meaning} ({count})"
            )
            for row in offence.sample:
                told = ", ".join(f"{name}={value}" for name, value in row.items())
                self.stdout.write(f"        {told}")
        self.stdout.write(f"{proof.checked} promises checked, {len(broken)} broken.")
