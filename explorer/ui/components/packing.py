"""Numbers and words in one value of bytes, which is what Streamlit carries to a component at the least cost.

    4 bytes   length n of the JSON, little-endian
    n bytes   JSON; an array in it stands as {"array": [type, offset, shape]}, bytes as type "u1"
    padding   to a multiple of 8
    arrays    each begins at a multiple of 8, counted from the end of that padding

packing.js reads it without a copy, so that a chart draws from the very bytes that came.
"""

from __future__ import annotations

import json

import numpy as np

TYPES = {"float32": "f4", "float64": "f8", "uint8": "u1"}
ALIGNED = 8


def pack(value) -> bytes:
    """A value of dicts, lists, text, numbers, bytes and NumPy arrays (float32, float64, uint8) as bytes.

    Raises ValueError for NaN or infinity outside an array, which JSON cannot say, and TypeError for other types.
    """
    parts, end = [], 0

    def stand_in(found) -> dict:
        nonlocal end
        array = np.frombuffer(found, np.uint8) if isinstance(found, bytes) else found
        if not isinstance(array, np.ndarray) or str(array.dtype) not in TYPES:
            raise TypeError(f"can pack float32, float64 and uint8 arrays and bytes, got {_kind(found)}")
        data = array.tobytes()
        place = {"array": [TYPES[str(array.dtype)], end, list(array.shape)]}
        parts.append(data)
        parts.append(b"\0" * (-len(data) % ALIGNED))
        end += len(data) + len(parts[-1])
        return place

    head = json.dumps(value, default=stand_in, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    return b"".join([len(head).to_bytes(4, "little"), head, b"\0" * (-(4 + len(head)) % ALIGNED), *parts])


def unpack(data: bytes):
    """What was packed, arrays as read-only NumPy arrays and bytes as arrays of uint8."""
    length = int.from_bytes(data[:4], "little")
    start = 4 + length + -(4 + length) % ALIGNED
    names = {short: name for name, short in TYPES.items()}

    def array(found: dict):
        if found.keys() != {"array"}:
            return found
        kind, offset, shape = found["array"]
        count = int(np.prod(shape))
        return np.frombuffer(data, names[kind], count, start + offset).reshape(shape)

    return json.loads(data[4 : 4 + length], object_hook=array)


def _kind(found) -> str:
    return f"an array of {found.dtype}" if isinstance(found, np.ndarray) else type(found).__name__
