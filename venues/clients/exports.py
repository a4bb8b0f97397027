"""How hours leave the portal: the shape of the records, and the ways to hand them over.

Modelled on two records that a venue project built after the national platform's norm,
whose text was not at hand (docs/venues/exports.md). Shape and way are in this file
alone, so that a city can put in its own. Never called inside a transaction.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid5

import requests
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from bureau.common import clock
from venues.models import ExportRecord

TIMEOUTS = (5, 20)  # seconds to connect, to answer
_BUSY = {408, 425, 429}
_NAME_LENGTH = 100
_CODE_LENGTH = 50
Message = dict[str, Any]


class ReceiverAway(Exception):
    """Not taken this time: no answer, or one that says "later"."""


class ReceiverRefused(Exception):
    """Read and refused: the same again would be refused again."""


class Adapter(Protocol):
    """A way to hand records of one kind over, all of them or none."""

    def send(self, kind: str, records: Sequence[ExportRecord]) -> None:
        """Hand over. Raises `ReceiverAway` or `ReceiverRefused`."""


def adapter() -> Adapter | None:
    """The way that the settings choose; None when exports are off."""
    name = settings.EXPORT_ADAPTER
    if not name:
        return None
    if name == "file":
        return FileAdapter(Path(settings.EXPORT_DIR))
    if name == "http":
        return HttpAdapter(
            {
                ExportRecord.Kind.FLOW.value: settings.EXPORT_FLOW_URL,
                ExportRecord.Kind.CHECK_IN.value: settings.EXPORT_CHECK_IN_URL,
            },
            token=settings.EXPORT_TOKEN,
        )
    try:
        made: Adapter = import_string(name)()
    except ImportError as wrong:
        raise ImproperlyConfigured(f"BUREAU_EXPORT_ADAPTER={name!r}") from wrong
    return made


def messages_of(record: ExportRecord) -> list[Message]:
    """What is said of an hour; its venue and district should be at hand.

    `recordId` and `revision` let the receiver drop what it has: the higher revision of
    an id is the truth, whichever comes first.
    """
    if record.kind == ExportRecord.Kind.FLOW:
        return [
            {
                "recordId": str(record.public_id),
                "revision": record.revision,
                **_place(record),
                "equipmentCode": record.venue.name[:_NAME_LENGTH],
                "time": _time(record),
                "inCount": record.came,
                "outCount": record.left,
            }
        ]
    return [
        {
            "recordId": str(uuid5(record.public_id, f"{door['device']}|{core}")),
            "revision": record.revision,
            **_place(record),
            "acqTime": _time(record),
            "acqNumOfPeople": door["came"],
            "leaNumOfPeople": door["left"],
            "deviceId": door["device"],
            "isCoreArea": core,
        }
        for door in record.doors
        for core in [1 if door["is_core"] else 0]
    ]


def _place(record: ExportRecord) -> Message:
    """GB/T 2260 codes as numbers: province, city, district; and the venue's own."""
    venue = record.venue
    code = venue.district.code
    return {
        "provinceId": int(f"{code[:2]}0000"),
        "cityId": int(f"{code[:4]}00"),
        "districtId": int(code),
        "venueId": (venue.national_code or venue.code)[:_CODE_LENGTH],
    }


def _time(record: ExportRecord) -> str:
    """The end of the hour in China: 18:00:00 is from 17 to 18 o'clock."""
    return f"{record.ends_at.astimezone(clock.CHINA):%Y-%m-%d %H:%M:%S}"


class FileAdapter:
    """One JSON object a line, in a file per kind and day; written to the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, kind: str, records: Sequence[ExportRecord]) -> None:
        by_day: dict[str, list[str]] = {}
        for record in records:
            # Midnight ends the day before: its hour belongs there.
            day = f"{record.starts_at.astimezone(clock.CHINA):%Y-%m-%d}"
            by_day.setdefault(day, []).extend(
                json.dumps(one, ensure_ascii=False) for one in messages_of(record)
            )
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for day, lines in sorted(by_day.items()):
                self._append(self._folder / f"{kind}-{day}.jsonl", lines)
        except OSError as failed:
            raise ReceiverAway(str(failed)) from failed

    def _append(self, path: Path, lines: Sequence[str]) -> None:
        """Whole lines, whoever else writes; a torn one of a crash is ended first."""
        with path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = os.fstat(file.fileno()).st_size
            last = os.pread(file.fileno(), 1, size - 1) if size else b"\n"
            start = b"" if last == b"\n" else b"\n"
            file.write(start + "".join(f"{line}\n" for line in lines).encode())
            file.flush()
            os.fsync(file.fileno())


class HttpAdapter:
    """A JSON array by POST to the address of the kind."""

    def __init__(self, addresses: dict[str, str], *, token: str = "") -> None:
        self._addresses = addresses
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def send(self, kind: str, records: Sequence[ExportRecord]) -> None:
        address = self._addresses.get(kind, "")
        if not address:
            raise ReceiverRefused(f"no address is set for {kind}")
        body = [one for record in records for one in messages_of(record)]
        try:
            answer = requests.post(
                address,
                json=body,
                headers=self._headers,
                timeout=TIMEOUTS,
                # A redirect would turn the POST into a GET that anybody answers.
                allow_redirects=False,
            )
        except requests.RequestException as failed:
            raise ReceiverAway(f"{type(failed).__name__}: {failed}") from failed
        if 200 <= answer.status_code < 300:
            return
        told = f"{answer.status_code} {answer.reason}: {answer.text[:120]}"
        if answer.status_code >= 500 or answer.status_code in _BUSY:
            raise ReceiverAway(told)
        raise ReceiverRefused(told)
