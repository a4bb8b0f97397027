"""`python -m bench.draw_step freeze|run <key>`: one step of a draw, with its cost."""

from __future__ import annotations

import json
import resource
import sys
import time

import django


def main() -> None:
    django.setup()
    from bureau.draws import actions  # noqa: PLC0415 - only now is Django there
    from bureau.draws.models import Draw  # noqa: PLC0415

    name, key = sys.argv[1:]
    draw = Draw.objects.get(pk=int(key))
    begun, before = time.perf_counter(), time.process_time()
    if name == "freeze":
        actions.freeze_draw(draw=draw, at=draw.freezes_at)
    else:
        actions.run_draw(draw=draw, at=draw.draws_at)
    seconds = time.perf_counter() - begun
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = {
        "seconds": seconds,
        "cpu": time.process_time() - before,
        "megabytes": kilobytes / 1024,
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
