"""What is written reads back as the votes and clicks that were drawn, truth included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from votewise import read_votes
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.simulate import (
    ClickOptions,
    Profile,
    TruePairs,
    draw_votes,
    made_up_comparisons,
    plan_votes,
    read_comparisons,
    simulate_users,
    write_clicks,
    write_votes,
)
from votewise.simulate import design as design_module
from votewise.simulate import users as users_module
from votewise.simulate.streams import write_stream

PROFILE = Profile(reliability=0.8, spammers=0.2, position_biased=0.2, votes_per_annotator=(5, 30))
SUFFIXES = (".parquet", ".jsonl", ".csv")


def texts(size: int = 60) -> Votes:
    rows = [
        {"pair": f"p{i}", "prompt": f"ask {i}", "response_a": f"good {i}", "response_b": f"bad {i}", "annotator": "truth",
         "label": "a", "model_a": "large", "model_b": "small", "domain": "code" if i % 2 else "prose"}
        for i in range(size)
    ]  # fmt: skip
    return read_votes(rows)


def columns(path: Path, *names: str) -> tuple[np.ndarray, ...]:
    table = read_votes(path).table
    assert table is not None
    return tuple(np.array(table[name].to_pylist()) for name in names)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_votes_read_back_as_they_were_drawn(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"votes{suffix}"
    summary = write_votes(path, plan_votes(PROFILE, pairs=200, seed=3))
    drawn = draw_votes(PROFILE, pairs=200, seed=3)
    votes = read_votes(path)
    assert summary.votes == len(votes) == len(drawn.votes) == 600
    assert summary.correct == drawn.correct.sum()
    by_name = votes.annotator_ids.take(pa.array(votes.annotator)).to_pylist()
    assert by_name == [str(k) for k in drawn.votes.annotator]
    np.testing.assert_array_equal(votes.sign, drawn.votes.sign)
    np.testing.assert_array_equal(votes.gold, drawn.truth)
    correct, chance, kind = columns(path, "correct", "true_reliability", "annotator_kind")
    truthful = [str(value).lower() == "true" for value in correct]
    np.testing.assert_array_equal(truthful, drawn.correct)
    np.testing.assert_allclose(chance.astype(float), drawn.chance)
    assert set(kind) == set(summary.kinds) == {"ordinary", "spammer", "position-biased"}
    assert sum(part["votes"] for part in summary.kinds.values()) == 600
    assert votes.time is not None
    last = np.lexsort((votes.time, votes.annotator))
    same = np.diff(votes.annotator[last]) == 0
    assert (np.diff(votes.time[last])[same] == 30).all()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_texts_are_written_as_they_are_shown(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"votes{suffix}"
    write_votes(path, plan_votes(PROFILE, pairs=TruePairs.of(texts()), seed=4))
    votes = read_votes(path)
    assert votes.n_pairs == 60
    assert 0.3 < np.mean(votes.swapped) < 0.7
    response_a, model_a, gold, label, correct, domain, pair = columns(
        path, "response_a", "model_a", "gold", "label", "correct", "domain", "pair"
    )
    good_first = np.char.startswith(response_a, "good")
    np.testing.assert_array_equal(good_first, model_a == "large")
    np.testing.assert_array_equal(good_first, gold == "a")
    np.testing.assert_array_equal([str(value).lower() == "true" for value in correct], label == gold)
    numbers = np.char.replace(pair, "p", "").astype(int)
    np.testing.assert_array_equal(domain, np.where(numbers % 2, "code", "prose"))
    np.testing.assert_array_equal(response_a, np.char.add(np.where(good_first, "good ", "bad "), numbers.astype(str)))


def test_conversations_fit_into_all_but_a_csv(tmp_path: Path) -> None:
    rows = [
        {"prompt": [{"role": "user", "content": f"ask {i}"}], "chosen": [{"role": "assistant", "content": "yes"}],
         "rejected": [{"role": "assistant", "content": "no"}]}
        for i in range(30)
    ]  # fmt: skip
    plan = plan_votes(Profile(reliability=1.0, annotators=3), pairs=TruePairs.of(read_votes(rows)))
    for suffix in SUFFIXES[:2]:
        write_votes(tmp_path / f"votes{suffix}", plan)
        votes = read_votes(tmp_path / f"votes{suffix}")
        assert votes.texts is not None
        first = votes.texts["response_a"].to_pylist()
        assert [text[0]["content"] == "yes" for text in first] == (votes.gold > 0).tolist()
    with pytest.raises(BadInputError, match="do not fit into a CSV"):
        write_votes(tmp_path / "votes.csv", plan)
    assert not (tmp_path / "votes.csv").exists()


def test_without_texts_sides_differ_by_pair_and_say_so(tmp_path: Path) -> None:
    path = tmp_path / "votes.parquet"
    write_votes(path, plan_votes(Profile(reliability=1.0), pairs=TruePairs.of(texts(400)), texts=False, seed=1))
    table = pq.read_table(path)
    assert "response_a" not in table.column_names
    swapped = np.array(table["swapped"].to_pylist())
    np.testing.assert_array_equal(np.array(table["gold"].to_pylist()) == "b", swapped)
    assert 0.35 < swapped.mean() < 0.65
    assert len(set(zip(table["pair"].to_pylist(), swapped.tolist(), strict=True))) == 400


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_clicks_read_back_as_they_were_drawn(tmp_path: Path, suffix: str) -> None:
    source = pa.table(
        {
            "prompt": [f"ask {i}" for i in range(100)],
            "model_a": ["large"] * 100,
            "model_b": ["small"] * 100,
            "response_a": [f"good {i}" for i in range(100)],
            "response_b": [f"bad {i}" for i in range(100)],
            "score_a": [None if i == 7 else i / 10 for i in range(100)],
            "score_b": [3.0] * 100,
            "winner": ["someone else's"] * 100,
        }
    )
    scored = read_comparisons(source)
    assert scored.unscored == 1
    assert len(scored.probability) == 99
    path = tmp_path / f"clicks{suffix}"
    settings: dict[str, Any] = {"users": 20, "prior": 0.6, "comparisons_per_user": (5, 30), "follow": "sampled"}
    summary = write_clicks(path, scored, ClickOptions(**settings, seed=2))
    drawn = simulate_users(scored.probability, **settings, seed=2)
    votes = read_votes(path)
    assert votes.reading is not None
    assert votes.reading.format == "clicks"
    assert summary.clicks == len(drawn) == len(votes)
    assert (summary.correct, summary.attentive, summary.for_a) == (
        drawn.correct.sum(), drawn.attentive.sum(), drawn.for_a.sum(),
    )  # fmt: skip
    np.testing.assert_array_equal(votes.sign > 0, drawn.for_a)
    comparison, prompt, user = columns(path, "comparison", "prompt", "user")
    row = scored.row[drawn.comparison]
    np.testing.assert_array_equal(comparison.astype(int), row)
    np.testing.assert_array_equal(prompt, np.char.add("ask ", row.astype(str)))
    np.testing.assert_array_equal(user.astype(int), drawn.user)


@pytest.mark.parametrize(
    ("column", "given", "expected"),
    [
        ("probability", {}, 0.75),
        ("p", {"probability": "p"}, 0.75),
        ("m", {"margin": "m"}, 0.75),
        ("margin", {"temperature": 0.5}, 3**0.5 / (1 + 3**0.5)),
    ],
)
def test_scores_are_found_under_their_names(column: str, given: dict, expected: float) -> None:
    value = 0.75 if column.startswith("p") else np.log(3)
    scored = read_comparisons(pa.table({column: [value], "score_a": [0.0], "score_b": [9.0]}), **given)
    assert scored.probability[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("table", "given", "problem"),
    [
        ({"prompt": ["x"]}, {}, "no column says which answer is better"),
        ({"p": [1.2]}, {"probability": "p"}, "not a probability"),
        ({"p": ["x"]}, {"probability": "p"}, "column 'p': is not a number, got 'x'"),
        ({"margin": [float("inf")]}, {}, "is not finite"),
        ({"margin": [None]}, {}, "no comparison has a score"),
        ({"margin": [1.0]}, {"margin": "m"}, "there is no column 'm'"),
        ({"margin": [1.0]}, {"margin": "margin", "probability": "margin"}, "margin: a probability is given, too"),
    ],
)
def test_useless_comparisons_are_refused(table: dict, given: dict, problem: str) -> None:
    with pytest.raises(BadInputError, match=problem):
        read_comparisons(pa.table(table), **given)


def test_texts_stay_out_of_large_files_and_names_stay_in(tmp_path: Path) -> None:
    scored = read_comparisons(
        pa.table({"prompt": ["a", "b"], "model_a": ["l", "l"], "domain": ["x", "y"], "margin": [1.0, 2]})
    )
    write_clicks(tmp_path / "c.parquet", scored, ClickOptions(users=3, comparisons_per_user=2), texts=False)
    table = pq.read_table(tmp_path / "c.parquet")
    assert {"model_a", "model_b", "domain", "comparison"} <= set(table.column_names)
    assert not {"prompt", "margin"} & set(table.column_names)


def test_made_up_comparisons_have_their_win_rate() -> None:
    assert made_up_comparisons(1000, 0.74).probability.mean() == pytest.approx(0.74)
    for size, rate in ((0, 0.5), (5, 1.5)):
        with pytest.raises(BadInputError, match="win rate"):
            made_up_comparisons(size, rate)


def test_only_a_block_is_held_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(design_module, "BLOCK", 600)
    monkeypatch.setattr(users_module, "BLOCK", 1000)
    seen: list[int] = []
    write_votes(tmp_path / "v.parquet", plan_votes(PROFILE, pairs=1000), progress=seen.append)
    assert seen == [600, 1200, 1800, 2400, 3000]
    seen.clear()
    write_clicks(
        tmp_path / "c.parquet",
        made_up_comparisons(500, 0.8),
        ClickOptions(users=50, comparisons_per_user=100),
        progress=seen.append,
    )
    assert seen == [1000, 2000, 3000, 4000, 5000]
    assert pq.ParquetFile(tmp_path / "v.parquet").num_row_groups == 5


def test_a_file_that_fails_half_way_is_not_there(tmp_path: Path) -> None:
    def tables() -> Any:
        yield pa.table({"x": [1]})
        raise BadInputError("no more")

    for suffix in SUFFIXES:
        with pytest.raises(BadInputError, match="no more"):
            write_stream(tmp_path / f"x{suffix}", tables())
    with pytest.raises(BadInputError, match="unknown kind of file"):
        write_stream(tmp_path / "x.xls", tables())
    assert list(tmp_path.iterdir()) == []
