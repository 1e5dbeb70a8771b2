"""A temporary folder that stays as long as somebody uses what is in it."""

from __future__ import annotations

import tempfile
import weakref
from contextlib import ExitStack
from pathlib import Path

from votewise.storage.staging import staging_folder


class TemporaryFolder:
    """A folder that is removed when nobody refers to this object any more, and at the latest at the end of the program."""

    def __init__(self) -> None:
        stack = ExitStack()
        self.path = stack.enter_context(staging_folder(Path(tempfile.gettempdir())))
        weakref.finalize(self, stack.close)
