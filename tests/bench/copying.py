"""The data phase of a job given on standard input, in a process of its own; says its seconds."""

import asyncio
import sys
import time

from tests.support.split_ends import migrate, rebuilt

if __name__ == "__main__":
    job = rebuilt(sys.stdin.readline())
    started = time.monotonic()
    heard = asyncio.run(migrate(job))
    assert not heard.findings, heard.findings
    print(time.monotonic() - started)
