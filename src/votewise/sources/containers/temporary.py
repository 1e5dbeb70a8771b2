"""A temporary folder that stays as long as somebody uses what is in it."""

from __future__ import annotations

import errno
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from votewise.errors import BadInputError
from votewise.storage.staging import temporary_folder


class NoRoomError(BadInputError):
    """The disk is full."""


class TemporaryFolder:
    """A folder that is removed when nobody refers to this object any more, and at the latest at the end of the program."""

    def __init__(self) -> None:
        stack = ExitStack()
        self.path = stack.enter_context(temporary_folder())
        weakref.finalize(self, stack.close)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write files there.

        Raises:
            NoRoomError: the disk is full.
        """
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise NoRoomError(
                "there is no room for texts that do not fit into memory",
                source=str(self.path.parent),
                expected="free space there, or TMPDIR=FOLDER before the command for a folder that has some",
            ) from error
