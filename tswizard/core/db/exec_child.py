"""Becomes a child process that the kernel ends when tswizard dies, even by kill -9 (Linux).

Run by `child_process` as a script: PARENT COMMAND ARG…. What `preexec_fn` would do cannot be done
there, since Python code between fork and exec may deadlock in a process with threads.
https://docs.python.org/3/library/subprocess.html#popen-constructor
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html"""


def _main(parent: str, *command: str) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        sys.exit(1)  # it died before the kernel was asked
    for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored_by_python, signal.SIG_DFL)
    os.execv(command[0], command)  # noqa: S606 - a shell is what it must not be


if __name__ == "__main__":
    _main(*sys.argv[1:])
