from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from votewise.workflows.meanwhile import prepared_meanwhile


def test_modules_are_there_when_the_block_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slowly_made.py").write_text("import time\ntime.sleep(0.2)\nready = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    done: list[str] = []

    def then() -> None:
        done.append("then")
        raise RuntimeError("is told where it matters")

    with prepared_meanwhile("there_is_no_such_module", "slowly_made", then=then):
        pass
    assert sys.modules.pop("slowly_made").ready
    assert done == ["then"]


def test_an_error_in_the_block_is_that_error() -> None:
    with pytest.raises(KeyError, match="own"), prepared_meanwhile("json"):
        raise KeyError("own")


def test_looking_at_a_file_imports_no_pandas(tmp_path: Path) -> None:
    pq.write_table(pa.table({"prompt": ["a"] * 3}), tmp_path / "it's [one].parquet")
    code = (
        "import sys; from pathlib import Path; from votewise.sources.containers.table_files import TableFiles; "
        "found = TableFiles.of([Path(sys.argv[1])], 'parquet'); assert len(found) == 3 and found.bytes; "
        "assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "it's [one].parquet")], check=True)
