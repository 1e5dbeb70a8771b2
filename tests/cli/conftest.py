from collections.abc import Callable

import pytest

from votewise.cli import main


@pytest.fixture
def end() -> Callable[..., int]:
    """Run the command line in this process; gives its exit code."""

    def run(*arguments: object) -> int:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return int(ended.value.code or 0)

    return run
