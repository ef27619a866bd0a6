"""
A ZIP archive of XML opened with distrust: both can be made to unpack without end.

Each part is inflated piece by piece and counted, and its elements are told one by one; nothing is kept of it.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from xml.parsers import expat  # what it is used for is to refuse: no document type, no entities
from zipfile import BadZipFile, ZipFile, ZipInfo

from marketplace.domain.errors import Invalid

MIB: Final = 1024 * 1024
CHUNK: Final = 64 * 1024
SLICE: Final = 4 * 1024


@dataclass(frozen=True)
class Limits:
    """How much a file may hold; each figure is the most that is still read."""

    file_bytes: int = 20 * MIB
    entries: int = 1000
    inflated_bytes: int = 128 * MIB
    string_bytes: int = 20 * MIB
    ratio: int = 150
    """Bytes unpacked for a byte of the file; asked from 8 MiB on, for what is small does no harm."""
    rows: int = 60_000
    row_tags: int = 100_000
    """Rows with a format and nothing in them are common below the last one that counts."""
    columns: int = 100
    characters: int = 2000
    span_bytes: int = MIB
    """From the beginning of a row, or of a shared text, to the next."""
    span_tags: int = 20_000
    strings: int = 400_000
    formats: int = 16_384
    doctype: bool = False


LIMITS: Final = Limits()


def broken() -> Invalid:
    """Return the refusal of what is no proper workbook."""
    return Invalid("This workbook cannot be read. Save it again as XLSX, or as CSV.", field="file")


def bomb() -> Invalid:
    """Return the refusal of what unpacks to more than it should."""
    return Invalid(
        "This workbook unpacks to more than a list of weighbridge tickets can hold. Save the list alone as CSV.",
        field="file",
    )


class Handler(Protocol):
    """Is told where each element begins; ``mark`` is the byte at which the latest row or shared text begins."""

    mark: int

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take an element: its namespace and name with a space between, and its attributes."""


class Archive:
    """The entries of a ZIP file in memory. Raises Invalid for what is broken, encrypted or grows too much."""

    def __init__(self, content: bytes, limits: Limits) -> None:
        self._content, self._limits = memoryview(content), limits
        self._left = limits.inflated_bytes
        if content.count(b"PK\x01\x02") > limits.entries:  # before each entry becomes an object
            raise bomb()
        try:
            with ZipFile(io.BytesIO(content)) as archive:
                entries = archive.infolist()
        except (BadZipFile, ValueError, OSError, NotImplementedError, RecursionError) as error:
            raise broken() from error
        if len(entries) > limits.entries:
            raise bomb()
        whole = sum(entry.file_size for entry in entries)
        if whole > limits.inflated_bytes or (whole > 8 * MIB and whole > limits.ratio * len(content)):
            raise bomb()
        if any(entry.flag_bits & 0x1 for entry in entries):
            raise Invalid(
                "This workbook is protected by a password. Save it without one, as XLSX or CSV.", field="file"
            )
        self._entries = {entry.filename.lower().lstrip("/"): entry for entry in entries}
        if len(self._entries) != len(entries):
            raise broken()  # of two entries with one name, two readers may read different ones

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._entries

    def inflate(self, name: str) -> Iterator[bytes]:
        """Yield what an entry holds, piece by piece; what it says of its size must be true."""
        entry = self._entries.get(name.lower())
        if entry is None:
            raise broken()
        size, checksum = 0, 0
        for piece in self._pieces(entry):
            size += len(piece)
            self._left -= len(piece)
            if size > entry.file_size or self._left < 0:
                raise bomb()
            checksum = zlib.crc32(piece, checksum)
            yield piece
        if size != entry.file_size or checksum != entry.CRC:
            raise broken()

    def _pieces(self, entry: ZipInfo) -> Iterator[bytes]:
        head = bytes(self._content[entry.header_offset : entry.header_offset + 30])
        if len(head) < 30 or head[:4] != b"PK\x03\x04" or entry.compress_type not in {0, 8}:
            raise broken()
        begin = entry.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        packed = self._content[begin : begin + entry.compress_size]
        if len(packed) != entry.compress_size:
            raise broken()
        if entry.compress_type == 0:
            for at in range(0, len(packed), CHUNK):
                yield bytes(packed[at : at + CHUNK])
            return
        inflating = zlib.decompressobj(-15)
        try:
            for at in range(0, len(packed), SLICE):
                waiting = bytes(packed[at : at + SLICE])
                while waiting and not inflating.eof:
                    yield inflating.decompress(waiting, CHUNK)
                    waiting = inflating.unconsumed_tail
            yield inflating.flush()
        except zlib.error as error:
            raise broken() from error


def walk(
    archive: Archive, name: str, handler: Handler, limits: Limits, *, into: Callable[[bytes], object] | None = None
) -> None:
    """
    Tell a handler what an XML part holds, and copy its bytes.

    Raises Invalid for what is no XML, declares a document type, or grows too much between two marks.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    handler.mark = 0
    tags, at = 0, 0
    start = handler.start

    def started(element: str, attributes: dict[str, str]) -> None:
        nonlocal tags, at
        tags += 1
        if tags > limits.span_tags:
            raise bomb()
        start(element, attributes)
        if handler.mark < 0:  # the handler is at a row
            handler.mark = parser.CurrentByteIndex
            if handler.mark - at > limits.span_bytes:
                raise bomb()
            at, tags = handler.mark, 0

    def doctype(*_: object) -> None:
        if not limits.doctype:
            raise broken()

    parser.StartElementHandler = started
    parser.StartDoctypeDeclHandler = doctype
    fed = 0
    try:
        for piece in archive.inflate(name):
            parser.Parse(piece, False)
            fed += len(piece)
            if fed - at > limits.span_bytes + CHUNK:
                raise bomb()
            if into is not None:
                into(piece)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise broken() from error
