"""Writes the smallest RAR 4 archive there is: files stored without compression."""

import struct
import zlib


def rar(files: dict[str, bytes]) -> bytes:
    """Return the bytes of an archive (header layout of RAR 2.9 to 4: CRC, type, flags, size)."""
    blocks = [b"Rar!\x1a\x07\x00", _header(0x73, 0, bytes(6))]
    for name, content in files.items():
        path, size = name.encode(), len(content)
        fields = struct.pack(
            "<IIBIIBBHI",
            size,
            size,
            3,
            zlib.crc32(content),
            0x50000000,
            29,
            0x30,
            len(path),
            0o100644,
        )
        blocks += [_header(0x74, 0x8000, fields + path), content]
    blocks.append(_header(0x7B, 0x4000, b""))
    return b"".join(blocks)


def _header(kind: int, flags: int, rest: bytes) -> bytes:
    body = struct.pack("<BHH", kind, flags, 7 + len(rest)) + rest
    return struct.pack("<H", zlib.crc32(body) & 0xFFFF) + body
