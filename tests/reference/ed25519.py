"""Points of edwards25519 by the plain formulas of RFC 8032 §5.1: slow, and enough to make hostile signatures."""

from __future__ import annotations

from hashlib import sha512

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P

Point = tuple[int, int]
IDENTITY: Point = (0, 1)


def add(one: Point, two: Point) -> Point:
    (x1, y1), (x2, y2) = one, two
    k = D * x1 * x2 * y1 * y2
    return (
        (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P,
    )


def times(scalar: int, point: Point) -> Point:
    result = IDENTITY
    for digit in f"{scalar:b}":
        result = add(result, result)
        if digit == "1":
            result = add(result, point)
    return result


def encode(point: Point) -> bytes:
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(raw: bytes) -> Point:
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square:
        raise ValueError("no point of the curve has this y coordinate")
    return (-x % P if x & 1 != raw[31] >> 7 else x), y


def secret_scalar(seed: bytes) -> int:
    """The scalar that RFC 8032 makes of a seed of 32 bytes."""
    raw = int.from_bytes(sha512(seed).digest()[:32], "little")
    return raw & ((1 << 254) - 8) | 1 << 254


def challenge(r: bytes, public: bytes, message: bytes) -> int:
    return int.from_bytes(sha512(r + public + message).digest(), "little") % L
