"""The arguments of a training run: TRL's options and YAML, the trainer's settings, and where votes and models are.

TRL's own parser reads them, so a recipe of `trl dpo` works here too. An error is one line instead of a page of usage.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

import yaml  # type: ignore[import-untyped]
from trl import DatasetMixtureConfig, ModelConfig, ScriptArguments, TrlParser

from votewise.errors import BadInputError
from votewise.train.config import RobustPreferenceConfig

MODULE = "votewise.train.script"
PRESET = "--accelerate_config"

DEFAULT_FOLDER = "trainer_output"
"""Where transformers writes without ``output_dir``."""

STEPS = "steps"
"""Key of a recipe for the commands before and after training. They are for people to read and paste."""


@dataclass
class DataArguments:
    """RunOptions that TRL's command line does not have."""

    votes: str | None = field(
        default=None,
        metadata={"help": "Votes in any format that `votewise formats` lists: a file, a folder or a table's URL."},
    )
    votes_format: str = field(
        default="auto", metadata={"help": "The format of votes and eval_votes, a name from `votewise formats`."}
    )
    columns: str | None = field(
        default=None,
        metadata={"help": 'Names of columns in votes and eval_votes, as YAML or JSON: {"annotator": "worker_id"}.'},
    )
    label: str | None = field(
        default=None,
        metadata={"help": 'What values of the label mean in votes and eval_votes, as YAML or JSON: {"left": "a"}.'},
    )
    criterion: str | None = field(
        default=None, metadata={"help": "Which question counts in votes and eval_votes, where several were asked."}
    )
    split: str | None = field(default=None, metadata={"help": "Which split of votes to read."})
    one_annotator: str | None = field(
        default=None, metadata={"help": "Say that votes without a name are all by this one person or model."}
    )
    on_error: str = field(
        default="stop",
        metadata={
            "help": "At an unusable row of votes or eval_votes: stop, or skip it and write it with the reason to "
            "rejected.jsonl (of eval_votes: eval-rejected.jsonl) in output_dir."
        },
    )
    eval_votes: str | None = field(
        default=None, metadata={"help": "Votes to evaluate on if eval_strategy asks for it; every vote is trusted."}
    )
    eval_split: str | None = field(default=None, metadata={"help": "Which split of eval_votes to read."})
    ref_model_name_or_path: str | None = field(
        default=None, metadata={"help": "The reference model; default: the policy before training."}
    )
    dry_run: bool = field(default=False, metadata={"help": "Only say what would be trained on."})


@dataclass(frozen=True)
class Arguments:
    """All settings of a run."""

    script: Any
    training: RobustPreferenceConfig
    model: Any
    mixture: Any
    data: DataArguments


@dataclass(frozen=True)
class RunOptions:
    """An argument list, split by the program that each argument is for.

    Attributes:
        training: arguments of the training script, word for word.
        launch: arguments of `accelerate launch`: from the recipe, then from the options.
        own: those of ``launch`` that were given as options.
        use_cpu: whether to stay on the CPU.
        dry_run: whether only to say what would be trained on.
        output_dir: the folder of the model.
        write_beliefs: whether tables of annotators and votes are written to it.
    """

    training: list[str]
    launch: list[str]
    own: list[str]
    use_cpu: bool
    dry_run: bool
    output_dir: str = DEFAULT_FOLDER
    write_beliefs: bool = True


class _Parser(TrlParser):
    def error(self, message: str) -> NoReturn:
        raise BadInputError(message)


def make_parser() -> Any:
    """TRL's parser for all options; ``--help`` lists them."""
    types = (DataArguments, RobustPreferenceConfig, ModelConfig, ScriptArguments, DatasetMixtureConfig)
    parser = _Parser(types, prog=f"python -m {MODULE}", allow_abbrev=False)
    parser.add_argument("--config", metavar="FILE", help="A YAML file of settings; options override it.")
    return parser


def parse(argv: Sequence[str]) -> Arguments:
    """Read options and the recipe that they name.

    Raises:
        BadInputError: an unknown option or key, an invalid value, a recipe that cannot be read.
    """
    parser, options, rest = _read(argv)
    if options.own:
        raise _unknown(options.own[0], parser)
    try:
        data, training, model, script, mixture, _ = parser.parse_args_into_dataclasses(rest, look_for_args_file=False)
    except BadInputError:
        raise
    except (ValueError, TypeError) as error:
        # Settings of TRL and transformers that contradict each other.
        raise BadInputError(str(error)) from error
    return Arguments(script, training, model, mixture, data)


def take_apart(argv: Sequence[str]) -> RunOptions:
    """Separate the options of the training script from those of `accelerate launch`, without checking their values."""
    return _read(argv)[1]


def as_words(settings: Mapping[str, Any]) -> list[str]:
    """Settings as an argument list; those that are None are left out.

    >>> as_words({"learning_rate": 5e-07, "use_peft": True, "multi_gpu": True})
    ['--learning_rate', '5e-07', '--use_peft', 'True', '--multi_gpu']
    """
    known = {action.dest for action in make_parser()._actions}
    words: list[str] = []
    for name, value in settings.items():
        if value is None:
            continue
        if name not in known:
            words += _as_flag(name, value)
        elif isinstance(value, list | tuple):
            words += [f"--{name}", *map(str, value)]
        else:
            words += [f"--{name}", json.dumps(value) if isinstance(value, Mapping) else str(value)]
    return words


def _check_known(launch: Sequence[str], parser: Any) -> None:
    """Raise BadInputError for an option that neither the training script nor `accelerate launch` knows."""
    if not launch:
        return
    from accelerate.commands.launch import launch_command_parser

    known = {PRESET, *launch_command_parser()._option_string_actions}
    for before, word in zip(["", *launch], launch, strict=False):
        value = not word.startswith("-") and before.startswith("--") and "=" not in before
        if not value and word.partition("=")[0] not in known:
            raise _unknown(word, parser, known)


def _read(argv: Sequence[str]) -> tuple[Any, RunOptions, list[str]]:
    parser = make_parser()
    named, rest = _without_config(list(argv))
    recipe = {} if named is None else read_yaml(Path(named))
    recipe.pop(STEPS, None)
    variables = recipe.pop("env", None) or {}
    if not isinstance(variables, dict):
        raise BadInputError("env", source=named, value=variables, expected="names and values")
    os.environ.update({str(name): str(value) for name, value in variables.items()})
    destinations = {action.dest for action in parser._actions}
    others = {key: value for key, value in recipe.items() if key not in destinations}
    _check_known([f"--{key}" for key in others], parser)
    from_recipe = [word for key, value in others.items() for word in _as_flag(key, value)]
    parser.set_defaults_with_config(**{key: value for key, value in recipe.items() if key in destinations})
    namespace, own = parser.parse_known_args(rest)
    _check_known(own, parser)
    training, left = [], list(own)
    for word in rest:  # the words that argparse did not use are in the same order
        if left and word == left[0]:
            left.pop(0)
        else:
            training.append(word)
    training = ["--config", named, *training] if named is not None else training
    found = {name: getattr(namespace, name) for name in ("use_cpu", "dry_run", "write_beliefs")}
    options = RunOptions(training, from_recipe + own, own, output_dir=namespace.output_dir or DEFAULT_FOLDER, **found)
    return parser, options, rest


def _without_config(argv: list[str]) -> tuple[str | None, list[str]]:
    for i, word in enumerate(argv):
        if word == "--config":
            if i + 1 == len(argv):
                raise BadInputError("--config names no file", expected="--config recipe.yaml")
            return argv[i + 1], argv[:i] + argv[i + 2 :]
        if word.startswith("--config="):
            return word.removeprefix("--config="), argv[:i] + argv[i + 1 :]
    return None, argv


def read_yaml(path: Path) -> dict[str, Any]:
    """The settings in a YAML file; BadInputError if there are none."""
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"cannot be read: {getattr(error, 'strerror', None) or error}", source=str(path)) from error
    except yaml.YAMLError as error:
        raise BadInputError(f"is not YAML: {error}", source=str(path)) from error
    if not isinstance(settings, dict):
        raise BadInputError("has no settings", source=str(path), expected="lines such as learning_rate: 5.0e-7")
    return {str(name): value for name, value in settings.items()}


def _as_flag(key: str, value: Any) -> list[str]:
    """A setting as an option of `accelerate launch`, whose switches have no values."""
    if isinstance(value, bool):
        return [f"--{key}"] if value else []
    return [f"--{key}", str(value)]


def _unknown(word: str, parser: Any, others: Sequence[str] | set[str] = ()) -> BadInputError:
    name = word.partition("=")[0]
    if not word.startswith("-"):
        return BadInputError("does not belong to an option", value=word, expected="--option value")
    alike = get_close_matches(name, [*parser._option_string_actions, *others], n=1)
    return BadInputError(f"there is no setting {name}", expected=alike[0] if alike else "one of `--help`'s")
