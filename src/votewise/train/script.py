"""The training script: ``python -m votewise.train.script --config recipe.yaml``, which accelerate runs in each process.

It accepts the settings of `trl dpo` and more; `votewise train` is its command.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import IterableDataset
from trl import get_peft_config, get_quantization_config

from votewise.data.votes import Votes
from votewise.errors import BadInputError, VotewiseError, visible
from votewise.train.arguments import Arguments, parse
from votewise.train.beginning import begin
from votewise.train.data_counts import count_data
from votewise.train.inspection import RunFacts, count_steps, describe_left_out, render
from votewise.train.loading import check_vocabularies, first_line, in_one_line, load_config, load_data, load_processor
from votewise.train.memory import Load, count_parameters, estimate_memory
from votewise.train.precompute import worth_precomputing
from votewise.train.shown_rows import first_rows, has_colours, render_rows
from votewise.train.token_lengths import measure_lengths
from votewise.train.trainer import RobustPreferenceTrainer
from votewise.train.trl_adapter import create_model_from_path

PATIENCE = 5.0
"""Seconds that other processes wait for the first one to print the error, before they print it themselves."""


def main(
    argv: Sequence[str], *, votes: Votes | None = None, processes: int = 1, sharded: bool = False
) -> RobustPreferenceTrainer | RunFacts:
    """Train, and save the model and the beliefs about annotators; with ``--dry_run`` only find out what would be done.

    Args:
        argv: options, as for `votewise train`.
        votes: the votes to train on, if they are in memory.
        processes: number of processes, for a dry run.
        sharded: whether each process holds only its part of the model.

    Returns:
        The trainer after training; the facts of a dry run.

    Raises:
        VotewiseError: an error that the user can fix.
    """
    arguments = parse(argv)
    config = load_config(arguments, arguments.model.model_name_or_path)
    processor = load_processor(arguments, arguments.model.model_name_or_path)
    check_vocabularies(arguments, processor, config)
    with ExitStack() as until:
        train, evaluated = load_data(arguments, votes, until)
        if arguments.training.precompute_ref_log_probs is None:
            wanted = worth_precomputing(arguments.training, train, evaluated) and not sharded
            arguments.training.precompute_ref_log_probs = wanted
        if arguments.data.dry_run:
            return inspect(arguments, train, config, processor, processes=processes, sharded=sharded)
        resumed = _checkpoint(arguments)
        trainer = build_trainer(arguments, train, evaluated, processor)
    try:
        trainer.train(resume_from_checkpoint=resumed)
    except torch.OutOfMemoryError as error:
        raise VotewiseError(
            f"out of memory: {first_line(error)} Lower per_device_train_batch_size or max_length."
        ) from error
    trainer.save_model(arguments.training.output_dir)
    if arguments.training.push_to_hub:
        trainer.push_to_hub(dataset_name=arguments.script.dataset_name)
    # The first process writes more than the others, and gloo may hang if one leaves while another is working.
    trainer.accelerator.wait_for_everyone()
    trainer.end()
    return trainer


def inspect(
    arguments: Arguments, train: Any, config: Any, processor: Any, *, processes: int = 1, sharded: bool = False
) -> RunFacts:
    """Find out what would be trained on; no weights are loaded.

    Args:
        arguments: arguments of the run.
        train: the data, from ``load_data``.
        config: the policy's configuration.
        processor: its tokenizer or processor.
        processes: number of processes.
        sharded: whether each process holds only its part of the model.
    """
    training = arguments.training
    if isinstance(train, IterableDataset):
        raise BadInputError("a stream cannot be counted in advance", expected="a dry run without streaming")
    start = begin(train, training)
    rows = start.rows
    assert rows is not None  # noqa: S101 - only streams have none
    lengths = measure_lengths(rows.dataset, processor, training)
    gone = lengths.too_long(training.max_length)
    kept = np.setdiff1d(np.arange(len(rows.pair)), gone)
    with in_one_line("the model cannot be set up"):
        peft_config = get_peft_config(arguments.model)
        parameters = count_parameters(config, peft_config)
    longest = int(min(lengths.sequence.max(), training.max_length or sys.maxsize))
    load = Load(
        parameters,
        tokens=2 * training.per_device_train_batch_size * longest,
        own_reference=arguments.data.ref_model_name_or_path is not None
        or (training.loss().reference and not training.precompute_ref_log_probs and peft_config is None),
        shards=processes if sharded else 1,
    )
    return RunFacts(
        rows,
        count_data(start, lengths.of(kept), training.max_length),
        lengths,
        describe_left_out(rows, gone, training.max_length),
        count_steps(len(kept), training, processes),
        estimate_memory(config, training, arguments.model, load),
        processes,
        training,
        first_rows(rows, processor, training, left_out=gone),
    )


def build_trainer(arguments: Arguments, train: Any, evaluated: Any, processor: Any) -> RobustPreferenceTrainer:
    """The trainer with its models, as TRL's own script sets them up."""
    training, model = arguments.training, arguments.model
    training.model_init_kwargs = {
        "revision": model.model_revision,
        "attn_implementation": model.attn_implementation,
        "dtype": model.dtype,
    } | (training.model_init_kwargs or {})
    with in_one_line("the trainer cannot be set up"):
        trainer = RobustPreferenceTrainer(
            model.model_name_or_path,
            ref_model=_reference(arguments),
            args=training,
            train_dataset=train,
            eval_dataset=evaluated,
            processing_class=processor,
            quantization_config=get_quantization_config(model),
            peft_config=get_peft_config(model),
        )
    if arguments.script.ignore_bias_buffers:
        trainer.model._ddp_params_and_buffers_to_ignore = [
            name for name, buffer in trainer.model.named_buffers() if buffer.dtype == torch.bool
        ]
    return trainer


def _reference(arguments: Arguments) -> Any:
    """The reference model, if it is not the policy before training."""
    name, training = arguments.data.ref_model_name_or_path, arguments.training
    if name is None:
        return None
    settings = dict(training.model_init_kwargs or {}) | {"trust_remote_code": training.trust_remote_code}
    if (quantization := get_quantization_config(arguments.model)) is not None:
        settings["quantization_config"] = quantization
    if training.distributed_state.distributed_type in ("MULTI_GPU", "DEEPSPEED"):
        settings["device_map"] = None  # as in TRL: each process holds it whole
    return create_model_from_path(name, **settings)


def _checkpoint(arguments: Arguments) -> str | bool | None:
    """The checkpoint to resume from; True for the last complete one, which is `true` in YAML and on the command line."""
    given: str | bool | None = arguments.training.resume_from_checkpoint
    if isinstance(given, bool) or given is None:
        return given
    if given.lower() in ("true", "false"):
        return given.lower() == "true"
    if not (Path(given) / "trainer_state.json").is_file():
        raise BadInputError(
            "is not a checkpoint", source=given, expected="a folder checkpoint-N, or true for the last one"
        )
    return given


def run() -> None:
    """Run the script. An error that the user can fix is one line, printed by one process only if possible."""
    try:
        outcome = main(sys.argv[1:])
        if isinstance(outcome, RunFacts):
            print(visible(render(outcome), lines=True))
            print(render_rows(outcome.first, colours=has_colours(sys.stdout)))
        else:
            outcome.accelerator.print(f"The model is in {outcome.args.output_dir}.")
    except VotewiseError as error:
        if os.environ.get("RANK", "0") != "0":
            time.sleep(PATIENCE)  # as a rule the first process has the same error, and its end also ends this one
        print(f"votewise: {visible(error, lines=True)}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None


if __name__ == "__main__":
    run()
