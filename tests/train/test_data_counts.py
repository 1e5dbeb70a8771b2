"""Nothing is dropped or guessed in silence: images, columns, weights, rows left out; said in the log and in numbers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: votewise[train]")

import worker  # noqa: E402
from datasets import ClassLabel, Dataset, Features, IterableDataset, Value  # noqa: E402
from tiny import as_chat, losses_of, make_model, make_rows, make_tokenizer, make_trainer, parameters_of  # noqa: E402
from uneven import LEFT_OUT, UNEVEN, EndAfter, uneven_rows  # noqa: E402

from votewise.data.votes import Votes  # noqa: E402
from votewise.errors import BadInputError  # noqa: E402
from votewise.train.data_counts import DataCounts, lines_about  # noqa: E402
from votewise.train.streamed_beliefs import SOMEBODY  # noqa: E402
from votewise.train.training_rows import votes_of_dataset  # noqa: E402

pytestmark = pytest.mark.slow

BOTH = pytest.mark.parametrize("streamed", [False, True], ids=["in memory", "streamed"])


def with_column(name: str, values: list[Any], **settings: Any) -> Dataset:
    rows = make_rows(len(values), **settings)
    return Dataset.from_list([{**row, name: value} for row, value in zip(rows, values, strict=True)])


def given(rows: Dataset, streamed: bool) -> Any:
    return rows.to_iterable_dataset() if streamed else rows


def trained(folder: Path, rows: Any, **settings: Any) -> Any:
    trainer = make_trainer(folder, rows, **{"max_steps": 2, "preference_loss": "cpo", "fast_step": "off"} | settings)
    trainer.train()
    return trainer


# Images


@BOTH
@pytest.mark.parametrize("column", ["image", "images"])
def test_images_are_refused_by_their_column(streamed: bool, column: str, tmp_path: Path) -> None:
    rows = with_column(column, ["a.png"] * 4)
    with pytest.raises(BadInputError, match=rf"^train_dataset, column '{column}': holds images \(expected texts only"):
        make_trainer(tmp_path, given(rows, streamed), max_steps=1)
    with pytest.raises(BadInputError, match=rf"^eval_dataset, column '{column}': holds images"):
        make_trainer(tmp_path, eval_dataset=rows)


@BOTH
def test_parts_of_messages_that_are_images_are_refused(streamed: bool, tmp_path: Path) -> None:
    parts = [{"type": "image", "text": None}, {"type": "text", "text": "What is it?"}]
    rows = [{**row, "prompt": [{"role": "user", "content": parts}]} for row in as_chat(make_rows(4))]
    with pytest.raises(BadInputError, match=r"^train_dataset, row 1, column 'prompt': has a part of type 'image'"):
        trained(tmp_path, given(Dataset.from_list(rows), streamed), processing_class=make_tokenizer(chat=True))


# Columns


@BOTH
def test_unused_columns_are_named_once(streamed: bool, tmp_path: Path, caplog: Any) -> None:
    rows = with_column("topic", ["x"] * 8).add_column("score", list(range(8))).add_column("weight", [1.0] * 8)
    trainer = make_trainer(tmp_path, given(rows, streamed), max_steps=2)
    trainer.train()
    said = [record.getMessage() for record in caplog.records if "topic" in record.getMessage()]
    assert [line.removeprefix("[RANK 0] ") for line in said] == [
        "Carried and used for nothing: the columns topic, score."
    ]
    assert trainer.data_counts.unused == ("topic", "score")


def test_a_collator_of_the_user_gets_all_columns(tmp_path: Path) -> None:
    rows = with_column("topic", ["x"] * 8)
    seen: list[Any] = []
    trainer = make_trainer(tmp_path, rows, remove_unused_columns=False, max_steps=1)
    collate = trainer.data_collator.collator
    trainer.data_collator.collator = lambda examples: seen.extend(e["topic"] for e in examples) or collate(examples)
    trainer.train()
    assert set(seen) == {"x"}


@BOTH
def test_a_misspelt_column_of_annotators_is_refused_with_those_there_are(streamed: bool, tmp_path: Path) -> None:
    with pytest.raises(
        BadInputError, match=r"no column 'anotator' \(expected one of prompt, chosen, rejected, annotator"
    ):
        make_trainer(tmp_path, given(make_rows(8), streamed), annotator_column="anotator", max_steps=1)


@pytest.mark.parametrize(
    ("value", "said"), [(None, "no annotator"), (" ", "no annotator"), (2.5, "is not a name, got 2.5")]
)
def test_what_is_no_name_is_refused_in_a_stream(value: Any, said: str, tmp_path: Path) -> None:
    """None is nobody's name."""
    rows = [{**row, "annotator": value if i == 2 else row["annotator"]} for i, row in enumerate(make_rows(8))]
    stream = IterableDataset.from_generator(lambda: iter(rows))
    with pytest.raises(BadInputError, match=f"^train_dataset, row 3, column 'annotator': {said}"):
        trained(tmp_path, stream)


def test_annotators_have_the_same_names_in_a_stream(tmp_path: Path) -> None:
    names = ClassLabel(names=["ann", "bob"])
    for feature, values in ((names, [0, 1] * 4), (Value("int64"), [7, 11] * 4)):
        rows = make_rows(8).remove_columns("annotator")
        features = Features({**rows.features, "annotator": feature})
        rows = Dataset.from_dict({**rows[:], "annotator": values}, features=features)
        found = [
            set(trained(tmp_path, given(rows, streamed), max_steps=1).reliability["annotator"].to_pylist())
            for streamed in (False, True)
        ]
        assert found[0] == found[1]
        assert len(found[0]) == 2


# Weights


@BOTH
def test_a_weight_multiplies_the_loss_and_counts_as_votes(streamed: bool, tmp_path: Path) -> None:
    """The step of weighted rows is the mean of the weighted losses, as taken one row at a time."""
    weights = [0.5, 2.0, 1.0, 3.0]
    rows = make_rows(4)
    settings = {"per_device_train_batch_size": 4, "objective": "plain", "max_steps": 1}
    alone = [losses_of(trained(tmp_path, rows.select([i]), **settings))[0] for i in range(4)]
    trainer = trained(tmp_path, given(rows.add_column("weight", weights), streamed), **settings)
    assert losses_of(trainer)[0] == pytest.approx(float(np.mean(np.array(weights) * alone)), rel=1e-3)
    np.testing.assert_allclose(sorted(trainer.beliefs.votes.weight), sorted(weights))


def test_votes_and_datasets_and_streams_count_weights_alike(tmp_path: Path) -> None:
    rows = make_rows(8, seed=2).add_column("weight", [1.0, 0.25, 3.0, None, 0.0, 1.0, 2.0, 0.5])
    how = {"per_device_train_batch_size": 8, "reliability_update": "frozen", "max_steps": 1, "reliability_init": 0.8}
    votes = votes_of_dataset(rows, annotator_column="annotator")
    ends = [parameters_of(trained(tmp_path, data, **how).model) for data in (rows, votes, rows.to_iterable_dataset())]
    plain = parameters_of(trained(tmp_path, rows.remove_columns("weight"), **how).model)
    for name, value in ends[0].items():
        torch.testing.assert_close(ends[1][name], value)
        torch.testing.assert_close(ends[2][name], value)
    assert any(not torch.equal(plain[name], value) for name, value in ends[0].items())


@BOTH
def test_rows_of_weight_0_do_not_count(streamed: bool, tmp_path: Path) -> None:
    rows = make_rows(8)
    weighted = rows.add_column("weight", [0.0 if i in (2, 5) else 1.0 for i in range(8)])
    settings = {"per_device_train_batch_size": 8, "max_steps": 1}
    trainer = trained(tmp_path, given(weighted, streamed), **settings)
    without = trained(tmp_path, rows.select([0, 1, 3, 4, 6, 7]), **settings)
    for name, value in parameters_of(without.model).items():
        torch.testing.assert_close(parameters_of(trainer.model)[name], value)
    assert (trainer.data_counts.weightless, trainer.data_counts.votes) == (2, 6)
    assert trainer.beliefs.seen == 6


def test_a_pair_whose_votes_all_have_weight_0_is_left_out_and_counted(tmp_path: Path, caplog: Any) -> None:
    votes = votes_of_dataset(make_rows(6, votes_per_pair=2), annotator_column="annotator")
    weight = np.where(votes.pair == 1, 0.0, 1.0)
    trainer = make_trainer(tmp_path, Votes(**{**vars(votes), "weight": weight}))
    assert (trainer.data_counts.weightless, trainer.data_counts.weightless_pairs) == (2, 1)
    assert "Left out: 2 votes of weight 0, 1 pair whose votes all have weight 0." in caplog.text
    assert len(trainer.train_dataset) == 5


@BOTH
@pytest.mark.parametrize(
    ("value", "said"),
    [(-1.0, "is negative, got -1.0"), (float("nan"), "is not finite"), (float("inf"), "is not finite")],
)
def test_weights_that_mean_nothing_are_refused(streamed: bool, value: float, said: str, tmp_path: Path) -> None:
    rows = make_rows(8).add_column("weight", [1.0, value, *[1.0] * 6])
    with pytest.raises(BadInputError, match=f"^train_dataset, row 2, column 'weight': {said}.*where none means 1"):
        trained(tmp_path, given(rows, streamed))


def test_weights_in_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"column 'weight': is not a number, got 'high'.*or another name"):
        make_trainer(tmp_path, make_rows(4).add_column("weight", ["high"] * 4))


# Counts


def test_what_became_of_the_rows_is_told(tmp_path: Path, caplog: Any) -> None:
    rows = make_rows(10, votes_per_pair=2).to_list()
    rows[0]["chosen"] = rows[0]["rejected"]
    rows[3] = {**rows[2]}
    rows[4]["prompt"] = rows[5]["prompt"] = "w1 " * 30
    rows[6]["chosen"], rows[6]["rejected"] = "w1 " * 20, "w2"
    caplog.set_level(logging.INFO)
    trainer = make_trainer(tmp_path, Dataset.from_list(rows), max_length=20)
    found = trainer.data_counts
    assert (found.rows, found.votes, found.equal_answers, found.repeated) == (20, 18, 1, 1)
    assert (found.too_long, found.cut, found.no_answer, found.unknown_people) == (1, 1, 0, 0)
    assert found.trained == len(trainer.train_dataset) == found.votes - found.merged - found.too_long
    assert "Left out: 1 row with equal answers, 1 vote that repeats one of its annotator." in caplog.text
    assert "1 of 11 row is left out, because prompts of max_length=20 tokens or more" in caplog.text
    assert "Cut: the end of an answer in 1 row" in caplog.text
    assert "Data: 20 rows with 18 votes; 10 rows to train on, 7 rows merged" in caplog.text


def test_a_stream_tells_what_has_become_of_its_rows(tmp_path: Path, caplog: Any) -> None:
    rows = make_rows(16).to_list()
    rows[1]["chosen"] = rows[1]["rejected"]
    rows[2]["prompt"] = rows[3]["prompt"] = "w1 " * 30
    for row in rows:
        del row["annotator"]
    trainer = trained(tmp_path, Dataset.from_list(rows).to_iterable_dataset(), max_length=20, max_steps=3,
                      per_device_train_batch_size=7)  # fmt: skip
    found = trainer.data_counts
    assert (found.equal_answers, found.too_long, found.rows) == (1 + 1, 2 + 2, 21 + 4)
    assert found.votes == found.unknown_people == trainer.beliefs.seen == 19
    assert trainer.beliefs.names == [SOMEBODY]
    assert "Left out: 2 rows with equal answers, 4 rows whose prompt fills max_length=20." in caplog.text


def test_annotators_whom_the_audit_does_not_know_are_counted(tmp_path: Path, caplog: Any) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(
        pa.table({"annotator": ["ann0", "ann1"], "reliability": [0.9, 0.8]}), tmp_path / "annotators.parquet"
    )
    trainer = make_trainer(tmp_path / "run", make_rows(16), beliefs=str(tmp_path))
    assert trainer.data_counts.not_audited == 1
    assert "Not in the audit: 1 annotator" in caplog.text


def test_annotators_in_groups_are_named() -> None:
    said = list(lines_about(DataCounts(in_groups=2), None))
    assert said == ["Err together: 2 annotators in groups; their votes on one pair count for less."]


def test_nothing_is_said_where_nothing_is_left_out(tmp_path: Path, caplog: Any) -> None:
    make_trainer(tmp_path, make_rows(8), model=make_model())
    assert not [record for record in caplog.records if record.name.startswith("votewise") and record.levelno >= 30]


def test_unused_columns_are_carried_to_the_votes(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    trained(tmp_path, with_column("topic", [f"t{i}" for i in range(8)]), write_beliefs=True)
    assert pq.read_table(tmp_path / "votes.parquet")["topic"].to_pylist() == [f"t{i}" for i in range(8)]


def test_conversations_with_tools_are_written_with_the_beliefs(tmp_path: Path) -> None:
    """JSON columns, too, which Parquet has no type for."""
    from row_shapes import SHAPES, TEMPLATES, make_bytes_model, make_bytes_tokenizer

    rows = [{**row, "annotator": f"ann{i}"} for i, row in enumerate(SHAPES["tool calls"])]
    given = {"model": make_bytes_model(), "processing_class": make_bytes_tokenizer(TEMPLATES["tools"])}
    trained(tmp_path, Dataset.from_list(rows, on_mixed_types="use_json"), write_beliefs=True, **given)
    assert (tmp_path / "report.html").stat().st_size > 0


def test_counts_of_a_resumed_stream_are_those_of_one_that_was_never_stopped(tmp_path: Path) -> None:
    rows = make_rows(40).to_list()
    rows[1]["chosen"] = rows[1]["rejected"]
    rows[2]["prompt"] = rows[30]["prompt"] = "w1 " * 30
    settings = {"max_steps": 5, "save_strategy": "steps", "save_steps": 2, "max_length": 20, "preference_loss": "cpo"}
    found = []
    for checkpoint in (None, str(tmp_path / "checkpoint-2")):
        trainer = make_trainer(tmp_path, Dataset.from_list(rows).to_iterable_dataset(), **settings)
        trainer.train(resume_from_checkpoint=checkpoint)
        found.append(trainer.data_counts)
    assert found[0] == found[1]
    assert (found[0].too_long, found[0].equal_answers, found[0].rows) == (2, 1, 40)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("files", [1, 3])
@pytest.mark.parametrize("accumulated", [1, 2])
def test_a_stream_is_counted_as_the_same_rows_in_memory(
    accumulated: int, workers: int, files: int, tmp_path: Path
) -> None:
    """With workers each of which reads its own files, or one of which reads all; twice in two passes.

    The last micro-batch of a pass may belong to an optimiser step that ends in the next one.
    """
    rows = uneven_rows()
    settings = UNEVEN | {"dataloader_num_workers": workers, "gradient_accumulation_steps": accumulated}
    known = make_trainer(tmp_path, rows, **UNEVEN, one_row_per="vote").data_counts
    assert {name: getattr(known, name) for name in LEFT_OUT} == LEFT_OUT
    for passes in (1, 2):
        stream = rows.to_iterable_dataset(num_shards=files)
        trainer = trained(tmp_path, stream, **settings, max_steps=100, callbacks=[EndAfter(passes)])
        found = trainer.data_counts
        assert {name: getattr(found, name) for name in LEFT_OUT} == {n: passes * k for n, k in LEFT_OUT.items()}
        assert found.votes == found.trained
        assert trainer.beliefs.seen == found.votes or accumulated > 1


def test_several_processes_count_a_stream_as_one_does(tmp_path: Path) -> None:
    """Both read all rows and train on half of them, or each reads its own files; both know the counts of both."""
    for *found, other in worker.in_processes("counted", tmp_path):
        assert "dispatch_batches cuts pairs apart in 2 processes" in other["refused"]
        for split, counts in zip(worker.STREAMS, found, strict=True):
            assert {name: counts[name] for name in LEFT_OUT} == LEFT_OUT, split
            assert (counts["processes"], counts["votes"]) == (2, 33)


@BOTH
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prompt": None}, r"column 'prompt': is null \(expected a prompt: a text, which may be empty"),
        ({"chosen": None}, r"column 'chosen': is null \(expected an answer"),
        (
            {"chat_template_kwargs": None},
            r"column 'chat_template_kwargs': is null \(expected arguments, or {} for none",
        ),
    ],
)
def test_what_trl_cannot_tokenize_is_one_line(
    streamed: bool, change: dict[str, Any], said: str, tmp_path: Path
) -> None:
    rows = [
        {"chat_template_kwargs": {"a": 1}, **row, **(change if i == 3 else {})} for i, row in enumerate(make_rows(8))
    ]
    with pytest.raises(BadInputError, match=f"^train_dataset, row 4, {said}"):
        trained(tmp_path, given(Dataset.from_list(rows), streamed))


@BOTH
def test_messages_beside_texts_are_refused(streamed: bool, tmp_path: Path) -> None:
    rows = [{**row, "prompt": [{"role": "user", "content": row["prompt"]}]} for row in make_rows(4)]
    with pytest.raises(BadInputError, match="row 1, column 'prompt': is a list of messages, and chosen is a text"):
        trained(tmp_path, given(Dataset.from_list(rows), streamed))


def test_a_dataset_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"^train_dataset: has no rows"):
        make_trainer(tmp_path, make_rows(4).select([]))
