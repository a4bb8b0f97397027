"""drand quicknet over HTTP. Never called inside a transaction."""

from __future__ import annotations

import re

import requests
from django.conf import settings

from bureau.draws import sportdraw

TIMEOUTS = (3, 10)  # seconds to connect, to answer
_SIGNATURE = re.compile(r"[0-9a-f]{96}", re.ASCII)


class DrandAway(Exception):
    """No answer, or none that can be believed. Ask again later, for the same round."""


def fetch_signature(round_number: str) -> str:
    """The signature of a round, 96 hex digits; its SHA-256 is the round's value.

    Raises `DrandAway`.
    """
    address = f"{settings.DRAND_URL}/public/{round_number}"
    try:
        answer = requests.get(address, timeout=TIMEOUTS)
        answer.raise_for_status()
        told = answer.json()
        signature = str(told["signature"]).lower()
        randomness = str(told["randomness"]).lower()
        number = str(told["round"])
    except (requests.RequestException, ValueError, KeyError, TypeError) as failed:
        raise DrandAway(str(failed)) from failed
    if number != round_number or not _SIGNATURE.fullmatch(signature):
        raise DrandAway("another round, or no signature")
    if sportdraw.sha256(bytes.fromhex(signature)).hex() != randomness:
        raise DrandAway("the randomness is not the hash of the signature")
    return signature
