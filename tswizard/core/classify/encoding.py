"""The lines of a log, from bytes in whatever encoding it came.

PowerShell 5 writes UTF-16, Windows' consoles legacy code pages, and a log that was appended to by
several programs holds several encodings. So what is not plain UTF-8 is decided line by line, by
which encoding gives words that PostgreSQL's messages have.
"""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from tswizard.core.classify.translate import Translator

MAX_LINE_BYTES = 1 << 20
"""Most bytes of a line that are read at once; a longer one is read as several."""

LEGACY = (
    *("cp1252", "cp1251", "gb18030", "cp932", "cp949", "big5", "euc_jp", "cp1250", "cp1254"),
    *("koi8_r", "cp866", "cp850", "cp852", "iso8859_2", "iso8859_5", "iso8859_9"),
)
"""Encodings that are tried for what is no UTF-8."""

_ATTEMPTS = 200
"""Lines without a known word in any encoding, after which no more is tried."""

_BOMS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}
_WORDS_BEGIN = re.compile(r"(?:pg_\w+|psql|vacuumdb)(?:\.exe)?:|\S+ ?[:：]  ")
# UTF-8 that was read as a code page and written again: `Ã©`, `├®`, `╨Р`, `РЎ`.
_TWICE = re.compile("[ÃÂâ├┬╨╤ÐÑ閿]|Р[^\\x00-\\x7f]|С[^\\x00-\\x7f]")
_TWICE_AS = ("cp1252", "cp437", "cp850", "cp866", "cp1251", "gb18030")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\ufffd]")


class LogReader:
    """Iterates over the lines of a log, with their ends (`\\n`).

    Bytes that are no text in any encoding become `\\xe9` and the like.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.encodings: dict[str, int] = {}
        """Lines by encoding, besides ASCII."""
        self.unreadable = 0
        """Lines with bytes that are no text."""
        self._legacy = ""
        self._failed = 0

    def __iter__(self) -> Iterator[str]:
        first = self._stream.readline(MAX_LINE_BYTES)
        encoding = _encoding(first)
        first = first.removeprefix(_BOMS.get(encoding, b""))
        if encoding.startswith("utf-16"):
            yield from self._wide(first, encoding)
        else:
            yield from self._narrow(first)

    def _narrow(self, first: bytes) -> Iterator[str]:
        raw = first
        while raw:
            line = self._text(raw)
            if line.count("\r") > 2 and "\n" not in line:
                # Lines that end as on a Mac of old.
                yield from (f"{part}\n" for part in line.removesuffix("\r").split("\r"))
            else:
                yield line
            raw = self._stream.readline(MAX_LINE_BYTES)

    def _wide(self, first: bytes, encoding: str) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        rest, raw = "", first
        while raw:
            # readline, not read: a pipe gives its lines as they come.
            *lines, rest = (rest + decoder.decode(raw)).split("\n")
            for line in lines:
                yield from self._written_narrow(f"{line}\n", encoding)
            if len(rest) > MAX_LINE_BYTES:
                yield rest
                rest = ""
            raw = self._stream.readline(MAX_LINE_BYTES)
        if rest := rest + decoder.decode(b"", final=True):
            yield from self._written_narrow(rest, encoding)

    def _written_narrow(self, line: str, encoding: str) -> Iterator[str]:
        """Another program may have appended ASCII to UTF-16: two characters became one."""
        raw = line.encode(encoding, "replace")
        if "\ufffd" in line:
            self.unreadable += 1
        if not line.isascii() and raw.isascii() and b"\0" not in raw.removesuffix(b"\n\0"):
            text = raw.removesuffix(b"\n\0").decode("ascii")
            yield from text.splitlines(keepends=True)
            return
        self._count(encoding)
        yield self._once(line.replace("\x00", "").replace("\ufeff", ""))

    def _text(self, raw: bytes) -> str:
        if raw.isascii() and b"\0" not in raw:
            return raw.decode("ascii")
        if raw.count(b"\0") * 4 > len(raw):
            return self._appended_wide(raw)
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            return self._in_legacy(raw)
        if _CONTROL.search(text):
            self.unreadable += 1
            text = text.replace("\x00", "")
        if not text.isascii():
            self._count("utf-8")
            text = self._once(text)
        return text.replace("\ufeff", "")

    def _appended_wide(self, raw: bytes) -> str:
        """UTF-16 in a log that begins otherwise; split at `\\n`, whose second byte is the next
        line's first."""
        wide = raw.removeprefix(b"\0").removesuffix(b"\n").removesuffix(b"\r\0")
        try:
            text = wide.decode("utf-16-le")
        except UnicodeDecodeError:
            text = wide.replace(b"\0", b"").decode("utf-8", "backslashreplace")
            self.unreadable += 1
        self._count("utf-16-le")
        return text + "\n" if raw.endswith(b"\n") else text

    def _in_legacy(self, raw: bytes) -> str:
        raw = raw.replace(b"\0", b"")
        if self._legacy:
            try:
                text = raw.decode(self._legacy)
            except UnicodeDecodeError:
                pass
            else:
                self._count(self._legacy)
                return text
        if self._failed < _ATTEMPTS:
            found = _best_encoding(raw)
            if found:
                self._legacy = found
                self._count(found)
                return raw.decode(found)
            self._failed += 1
        self.unreadable += 1
        return raw.decode("utf-8", "backslashreplace")

    def _once(self, text: str) -> str:
        """UTF-8 that was taken for a code page, and written again."""
        if text.isascii() or not _TWICE.search(text):
            return text
        for encoding in _TWICE_AS:
            try:
                again = text.encode(encoding).decode("utf-8")
            except UnicodeError:
                continue
            self._count(f"utf-8 read as {encoding}")
            return again
        return text

    def _count(self, encoding: str) -> None:
        self.encodings[encoding] = self.encodings.get(encoding, 0) + 1


def _encoding(first: bytes) -> str:
    """By the byte order mark; UTF-16 without one shows by the zero bytes of ASCII characters."""
    for encoding, bom in _BOMS.items():
        if first.startswith(bom):
            return encoding
    half = len(first) // 2
    if half and first[1::2].count(0) * 2 > half and first[::2].count(0) * 4 < half:
        return "utf-16-le"
    if half and first[::2].count(0) * 2 > half and first[1::2].count(0) * 4 < half:
        return "utf-16-be"
    return "utf-8"


def _best_encoding(raw: bytes) -> str:
    """The encoding in which most of the line is words of PostgreSQL's; empty when none is."""
    best, most = "", 0
    for encoding in LEGACY:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        begin = _WORDS_BEGIN.search(text)
        translator = Translator()
        translator.line(text[begin.start() :] if begin else text)
        known = translator.languages.total()
        if known > most:
            best, most = encoding, known
    return best
