"""Votes -> a trained model, and beliefs about the annotators: ``votewise train``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from votewise.errors import needs
from votewise.workflows.progress import SILENT, Progress

if TYPE_CHECKING:
    import os

    import pyarrow as pa

    from votewise.annotators.groups import Groups
    from votewise.data.votes import Votes
    from votewise.train.inspection import RunFacts
    from votewise.train.trainer import RobustPreferenceTrainer

MARKS = ("training_args.bin", "checkpoint-*")
"""Files by which the folder of an earlier training is known."""

BESIDE = ("runs", "beliefs.html", "*.log", "*.yaml", "*.yml", "rejected.jsonl", "eval-rejected.jsonl")
"""What may lie in the folder before: recipes, logs, and what a stopped run has left."""


@dataclass(frozen=True, eq=False)
class TrainResult:
    """A training run, or what a dry run found.

    Attributes:
        output_dir: the folder of the model.
        reliability: the table that the run wrote to annotators.parquet, one row per annotator; None if it wrote none.
        trainer: the trainer after training; None if accelerate ran the training in other processes, and for a dry run.
        facts: what would be trained on; None unless it was a dry run.
    """

    output_dir: Path
    reliability: pa.Table | None = field(default=None, repr=False)
    trainer: RobustPreferenceTrainer | None = field(default=None, repr=False)
    facts: RunFacts | None = field(default=None, repr=False)


def train(
    config: str | os.PathLike[str] | None = None,
    *,
    votes: str | os.PathLike[str] | Votes | None = None,
    columns: Mapping[str, str] | None = None,
    label: Mapping[str, str] | None = None,
    criterion: str | None = None,
    split: str | None = None,
    one_annotator: str | None = None,
    on_error: Literal["stop", "skip"] | None = None,
    beliefs: str | os.PathLike[str] | None = None,
    groups: Groups | None = None,
    num_processes: int | None = None,
    accelerate_config: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
    options: Sequence[str] = (),
    progress: Progress | None = None,
    **settings: Any,
) -> TrainResult:
    """Train a model on noisy votes, estimating annotator reliability during training.

    Training runs in this process if that is enough: one process, without a configuration of accelerate. Otherwise
    accelerate starts the processes.

    Args:
        config: a YAML file of settings. The other arguments override it.
        votes: what to train on, in any format that ``read_votes`` reads, instead of TRL's ``dataset_name`` or
            ``datasets``; or ``Votes``, if training runs in this process.
        columns: the format's name of a column -> the name it has in the votes; also for ``eval_votes``.
        label: what values of the label mean, ``{"left": "a"}``; also for ``eval_votes``.
        criterion: which question counts, where several were asked; also for ``eval_votes``.
        split: which split of the votes to read; the setting ``eval_split`` is that of ``eval_votes``.
        one_annotator: says that votes without a name are all by this one person or model.
        on_error: ``stop`` (the default) at an unusable row, or ``skip`` it and write it to rejected.jsonl in the output's
            folder; also for ``eval_votes``, to eval-rejected.jsonl.
        beliefs: a folder that ``audit`` wrote for these votes; training starts from its reliabilities.
        groups: annotators who err together, as for ``audit``: the name of each group -> a shell-style pattern of its
            members' names (or several patterns), or the column that has each annotator's group. How much they err together
            is found in the votes before training; votes of one group on a pair then count for less. Not beside ``beliefs``
            of an audit with groups.
        num_processes: number of processes; None for one per GPU.
        accelerate_config: how accelerate launches: ``single_gpu``, ``multi_gpu``, ``fsdp2``, ``zero3``, or a file.
        dry_run: only find out what would be trained on; no weights are loaded.
        options: more settings as words of a command line, such as ``["--learning_rate", "5e-7"]``.
        progress: told how far the work has come.
        settings: every other setting by the name of its flag: those of ``votewise train``, of ``trl dpo`` and of
            ``accelerate launch``, such as ``learning_rate=5e-7``.

    Raises:
        BadInputError: a setting, a model or data that cannot be used.
        NotIdentifiableError: all annotators are in one of the ``groups``.
        WorseThanChanceError: the votes as a whole contradict the model, unless ``allow_worse_than_chance=True``.
        TrainingFailedError: a process that accelerate started has failed.
    """
    progress = progress or SILENT
    progress.stage("Loading the training libraries")
    with needs("train", "training"):
        from votewise.train.arguments import as_words, take_apart
        from votewise.train.launch import run

    from votewise.data.votes import Votes
    from votewise.storage.free_folders import TRAINING, check_folder_is_free

    in_memory = votes if isinstance(votes, Votes) else None
    named = {
        "config": config,
        "votes": None if in_memory else votes,
        "columns": columns,
        "label": label,
        "criterion": criterion,
        "split": split,
        "one_annotator": one_annotator,
        "on_error": on_error,
        "beliefs": beliefs,
        "groups": groups,
        "num_processes": num_processes,
        "accelerate_config": accelerate_config,
        "dry_run": dry_run or None,
    }
    words = [*as_words(named | settings), *options]
    wanted = take_apart(words)
    folder = Path(wanted.output_dir)
    if not wanted.dry_run:
        check_folder_is_free(folder, marks=MARKS, names=BESIDE, command="train", summary_keys=[TRAINING])
    progress.stage("Reading the votes" if wanted.dry_run else "Training")
    outcome = run(words, votes=in_memory)
    if wanted.dry_run:
        return TrainResult(folder, facts=outcome)
    return TrainResult(folder, _written(folder) if wanted.write_beliefs else None, outcome)


def _written(folder: Path) -> pa.Table | None:
    import pyarrow.parquet as pq

    path = folder / "annotators.parquet"
    return pq.read_table(path) if path.exists() else None
