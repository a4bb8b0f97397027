"""The curve BLS12-381 and its pairing, as far as checking a signature needs them.

Numbers are those of draft-irtf-cfrg-pairing-friendly-curves. Points are (x, y), and
None is the point at infinity. In G2, x and y are (a, b) for a + b·i with i² = -1. A
number of the large field is six of those, for the powers of w, with w⁶ = 1 + i.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

P = int(
    "1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF"
    "6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB",
    16,
)
ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
X = 0xD201000000010000
"""What the curve is made from, without its sign (it is negative)."""

G1Point: TypeAlias = tuple[int, int]
Fp2: TypeAlias = tuple[int, int]
G2Point: TypeAlias = tuple[Fp2, Fp2]
Fp12: TypeAlias = list[Fp2]

G2_GENERATOR: G2Point = (
    (
        0x024AA2B2F08F0A91260805272DC51051C6E47AD4FA403B02B4510B647AE3D1770BAC0326A805BBEFD48056C8C121BDB8,
        0x13E02B6052719F607DACD3A088274F65596BD0D09920B61AB5DA61BBDC7F5049334CF11213945D57E5AC7D055D042B7E,
    ),
    (
        0x0CE5D527727D6E118CC9CDC6DA2E351AADFD9BAA8CBDD3A76D429A695160D12C923AC9CC3BACA289E193548608B82801,
        0x0606C4A02EA734CC32ACD2B02BC28B99CB3E287E85A763AF267492AB572E99AB3F370D275CEC1DA1AAA9075FF05F79BE,
    ),
)
_ONE: Fp12 = [(1, 0)] + [(0, 0)] * 5


# --- Points of G1 -----------------------------------------------------------------


def negative(point: G1Point) -> G1Point:
    return point[0], -point[1] % P


def add(one: G1Point | None, other: G1Point | None) -> G1Point | None:
    if one is None or other is None:
        return one or other
    (x, y), (u, v) = one, other
    if x == u:
        if (y + v) % P == 0:
            return None
        slope = 3 * x * x * pow(2 * y, -1, P)
    else:
        slope = (v - y) * pow(u - x, -1, P)
    across = (slope * slope - x - u) % P
    return across, (slope * (x - across) - y) % P


def multiply(point: G1Point | None, times: int) -> G1Point | None:
    found = None
    for bit in f"{times:b}":
        found = add(found, found)
        if bit == "1":
            found = add(found, point)
    return found


# --- The fields -------------------------------------------------------------------


def _times(one: Fp2, other: Fp2) -> Fp2:
    (a, b), (c, d) = one, other
    return (a * c - b * d) % P, (a * d + b * c) % P


def _minus(one: Fp2, other: Fp2) -> Fp2:
    return (one[0] - other[0]) % P, (one[1] - other[1]) % P


def _inverse(of: Fp2) -> Fp2:
    norm = pow(of[0] * of[0] + of[1] * of[1], -1, P)
    return of[0] * norm % P, -of[1] * norm % P


def _times12(one: Fp12, other: Fp12) -> Fp12:
    sums = [[0, 0] for _n in range(11)]
    for n, (a, b) in enumerate(one):
        if a or b:
            for m, (c, d) in enumerate(other):
                if c or d:
                    into = sums[n + m]
                    into[0] += a * c - b * d
                    into[1] += a * d + b * c
    for n in range(5):  # w⁶ = 1 + i
        a, b = sums[n + 6]
        sums[n][0] += a - b
        sums[n][1] += a + b
    return [(a % P, b % P) for a, b in sums[:6]]


def _power12(of: Fp12, exponent: int) -> Fp12:
    found = _ONE
    for bit in f"{exponent:b}":
        found = _times12(found, found)
        if bit == "1":
            found = _times12(found, of)
    return found


# --- The pairing ------------------------------------------------------------------


def pairings_cancel_out(pairs: Iterable[tuple[G1Point, G2Point]]) -> bool:
    """Whether the product of the pairings of these points is one.

    Miller's loop for all of them together. Factors of smaller fields are left out: the
    last power makes each of them one, and the sign of `X` makes no difference either.
    """
    asked = list(pairs)
    reached = [large for _small, large in asked]
    found = _ONE
    for bit in f"{X:b}"[1:]:
        found = _times12(found, found)
        for n, (small, large) in enumerate(asked):
            line, reached[n] = _step(small, reached[n], reached[n])
            found = _times12(found, line)
            if bit == "1":
                line, reached[n] = _step(small, reached[n], large)
                found = _times12(found, line)
    return _power12(found, (P**12 - 1) // ORDER) == _ONE


def _step(small: G1Point, one: G2Point, other: G2Point) -> tuple[Fp12, G2Point]:
    """(the line through two points of G2, as it is at the point of G1; their sum)."""
    (x, y), (u, v) = one, other
    if one == other:
        square = _times(x, x)
        above = 3 * square[0] % P, 3 * square[1] % P
        below = 2 * y[0] % P, 2 * y[1] % P
    else:
        above, below = _minus(v, y), _minus(u, x)
    slope = _times(above, _inverse(below))
    across = _minus(_minus(_times(slope, slope), x), u)
    sum_of_both = across, _minus(_times(slope, _minus(x, across)), y)
    # On the curve itself the point is (x / w², y / w³); the line is taken times w³.
    line: Fp12 = [(0, 0)] * 6
    line[0] = _minus(_times(slope, x), y)
    line[2] = -slope[0] * small[0] % P, -slope[1] * small[0] % P
    line[3] = small[1], 0
    return line, sum_of_both
