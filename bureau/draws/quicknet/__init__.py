"""Whether drand's network has signed a round: BLS on the curve BLS12-381.

drand quicknet is run by some twenty organisations. Each round's signature is made by
most of them together and can be checked with one public key; nobody, and no bureau, can
make another one. This package checks it with Python alone, so that the checker of a
draw (`bureau.draws.verify`) needs nothing else and asks nobody.

It only ever checks public things. It keeps no secret, and would be no safe place for
one: how long it takes depends on its input.
"""

from __future__ import annotations

import hashlib
import re

from bureau.draws.quicknet.hashing import hash_to_g1
from bureau.draws.quicknet.pairing import (
    G2_GENERATOR,
    ORDER,
    G1Point,
    G2Point,
    P,
    multiply,
    negative,
    pairings_cancel_out,
)

PUBLIC_KEY = (
    "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c"
    "8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb"
    "5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
)
"""As drand publishes it, for the chain 52db9ba70e0cc0f6eaf7803dd07447a1f547…e971."""
SUITE = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
_SIGNATURE = re.compile(r"[0-9a-f]{96}", re.ASCII)

# The key once more as a point of G2, unpacked: ((x, x·i), (y, y·i)).
_KEY: G2Point = (
    (
        0x0D1FEC758C921CC22B0E17E63AAF4BCB5ED66304DE9CF809BD274CA73BAB4AF5A6E9C76A4BC09E76EAE8991EF5ECE45A,
        0x03CF0F2896ADEE7EB8B5F01FCAD3912212C437E0073E911FB90022D3E760183C8C4B450B6A0A6C3AC6A5776A2D106451,
    ),
    (
        0x0E5DB2B6BFBB01C867749CADFFCA88B36C24F3012BA09FC4D3022C5C37DCE0F977D3ADB5D183C7477C442B1F04515273,
        0x01A714F2EDB74119A2F2B0D5A7C75BA902D163700A61BC224EDEDD8E63AEF7BE1AAF8E93D7A9718B047CCDDB3EB5D68B,
    ),
)


def is_signed(round_number: int, signature: str) -> bool:
    """Whether a signature (96 hexadecimal digits) is quicknet's own of a round.

    Takes about a second.
    """
    point = _unpacked(signature.strip().lower())
    if point is None or round_number < 1:
        return False
    message = hashlib.sha256(round_number.to_bytes(8, "big")).digest()
    hashed = hash_to_g1(message, suite=SUITE)
    # e(signature, generator) = e(hash, key)
    return pairings_cancel_out([(negative(point), G2_GENERATOR), (hashed, _KEY)])


def _unpacked(signature: str) -> G1Point | None:
    """The point of G1 that 48 bytes stand for; None where they stand for none."""
    if not _SIGNATURE.fullmatch(signature):
        return None
    number = int(signature, 16)
    is_packed, is_infinite, is_larger = (number >> n & 1 for n in (383, 382, 381))
    x = number & ((1 << 381) - 1)
    if not is_packed or is_infinite or x >= P:
        return None
    y = pow(x**3 + 4, (P + 1) // 4, P)
    if y * y % P != (x**3 + 4) % P:
        return None
    if (y > P - y) != bool(is_larger):
        y = P - y
    # A point of the curve that is not of the group has to be refused.
    return (x, y) if multiply((x, y), ORDER) is None else None
