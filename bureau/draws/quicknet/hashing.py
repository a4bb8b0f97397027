"""From a message to a point of G1: RFC 9380, suite BLS12381G1_XMD:SHA-256_SSWU_RO_."""

from __future__ import annotations

import hashlib

from bureau.draws.quicknet.isogeny import MAP, A, B, Z
from bureau.draws.quicknet.pairing import G1Point, P, X, add, multiply

_BLOCK, _DIGEST, _LENGTH = 64, 32, 64


def hash_to_g1(message: bytes, *, suite: bytes) -> G1Point:
    """The point of a message, as every library finds it (section 3 of the RFC)."""
    uniform = _expanded(message, suite, 2 * _LENGTH)
    first, second = (
        int.from_bytes(uniform[n : n + _LENGTH], "big") % P for n in (0, _LENGTH)
    )
    both = add(_on_the_curve(first), _on_the_curve(second))
    point = multiply(both, 1 + X)  # into the group
    if point is None:
        raise ValueError("This message has no point.")  # nobody can find such a one
    return point


def _expanded(message: bytes, suite: bytes, length: int) -> bytes:
    """`expand_message_xmd` (section 5.3.1)."""
    ending = suite + bytes([len(suite)])
    start = bytes(_BLOCK) + message + length.to_bytes(2, "big") + b"\0" + ending
    first = hashlib.sha256(start).digest()
    found, last = b"", bytes(_DIGEST)
    for n in range(1, length // _DIGEST + 1):
        mixed = bytes(a ^ b for a, b in zip(first, last, strict=True))
        last = hashlib.sha256(mixed + bytes([n]) + ending).digest()
        found += last
    return found


def _on_the_curve(number: int) -> G1Point:
    """The map of Shallue, van de Woestijne and Ulas (6.6.2) and the isogeny (6.6.3)."""
    square = Z * number * number % P
    both = (square * square + square) % P
    x = (
        -B * pow(A, -1, P) * (1 + pow(both, -1, P)) if both else B * pow(Z * A, -1, P)
    ) % P
    if not _is_square(_right_side(x)):
        x = square * x % P
    y = pow(_right_side(x), (P + 1) // 4, P)
    if y % 2 != number % 2:
        y = P - y
    x_above, x_below, y_above, y_below = (_value(row, x) for row in MAP)
    return (
        x_above * pow(x_below, -1, P) % P,
        y * y_above * pow(y_below, -1, P) % P,
    )


def _right_side(x: int) -> int:
    return (x**3 + A * x + B) % P


def _is_square(number: int) -> bool:
    return pow(number, (P - 1) // 2, P) in (0, 1)


def _value(coefficients: tuple[int, ...], x: int) -> int:
    """Of a polynomial; the coefficients begin with that of the power 0."""
    found = 0
    for one in reversed(coefficients):
        found = (found * x + one) % P
    return found
