"""``votewise train``: votes -> a trained model, and beliefs about the annotators."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from votewise.cli.options import (
    Columns,
    Criterion,
    Defaults,
    Group,
    GroupColumn,
    Label,
    OneAnnotator,
    Split,
    parse_columns,
    parse_groups,
    parse_label,
)
from votewise.errors import TrainingFailedError
from votewise.workflows import train as workflow

DEFAULTS = Defaults(workflow.train)

CONTEXT = {"ignore_unknown_options": True, "allow_extra_args": True}
"""How the command is registered: options that are not declared here are passed on to the training script."""

Recipe = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A YAML file of settings; options override it.", show_default=False),
]
Source = Annotated[
    str | None,
    typer.Option(
        metavar="VOTES",
        help="What to train on, in any format that `votewise formats` lists, instead of TRL's `dataset_name` or "
        "`datasets`.",
        show_default=False,
    ),
]
Beliefs = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="The folder that `votewise audit` wrote for these votes; training starts from its reliabilities. With "
        "`--beliefs_use fixed` its confidences are the weights throughout.",
        show_default=False,
    ),
]
Processes = Annotated[
    int | None,
    typer.Option(
        "--num-processes",
        "--num_processes",
        metavar="NUMBER",
        help="The number of processes; accelerate launches them if there are several.",
        show_default="one per GPU",
    ),
]
AtErrorWhileTraining = Annotated[
    Literal["stop", "skip"] | None,
    typer.Option(
        "--on-error",
        "--on_error",
        metavar="stop|skip",
        help="What to do with an unusable row: stop, or skip it and write it with the reason to rejected.jsonl beside the "
        "model.",
        show_default="stop",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        "--accelerate-config",
        "--accelerate_config",
        metavar="NAME|FILE",
        help="How accelerate launches: `single_gpu`, `multi_gpu`, `fsdp2`, `zero3`, or a file of `accelerate config`.",
        show_default=False,
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        "--dry_run",
        help="Only say what would be trained on: rows, votes, annotators, lengths, steps, memory, and "
        "the first rows as the model sees them. Nothing is loaded except the tokenizer.",
    ),
]


def train(
    context: typer.Context,
    config: Recipe = None,
    votes: Source = None,
    columns: Columns = None,
    label: Label = None,
    criterion: Criterion = None,
    split: Split = None,
    one_annotator: OneAnnotator = None,
    on_error: AtErrorWhileTraining = None,
    beliefs: Beliefs = None,
    group: Group = None,
    group_column: GroupColumn = None,
    num_processes: Processes = None,
    accelerate_config: Preset = None,
    dry_run: DryRun = DEFAULTS.dry_run,
) -> None:
    """Train a model on noisy votes, estimating annotator reliability during training.

    Accepts options and YAML settings of `trl dpo`, such as `--model_name_or_path`, `--learning_rate` or `--use_peft`, and
    those of `accelerate launch`. Needs an extra: `pip install 'votewise[train]'`. Next to the model it writes
    annotators.parquet, votes.parquet, pairs.parquet, summary.json and report.html, as `votewise audit` does.

    **Settings of votewise**, as options or in YAML: `preference_loss` (dpo, dpo_norm, ipo, simpo, cpo), `objective`
    (weighted, gibbs, plain, smoothed, rdpo, holder, score, ropo, drdpo), `beta`, `simpo_gamma`, `cpo_alpha`,
    `cpo_per_token`, `sft_weight`, `holder_gamma`, `loss_temperature`, `score_tilt`, `ropo_alpha`, `drdpo_beta`,
    `reliability_init`, `reliability_update` (step, epoch, frozen), `reliability_margins` (first, current),
    `reliability_momentum`, `reliability_prior`, `temperature`, `annotator_column`, `one_row_per` (pair, vote),
    `keep_easiest`, `loss_column`, `beliefs`, `beliefs_use` (start, fixed), `groups`, `allow_worse_than_chance`,
    `write_beliefs`, `fast_step`, `packed_attention`, `answer_projection`, `reference_cache`, `votes`, `votes_format`,
    `columns`, `label`, `criterion`, `split`, `one_annotator`, `on_error`, `eval_votes`, `eval_split`,
    `ref_model_name_or_path`.
    `python -m votewise.train.script --help` explains all settings, including TRL's.

    **Examples:**

    `votewise train --config recipes/convincing.yaml --dry-run`

    `votewise train --config recipe.yaml --learning_rate 5e-7 --beliefs audit/votes`

    `votewise train --config recipe.yaml --votes votes.jsonl --group judges='gpt-*'`

    `votewise train --votes votes.parquet --model_name_or_path Qwen/Qwen2.5-0.5B --accelerate-config fsdp2`
    """
    from votewise.cli.printing.train import print_training

    try:
        result = workflow.train(
            config,
            votes=votes,
            columns=parse_columns(columns),
            label=parse_label(label),
            criterion=criterion,
            split=split,
            one_annotator=one_annotator,
            on_error=on_error,
            beliefs=beliefs,
            groups=parse_groups(group, group_column),
            num_processes=num_processes,
            accelerate_config=accelerate_config,
            dry_run=dry_run,
            options=context.args,
        )
    except TrainingFailedError as error:
        if error.explained:
            raise typer.Exit(error.exit_code) from None
        raise
    print_training(result)
