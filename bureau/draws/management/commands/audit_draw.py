from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bureau.audit.models import record
from bureau.common import clock
from bureau.draws.models import Draw
from bureau.draws.queries import audit_sample

WORDS = {True: "opens", False: "DOES NOT OPEN", None: "no account: open it by hand"}


class Command(BaseCommand):
    help = (
        "Open a random sample of a draw's commitments, chosen by its own seed, to find "
        "ghosts; exit 1 when one does not open."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("draw_id")
        parser.add_argument("--sample", type=int, default=20, help="How many entries.")

    def handle(self, *_args: Any, **options: Any) -> None:
        draw = Draw.objects.filter(draw_id=options["draw_id"]).first()
        if draw is None:
            raise CommandError("There is no such draw.")
        if not draw.seed:
            raise CommandError("This draw has not been drawn: nothing can be chosen.")
        samples = audit_sample(draw, options["sample"])
        for sample in samples:
            self.stdout.write(
                f"{sample.entry.entry_id}  salt {sample.salt}  "
                f"{sample.whose or '-'}  {WORDS[sample.opens]}"
            )
        ghosts = sum(sample.opens is False for sample in samples)
        record(
            "draws.draw.audited",
            subject=draw,
            by=None,
            at=clock.now(),
            detail={"sample": len(samples), "ghosts": ghosts},
        )
        self.stdout.write(f"{len(samples)} commitments looked at, {ghosts} ghosts.")
        if ghosts:
            raise SystemExit(1)
