"""A hundred thousand operations on the money, each checked against a slow oracle.

The test that every suite runs with a thousand steps (tests/vouchers/
test_money_against_an_oracle.py), only longer: claims, redemptions, undoes, refunds,
expiry, cancelling, flags, settlements, files, payments and repayments in any order.
After each step the book is added up anew and compared; each campaign ends with its
closing, and all promises are proven before and after.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from bench.portal import ROOT, Portal
from bench.table import Line

OPERATIONS = 100_000
HOURS = 2
TEST = "tests/vouchers/test_money_against_an_oracle.py"


def measure(portal: Portal) -> list[Line]:
    tally = portal.scratch / "ledger.json"
    wanted = int(os.environ.get("BUREAU_LEDGER_OPERATIONS", OPERATIONS))
    env = {
        **os.environ,
        "BUREAU_LEDGER_OPERATIONS": str(wanted),
        "BUREAU_LEDGER_TALLY": str(tally),
    }
    # The test brings its own settings and its own database on the same servers.
    env.pop("DJANGO_SETTINGS_MODULE", None)
    began = time.perf_counter()
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:randomly",
            "--timeout=0",
            TEST,
        ],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=HOURS * 3600,
        check=False,
    )
    seconds = time.perf_counter() - began
    done = json.loads(tally.read_text()) if tally.exists() else {}
    steps = done.get("steps", 0)
    found = "none" if run.returncode == 0 else run.stdout.strip().splitlines()[-1]
    return [
        Line(
            what=f"{wanted:,} operations on the money against an oracle: differences",
            figure=found,
            goal="none",
            met=run.returncode == 0 and steps >= wanted,
            note=f"{steps:,} steps in {done.get('examples', 0):,} campaigns, "
            f"{done.get('actions', 0):,} actions of people, the book compared "
            f"{done.get('checks', 0):,} times, all promises proven "
            f"{done.get('proofs', 0):,} times, in {seconds:.0f} s",
        )
    ]
