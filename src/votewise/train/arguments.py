"""The arguments of a training run: TRL's flags and YAML, the trainer's settings, and where votes and models are.

TRL's own parser reads them, so that a recipe of `trl dpo` works here too. What it cannot read ends in one line instead of
a page of usage.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
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

STEPS = "steps"
"""What a recipe calls the commands that lead up to training and on from there; they are for people to read and paste."""


@dataclass
class DataArguments:
    """What TRL's command line has no flags for."""

    votes: str | None = field(
        default=None,
        metadata={"help": "Votes in any format that `votewise formats` lists: a file, a folder or a table's URL."},
    )
    votes_format: str = field(
        default="auto", metadata={"help": "The format of votes and eval_votes, a name from `votewise formats`."}
    )
    eval_votes: str | None = field(
        default=None, metadata={"help": "Votes to evaluate on when eval_strategy asks for it; each counts as it fell."}
    )
    ref_model_name_or_path: str | None = field(
        default=None, metadata={"help": "The reference model, where it is not the policy as it starts."}
    )
    dry_run: bool = field(default=False, metadata={"help": "Say what would be trained on, and stop."})


@dataclass(frozen=True)
class Arguments:
    """Everything that a run was told."""

    script: Any
    training: RobustPreferenceConfig
    model: Any
    mixture: Any
    data: DataArguments


@dataclass(frozen=True)
class Flags:
    """An argument list taken apart.

    Attributes:
        training: what the training script takes, word for word.
        launch: what it does not, in the form that `accelerate launch` takes: from the recipe, then from the flags.
        own: those of ``launch`` that were given as flags.
        use_cpu: whether the run was told to stay on the CPU.
        dry_run: whether it was told only to say what it would do.
    """

    training: list[str]
    launch: list[str]
    own: list[str]
    use_cpu: bool
    dry_run: bool


class _Parser(TrlParser):
    def error(self, message: str) -> NoReturn:
        raise BadInputError(message)


def make_parser() -> Any:
    """TRL's parser of all flags; ``--help`` lists them."""
    types = (DataArguments, RobustPreferenceConfig, ModelConfig, ScriptArguments, DatasetMixtureConfig)
    parser = _Parser(types, prog=f"python -m {MODULE}", allow_abbrev=False)
    parser.add_argument("--config", metavar="FILE", help="A YAML file of settings; flags go before what it says.")
    return parser


def parse(argv: Sequence[str]) -> Arguments:
    """Read flags and the recipe that they name.

    Raises:
        BadInputError: an unknown flag or key, a value that does not fit, a recipe that cannot be read.
    """
    parser, flags, rest = _read(argv)
    if flags.own:
        raise _unknown(flags.own[0], parser)
    try:
        data, training, model, script, mixture, _ = parser.parse_args_into_dataclasses(rest, look_for_args_file=False)
    except BadInputError:
        raise
    except (ValueError, TypeError) as error:
        # What the settings of TRL and transformers say of values that do not fit together.
        raise BadInputError(str(error)) from error
    return Arguments(script, training, model, mixture, data)


def take_apart(argv: Sequence[str]) -> Flags:
    """Tell the flags of the training script from those of `accelerate launch`, without checking their values."""
    return _read(argv)[1]


def _check_known(launch: Sequence[str], parser: Any) -> None:
    """Raise BadInputError for a flag that neither the training script nor `accelerate launch` knows."""
    if not launch:
        return
    from accelerate.commands.launch import launch_command_parser

    known = {PRESET, *launch_command_parser()._option_string_actions}
    for before, word in zip(["", *launch], launch, strict=False):
        value = not word.startswith("-") and before.startswith("--") and "=" not in before
        if not value and word.partition("=")[0] not in known:
            raise _unknown(word, parser, known)


def _read(argv: Sequence[str]) -> tuple[Any, Flags, list[str]]:
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
    for word in rest:  # what argparse left over stands in the same order
        if left and word == left[0]:
            left.pop(0)
        else:
            training.append(word)
    training = ["--config", named, *training] if named is not None else training
    return parser, Flags(training, from_recipe + own, own, namespace.use_cpu, namespace.dry_run), rest


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
    """The settings in a YAML file; BadInputError where there are none."""
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"cannot be read: {getattr(error, 'strerror', None) or error}", source=str(path)) from error
    except yaml.YAMLError as error:
        raise BadInputError(f"is no YAML: {error}", source=str(path)) from error
    if not isinstance(settings, dict):
        raise BadInputError("holds no settings", source=str(path), expected="lines such as learning_rate: 5.0e-7")
    return {str(name): value for name, value in settings.items()}


def _as_flag(key: str, value: Any) -> list[str]:
    """A line of a recipe as `accelerate launch` takes it, whose switches have no values."""
    if isinstance(value, bool):
        return [f"--{key}"] if value else []
    return [f"--{key}", str(value)]


def _unknown(word: str, parser: Any, others: Sequence[str] | set[str] = ()) -> BadInputError:
    name = word.partition("=")[0]
    if not word.startswith("-"):
        return BadInputError("belongs to no flag", value=word, expected="--flag value")
    alike = get_close_matches(name, [*parser._option_string_actions, *others], n=1)
    return BadInputError(f"there is no setting {name}", expected=alike[0] if alike else "one of `--help`'s")
