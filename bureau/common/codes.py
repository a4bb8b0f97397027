"""Codes that people scan, and the rotating proof that a code is shown live.

Everything scannable is `https://<host>/<kind>/<code>`; `code` is random Crockford
base32, never a database id. A pass or voucher also carries a 30-second counter and a
truncated HMAC, so a screenshot dies within a minute. The HMAC's key is of one day and
one item, made from the item's own key: a gate without network is given the day's keys,
and cannot make tomorrow's proofs with them.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256

import qrcode
import qrcode.image.svg

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 12  # 60 bits
STEP_SECONDS = 30
PROOF_LENGTH = 10  # 50 bits, good for one minute
_CHINA_SECONDS = 8 * 3600  # ahead of UTC, all year
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V"})
_SEPARATORS = re.compile(r"[\s\-]")


def new_code(length: int = LENGTH) -> str:
    """A random code of `length` characters, 5 bits each."""
    number = secrets.randbits(5 * length)
    return "".join(ALPHABET[number >> 5 * i & 31] for i in range(length))


def new_key() -> bytes:
    """A per-item secret for `proof_of`."""
    return secrets.token_bytes(32)


def normalise(typed: str) -> str:
    """What a person typed, as stored: upper case, no spaces or hyphens, O as 0."""
    return _SEPARATORS.sub("", typed).upper().translate(_LOOKALIKES)


def grouped(code: str) -> str:
    """A code as people read it aloud: `7K3M-0Q2X-9VBC`."""
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))


def step_at(moment: datetime) -> int:
    """The number of the 30-second step that a moment falls in."""
    return int(moment.timestamp()) // STEP_SECONDS


def day_of(step: int) -> date:
    """The date in China of a step; no step lies in two days."""
    days = (step * STEP_SECONDS + _CHINA_SECONDS) // 86400
    return date.fromordinal(_EPOCH_ORDINAL + days)


def day_key(key: bytes, on: date) -> bytes:
    """What proves an item's codes on one day; its own key does not follow from it."""
    return hmac.new(key, f"day|{on.isoformat()}".encode(), sha256).digest()


def seconds_left(moment: datetime) -> int:
    """Seconds until the code shown at `moment` is replaced (1..30)."""
    return STEP_SECONDS - int(moment.timestamp()) % STEP_SECONDS


def proof_of(code: str, *, key: bytes, step: int) -> str:
    """The proof in a QR code: 10 Crockford characters."""
    number = int.from_bytes(_mac(code, key, step)[:8], "big")
    return "".join(ALPHABET[number >> 5 * i & 31] for i in range(PROOF_LENGTH))


def digits_of(code: str, *, key: bytes, step: int) -> str:
    """The proof that can be read aloud and typed: 6 digits (as RFC 6238 has it)."""
    return f"{int.from_bytes(_mac(code, key, step)[8:16], 'big') % 10**6:06}"


def is_live(code: str, given: str, *, key: bytes, at: datetime) -> bool:
    """Whether `given` proves `code` in the current 30-second step or the one before."""
    now = step_at(at)
    return any(
        hmac.compare_digest(given.encode(), expected.encode())
        for step in (now, now - 1)
        for expected in (
            proof_of(code, key=key, step=step),
            digits_of(code, key=key, step=step),
        )
    )


@dataclass(frozen=True)
class Scanned:
    """What came out of a scanner or a keyboard: a code and, perhaps, its proof."""

    code: str
    proof: str


_URL = re.compile(
    r"/(?P<kind>[a-z])/(?P<code>[0-9A-Za-z\-]+)(?:\?k=(?P<proof>[0-9A-Z]+))?$"
)


def parse(text: str, *, kind: str) -> Scanned | None:
    """Read a scanned address (`…/p/<code>?k=<proof>`) or a typed `<code> <6 digits>`.

    Returns None when the text is neither, or is an address of another kind.
    """
    text = text.strip()
    if found := _URL.search(text):
        if found["kind"] != kind:
            return None
        return Scanned(normalise(found["code"]), found["proof"] or "")
    typed = normalise(text)
    code, proof = typed[:LENGTH], typed[LENGTH:]
    if len(code) < LENGTH or set(typed) - set(ALPHABET) or len(proof) not in (0, 6):
        return None
    return Scanned(code, proof)


def qr_svg(text: str) -> str:
    """A QR code as a standalone SVG document, error correction M, 4 modules margin."""
    image = qrcode.make(
        text,
        image_factory=qrcode.image.svg.SvgPathImage,
        error_correction=qrcode.constants.ERROR_CORRECT_M,
    )
    return image.to_string(encoding="unicode")


def _mac(code: str, key: bytes, step: int) -> bytes:
    todays = day_key(key, day_of(step))
    return hmac.new(todays, f"{code}|{step}".encode(), sha256).digest()
