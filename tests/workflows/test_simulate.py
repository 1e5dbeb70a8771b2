"""The truth from Python: the same rows as in the file, texts and values alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from votewise import read_votes
from votewise.errors import BadInputError
from votewise.simulate import Profile
from votewise.workflows.simulate_clicks import simulate_clicks
from votewise.workflows.simulate_votes import simulate_votes


def plain(table: pa.Table) -> list[dict[str, Any]]:
    return table.to_pylist()


def test_votes_in_memory_are_those_of_the_file(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"pairs": 40, "spammers": 0.2, "votes_per_annotator": "5..20", "seed": 3}
    kept = simulate_votes(**settings)
    written = simulate_votes(**settings, out=tmp_path / "votes.parquet")
    assert kept.rows is not None
    assert written.rows is None
    assert plain(kept.rows) == plain(pq.read_table(tmp_path / "votes.parquet"))
    assert kept.summary | {"file": str(tmp_path / "votes.parquet")} == written.summary
    assert (kept.files, written.files) == ((), (tmp_path / "votes.parquet",))
    assert len(read_votes(kept.rows)) == kept.summary["votes"] == 120


def test_clicks_in_memory_are_those_of_the_file(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"users": 20, "comparisons_per_user": "5..9", "made_up": 100, "win_rate": 0.7, "seed": 3}
    kept = simulate_clicks(**settings)
    written = simulate_clicks(**settings, out=tmp_path / "clicks.parquet")
    assert kept.rows is not None
    assert written.rows is None
    assert plain(kept.rows) == plain(pq.read_table(tmp_path / "clicks.parquet"))
    assert (kept.comparisons, kept.unscored, kept.win_rate) == (100, 0, 0.7)
    assert kept.summary["clicks"] == len(kept.rows)


def test_texts_mean_the_same_as_values() -> None:
    texts = simulate_votes(pairs=30, reliability="0.9,0.5,0.2", votes_per_pair=2)
    values = simulate_votes(pairs=30, reliability=[0.9, 0.5, 0.2], votes_per_pair=2)
    profile = simulate_votes(pairs=30, profile=Profile(reliability=[0.9, 0.5, 0.2]), votes_per_pair=2)
    assert texts.rows is not None
    assert values.rows is not None
    assert profile.rows is not None
    assert plain(texts.rows) == plain(values.rows) == plain(profile.rows)
    ranges = [simulate_clicks(users=5, comparisons_per_user=given).rows for given in ("3..7", (3, 7))]
    assert ranges[0].equals(ranges[1])


def test_pairs_may_be_votes_that_were_read() -> None:
    rows = [{"prompt": f"{i}", "chosen": "yes", "rejected": "no"} for i in range(30)]
    one, other = (simulate_votes(source, seed=2).rows for source in (rows, read_votes(rows)))
    assert plain(one) == plain(other)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"users": 0}, "^users: out of range"),
        ({"comparisons_per_user": "many"}, "^comparisons_per_user: not a range"),
        ({"follow": "leader"}, "^follow: unknown"),
        (
            {"comparisons": pa.table({"margin": [1.0]}), "made_up": 5},
            "^made_up: is only for comparisons that are made up",
        ),
    ],
)
def test_settings_are_called_by_their_parameters(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        simulate_clicks(**settings)
