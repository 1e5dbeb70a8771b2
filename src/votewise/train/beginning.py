"""The start of a run: its rows, the beliefs before the first step, and what is plugged into TRL's trainer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from accelerate.utils import parse_flag_from_env
from datasets import Dataset, IterableDataset
from peft import PeftModel
from transformers import TrainerCallback

from votewise.annotators.audited_tables import audited_reliability
from votewise.data.votes import Votes
from votewise.errors import BadInputError
from votewise.train.config import RobustPreferenceConfig
from votewise.train.row_weights import WEIGHT
from votewise.train.selective import easiest_rows
from votewise.train.shared_errors import AuditedGroups
from votewise.train.streamed_beliefs import StreamedBeliefs
from votewise.train.streamed_rows import RowsRead, checked_stream
from votewise.train.training_beliefs import TrainingBeliefs
from votewise.train.training_rows import TrainingRows, training_rows, votes_of_dataset
from votewise.train.unused import roles_of, unused_columns, votes_columns


@dataclass(frozen=True, eq=False)
class Beginning:
    """What a run starts with.

    Attributes:
        rows: the rows that are trained on, with the votes they stand for; None for a stream.
        beliefs: beliefs about the votes before the first step.
        dataset: what TRL's trainer prepares.
        given: number of rows that the dataset has; None for a stream.
        unused: columns that nothing uses.
        not_audited: annotators about whom the audit that training starts from says nothing.
        in_groups: annotators who err together, according to that audit or to groups that the user names.
        alone: groups that the user names in whose votes no shared error was found.
        weightless: votes left out because their weight is 0.
        equal: rows of a dataset left out because both answers are equal.
        skipped: rows of another source that hold no vote, or one between equal answers.
        read: how many rows of a stream have been read; None for other data.
    """

    rows: TrainingRows | None
    beliefs: TrainingBeliefs | StreamedBeliefs
    dataset: Any
    given: int | None
    unused: tuple[str, ...]
    not_audited: int = 0
    in_groups: int = 0
    alone: tuple[str, ...] = ()
    weightless: int = 0
    equal: int = 0
    skipped: int = 0
    read: RowsRead | None = None


def begin(train_dataset: Any, args: RobustPreferenceConfig, *, carry: bool = False) -> Beginning:
    """The rows to train on and the beliefs about their votes.

    Args:
        train_dataset: a ``Votes``, a ``Dataset`` or an ``IterableDataset``.
        args: settings of the run.
        carry: whether a dataset's rows keep columns that nothing uses, for a collator that the user gives.

    Raises:
        BadInputError: a dataset of another type, votes that cannot be read, a folder without an audit, or groups that
            cannot be used.
        NotIdentifiableError: all annotators are in one group that the user names.
    """
    train_dataset = easiest_rows(train_dataset, args)
    settings = args.belief_settings()
    audited = {} if args.beliefs is None else audited_reliability(Path(args.beliefs))
    if isinstance(train_dataset, IterableDataset):
        if args.groups is not None:
            raise BadInputError(
                "groups need several votes on a pair, and the rows of a stream share none",
                expected="data that are no stream, or no groups",
            )
        streamed = StreamedBeliefs(settings)
        streamed.start_at(audited)
        read = RowsRead(args.dataloader_num_workers)
        stream, columns = checked_stream(train_dataset, args.annotator_column, read)
        unused = unused_columns(columns, {args.annotator_column, WEIGHT})
        return Beginning(None, streamed, stream, None, unused, read=read)
    source = None
    if not isinstance(train_dataset, Votes):
        if not isinstance(train_dataset, Dataset):
            raise BadInputError(
                "train_dataset", value=type(train_dataset).__name__, expected="a votewise.Votes or a datasets.Dataset"
            )
        source = train_dataset
        train_dataset = votes_of_dataset(source, annotator_column=args.annotator_column)
    votes: Votes = train_dataset
    rows = training_rows(votes, one_row_per=args.one_row_per, source=source, carry=carry)  # type: ignore[arg-type]
    groups = _groups(rows.votes, args)
    together = None if groups is None else groups.among(rows.votes)
    beliefs = TrainingBeliefs(rows.votes, settings, together)
    unknown, in_groups = 0, 0 if together is None else together.annotators
    if audited:
        known = np.array([audited.get(name, np.nan) for name in rows.votes.annotator_ids.to_pylist()], float)
        beliefs.start_at(known)
        unknown = int(np.isnan(known).sum())
    columns = votes_columns(votes) if source is None else source.column_names
    named = args.groups if isinstance(args.groups, str) else None
    unused = unused_columns(columns, {*roles_of(votes), named})
    alone = () if args.groups is None or groups is None else groups.alone
    given, skipped = (len(votes), 0) if votes.reading is None else (votes.reading.read, votes.reading.skipped)
    start = Beginning(rows, beliefs, rows.dataset, given, unused, unknown, in_groups, alone)
    if source is not None:
        # Rows of weight 0 were not read.
        return replace(start, given=len(source), weightless=len(source) - given, equal=skipped)
    weightless = 0 if votes.weight is None else int((votes.weight == 0).sum())
    return replace(start, weightless=weightless, skipped=skipped)


def _groups(votes: Votes, args: RobustPreferenceConfig) -> AuditedGroups | None:
    """Groups that the user names, or of the audit that training starts from; None where its confidences stay as they are."""
    if args.beliefs_use != "start":
        return None
    groups = None if args.beliefs is None else AuditedGroups.of(Path(args.beliefs))
    if args.groups is not None:
        if groups is not None:
            raise BadInputError(
                "the audit that training starts from has groups, and others are given beside it",
                source=str(args.beliefs),
                parameter="groups",
                expected="one of the two: an audit without groups, or no groups beside it",
            )
        return AuditedGroups.found_in(votes, args.groups, args.belief_settings().prior)
    if groups is None:
        return None
    if votes.judgement is not None:
        raise BadInputError(
            "groups of an audit take every vote on its own, and these votes come from judgements such as rankings",
            source=str(args.beliefs),
            expected="an audit without groups",
        )
    return groups


def needs_copy(model: Any, args: RobustPreferenceConfig, others: dict[str, Any]) -> bool:
    """Whether the model was never saved, so TRL could not load the reference model's weights and needs a copy."""
    if isinstance(model, str | PeftModel) or others.get("peft_config") is not None:
        return False
    if args.precompute_ref_log_probs and not (args.fsdp or parse_flag_from_env("ACCELERATE_USE_FSDP")):
        return False  # under FSDP TRL loads a reference model even so
    return not getattr(model.config, "_name_or_path", "")


class EndOfEpoch(TrainerCallback):
    """Tells the beliefs when an epoch is over, also if a run is resumed exactly there."""

    def __init__(self, beliefs: TrainingBeliefs | StreamedBeliefs) -> None:
        self.beliefs = beliefs

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The previous epoch is over, unless the run was resumed in the middle of this one."""
        if abs((state.epoch or 0.0) - round(state.epoch or 0.0)) < 1e-9:
            self.beliefs.end_epoch()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The last epoch is over."""
        self.beliefs.end_epoch()
