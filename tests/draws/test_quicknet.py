"""A signature of drand's network is known from every other one."""

from __future__ import annotations

import pytest

from bureau.draws.quicknet import is_signed
from bureau.draws.quicknet.hashing import hash_to_g1
from bureau.draws.quicknet.pairing import (
    G2_GENERATOR,
    ORDER,
    P,
    multiply,
    negative,
    pairings_cancel_out,
)
from tests.draws.make import SIGNATURE

# Of RFC 9380, J.9.1: the empty message.
RFC_SUITE = b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_"
RFC_X = int(
    "052926ADD2207B76CA4FA57A8734416C8DC95E24501772C8"
    "14278700EED6D1E4E8CF62D9C09DB0FAC349612B759E79A1",
    16,
)
RFC_Y = int(
    "08BA738453BFED09CB546DBB0783DBB3A5F1F566ED67BB6B"
    "E0E8C67E2E81A4CC68EE29813BB7994998F3EAE0C9C6A265",
    16,
)


def test_round_1000_is_signed_and_no_other_round_by_that() -> None:
    assert is_signed(1000, SIGNATURE)
    assert is_signed(1000, f" {SIGNATURE.upper()}")
    assert not is_signed(1001, SIGNATURE)


def turned() -> str:
    """The same point with the other sign: of the group, and no signature."""
    return f"{int(SIGNATURE, 16) ^ (1 << 381):096x}"


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "zz" * 48,
        SIGNATURE[:-2],
        SIGNATURE + "00",
        "00" * 48,
        "c0" + "00" * 47,  # the point at infinity
        f"{(1 << 383) | P:096x}",  # a number too large
        f"{(1 << 383) | 1:096x}",  # no point of the curve
        f"{(1 << 383) | 4:096x}",  # of the curve, and not of the group
        turned(),
    ],
)
def test_nothing_else_is_a_signature_of_it(signature: str) -> None:
    assert not is_signed(1000, signature)


def test_there_is_no_round_before_the_first() -> None:
    assert not is_signed(0, SIGNATURE)
    assert not is_signed(-1, SIGNATURE)


def test_a_message_is_hashed_as_the_standard_says() -> None:
    assert hash_to_g1(b"", suite=RFC_SUITE) == (RFC_X, RFC_Y)


def test_pairings_of_opposite_points_cancel_out_and_no_others() -> None:
    point = hash_to_g1(b"here", suite=RFC_SUITE)
    twice = multiply(point, 2)
    assert twice is not None
    assert multiply(point, ORDER) is None
    opposite = [(point, G2_GENERATOR), (negative(point), G2_GENERATOR)]
    assert pairings_cancel_out(opposite)
    summed = [(negative(twice), G2_GENERATOR), *[(point, G2_GENERATOR)] * 2]
    assert pairings_cancel_out(summed)
    assert not pairings_cancel_out(summed[:2])
