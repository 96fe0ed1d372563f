"""What Windows PowerShell 5 makes of a program's stderr.

It takes the first line that a program writes there for an error of its own, wraps it to the width
of the console, and frames it; what follows it writes as it comes:

    pg_restore.exe : pg_restore: error: could not execute query: ERROR:  relation "a.b" does not
    exist
    At line:1 char:1
    + & 'C:\\Program Files\\PostgreSQL\\15\\bin\\pg_restore.exe' -d x …
    + ~~~~~~~~~~~~~~~~~~~~
        + CategoryInfo          : NotSpecified: (…:String) [], RemoteException
        + FullyQualifiedErrorId : NativeCommandError
"""

import re
from collections.abc import Iterator

_FIRST = re.compile(r"(?:[\w:\\.() -]{1,200}\\)?(?:pg_\w+|psql|vacuumdb)(?:\.exe)? : ")
# `At line:1 char:1`, in the language of Windows.
_PLACE = re.compile(r"\S.{0,60}[:：] ?\d{1,6} .{0,40}[:：] ?\d{1,6}\s*$")
_MARKED = re.compile(r"\s*\+ ")
_WRAPS = 6
"""Lines that one line of a tool is wrapped to, at most."""


class PowerShell:
    """Takes lines as they come; gives them back without the frame, each with its number."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._number = 0
        self._framed = False

    @property
    def idle(self) -> bool:
        """Whether no frame is open."""
        return not self._pieces and not self._framed

    def feed(self, line: str, number: int) -> Iterator[tuple[int, str]]:
        """The lines that are complete now."""
        first = _FIRST.match(line)
        if first is not None:
            yield from self.close()
            self._pieces, self._number = [line[first.end() :]], number
        elif self._pieces:
            if _MARKED.match(line) or _PLACE.match(line):
                yield from self.close()
                self._framed = True
            elif len(self._pieces) < _WRAPS:
                self._pieces.append(line)
            else:
                # No frame after all.
                pieces, self._pieces = self._pieces, []
                yield from ((self._number + n, text) for n, text in enumerate((*pieces, line)))
        elif self._framed and (
            _MARKED.match(line) or not line.strip() or line.endswith("Exception")
        ):
            self._framed = bool(line.strip())
        else:
            self._framed = False
            yield number, line

    def close(self) -> Iterator[tuple[int, str]]:
        """The line that is held back."""
        pieces, self._pieces = self._pieces, []
        if pieces:
            text = "".join(piece if piece.endswith(" ") else f"{piece} " for piece in pieces)
            yield self._number, text.rstrip()
