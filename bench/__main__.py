"""`python -m bench [line…]`: measure, print the table, write bench/RESULTS.md."""

from __future__ import annotations

import argparse
import shutil
import sys
from importlib import import_module

from bench.portal import CannotStart, Portal, new_portal

LINES = (
    "page_weight",
    "day_grid",
    "search",
    "bookings",
    "one_slot",
    "release",
    "storm",
    "gate_check",
    "closure",
    "draw",
    "claims",
    "redeem",
    "settlement",
    "ledger",
    "rush",
    "vouchers_page",
    "radar",
    # It kills servers, and its control drops constraints: nothing comes after it.
    "voucher_storm",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("lines", nargs="*", help=", ".join(LINES))
    chosen = parser.parse_args().lines or LINES
    if unknown := set(chosen) - set(LINES):
        parser.error(f"no such line: {', '.join(sorted(unknown))}")
    try:
        portal = new_portal("bench")
        try:
            return measure(portal, chosen)
        finally:
            portal.stop()
            portal.services("reset")
            shutil.rmtree(portal.scratch, ignore_errors=True)
    except CannotStart as reason:
        sys.exit(f"bench: {reason}")


def measure(portal: Portal, chosen: tuple[str, ...]) -> int:
    portal.configure("bench.settings")
    # Only now is Django there to be imported.
    from django.core.management import call_command  # noqa: PLC0415

    from bench import city, table  # noqa: PLC0415

    say("migrating …")
    call_command("migrate", verbosity=0)
    city.make_bare_table()
    portal.start("web")
    portal.wait_until_ready()
    lines = []
    for name in chosen:
        say(f"{name} …")
        lines += import_module(f"bench.lines.{name}").measure(portal)
    say("\n" + table.as_text(lines))
    say("".join(f"\n{line.what}: {line.note}" for line in lines if line.note))
    if set(chosen) == set(LINES):
        table.write_results(lines)
        say(f"\nwritten to {table.RESULTS}")
    return 0 if all(line.met for line in lines) else 1


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
