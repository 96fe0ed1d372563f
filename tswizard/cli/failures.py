"""What a person can fix is told in a sentence and an exit code, never in a traceback."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import click
from psycopg import Error

from tswizard.answers_file import BadAnswers
from tswizard.cli.output import say
from tswizard.core.db.endpoint import BadEndpoint
from tswizard.core.db.errors import CannotConnect, ServerError, explain_error
from tswizard.core.run.context import StepFailed
from tswizard.core.run.run_folder import RunFolderError
from tswizard.exit_codes import Exit


@contextmanager
def failures(code: Exit, last: str = "", *, then: str = "") -> Iterator[None]:
    """Whoever calls this knows what has been done so far: `code` says so to a program, and `last`
    to a person, as one more sentence. `then` is what to do when a server's error is dealt with.

    A run folder that cannot be used is always exit code 3, an answers file that cannot be used 2.
    Raises click.exceptions.Exit.
    """
    try:
        yield
    except (CannotConnect, Error, ServerError) as error:
        told = explain_error(error)
        what = f"{told.sentence} {told.todo} {then}".rstrip()
    except StepFailed as failure:
        what = f"{failure.finding.what} {failure.finding.todo}"
    except RunFolderError as error:
        what, code = str(error), Exit.STOPPED
    except BadEndpoint as error:
        what = f"The recorded address cannot be used. {error}"
    except BadAnswers as error:
        what, code = str(error), Exit.USAGE
    except (asyncio.CancelledError, KeyboardInterrupt):
        what, code = "Stopped.", Exit.STOPPED
    else:
        return
    say(f"{what} {last}".rstrip())
    raise click.exceptions.Exit(code)
