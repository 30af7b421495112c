"""Deterministic content for the tests: the same name and size always give the same bytes."""

import base64
import hashlib
from pathlib import Path

PIECE = 1 << 20


def pieces(size, seed):
    """`size` bytes that do not compress, in pieces of at most 1 MiB."""
    done, counter = 0, 0
    while done < size:
        piece = hashlib.shake_128(f"{seed}/{counter}".encode()).digest(min(PIECE, size - done))
        yield piece
        done, counter = done + len(piece), counter + 1


def write_file(path, size, seed="masu"):
    """Writes the file and returns the SHA-256 of its content."""
    digest = hashlib.sha256()
    with open(path, "wb") as out:
        for piece in pieces(size, seed):
            digest.update(piece)
            out.write(piece)
    return digest.hexdigest()


def sha256_of(size, seed):
    """The SHA-256 of what write_file() would write."""
    digest = hashlib.sha256()
    for piece in pieces(size, seed):
        digest.update(piece)
    return digest.hexdigest()


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def raw_cid(cid):
    """The CID of the same block as raw bytes: how Kubo names a block that it only stores. `cid` is a version 1 in base32."""
    text = cid[1:].upper()
    data = base64.b32decode(text + "=" * (-len(text) % 8))
    return "b" + base64.b32encode(bytes([data[0], 0x55]) + data[2:]).decode().rstrip("=").lower()


def write_directory(path, entries, size=64, seed="entry", contents=None):
    """A flat directory of small files, each with its own content; or with `contents` different ones, in turn."""
    path = Path(path)
    path.mkdir(parents=True)
    for number in range(entries):
        (path / f"file-{number:06}.txt").write_bytes(next(pieces(size, f"{seed}/{number % (contents or entries)}")))
