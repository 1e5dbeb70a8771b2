"""Where a training run takes place: in this process, or in processes that accelerate starts."""

from __future__ import annotations

import importlib.resources
import logging
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from votewise.data.votes import Votes
from votewise.errors import BadInputError, TrainingFailedError
from votewise.train.arguments import MODULE, PRESET, read_yaml, take_apart
from votewise.train.processes import SHARDING, sharded_here

KINDS = {"--multi_gpu", "--use_fsdp", "--use_deepspeed", "--tpu", "--use_megatron_lm"}
"""Options of `accelerate launch` that say how processes work together."""

USUAL = ("--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no")
"""Settings that accelerate warns about if they are missing. The training script sets the precision of training."""


@dataclass(frozen=True)
class Plan:
    """How to run the training.

    Attributes:
        training: arguments of the training script.
        launch: arguments of `accelerate launch`; None to train in this process.
        processes: number of processes on all machines.
        sharded: whether each process holds only its part of the model.
    """

    training: list[str]
    launch: list[str] | None
    processes: int
    sharded: bool


def run(argv: Sequence[str], *, votes: Votes | None = None) -> Any:
    """Train, in this process or through accelerate.

    Args:
        argv: options, as for `votewise train`.
        votes: the votes to train on, if they are in memory.

    Returns:
        What ``script.main`` returns; None if accelerate ran the training.

    Raises:
        VotewiseError: an error that the user can fix, if it was found in this process.
        TrainingFailedError: a process that accelerate started has failed.
    """
    planned = plan(argv)
    if planned.launch is None:
        from votewise.train.script import main

        return main(planned.training, votes=votes, processes=planned.processes, sharded=planned.sharded)
    if votes is not None:
        raise BadInputError(
            f"votes in memory cannot be shared by {planned.processes} processes",
            expected="votes in a file, or num_processes=1",
        )
    _launch([*planned.launch, "--module", MODULE, *planned.training])
    return None


def plan(argv: Sequence[str]) -> Plan:
    """Decide where to run.

    In this process, if one process is enough, if a launcher has already started this process, or for a dry run. Otherwise
    through accelerate, by default with one process per GPU.
    """
    options = take_apart(argv)
    launch, training = _with_preset(options.launch), options.training
    if "LOCAL_RANK" in os.environ:
        return Plan(training, None, int(os.environ.get("WORLD_SIZE", "1")), sharded_here())
    file = _value(launch, "--config_file")
    config = _accelerate_config(Path(file) if file else None, on_cpu="--cpu" in launch)
    on_cpu = options.use_cpu or "--cpu" in launch or _devices() == 0
    processes = _processes(launch, config, 1 if on_cpu else _devices())
    sharded = config.get("distributed_type") in SHARDING or bool({"--use_fsdp", "--use_deepspeed"} & set(launch))
    if options.dry_run:
        return Plan(training, None, processes, sharded)
    if processes == 1 and not config and not set(launch) - {"--num_processes", "1", "--cpu"}:
        return Plan(training + (["--use_cpu", "True"] if "--cpu" in launch else []), None, 1, False)
    if not config:
        if on_cpu and processes > 1:
            # `accelerate launch --cpu` starts only one process without MPI; torchrun starts all of them and uses gloo.
            launch = [word for word in launch if word != "--cpu"]
            training = [*training, "--use_cpu", "True"]
        kind = ["--multi_gpu"] if processes > 1 and not KINDS & set(launch) else []
        launch = [*kind, *_usual(launch), *launch]
    if "--num_processes" not in launch and config.get("num_processes") is None:
        launch = [*launch, "--num_processes", str(processes)]
    return Plan(training, launch, processes, sharded)


def _launch(arguments: list[str]) -> None:
    from accelerate.commands.launch import launch_command, launch_command_parser
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    # Hides a page of the launcher about a process that has printed its own error.
    logging.getLogger("torch.distributed.elastic.multiprocessing.api").setLevel(logging.CRITICAL)
    try:
        launch_command(launch_command_parser().parse_args(arguments))
    except ChildFailedError as error:
        _end(next(iter(error.failures.values())).exitcode)
    except subprocess.CalledProcessError as error:
        _end(error.returncode)
    except SignalException:
        _end(130)
    except (ValueError, ImportError, FileNotFoundError) as error:
        raise BadInputError(f"accelerate cannot launch this: {error}") from error


def _end(code: int) -> None:
    if code < 0:  # a signal, for example because the machine ran out of memory
        raise TrainingFailedError(f"a training process was ended by signal {-code}")
    raise TrainingFailedError(
        f"a training process ended with exit code {code}; its message is above", exit_code=code, explained=True
    )


def _with_preset(launch: list[str]) -> list[str]:
    """``--accelerate_config NAME`` -> ``--config_file PATH``: a file, one of votewise's, or one of TRL's."""
    name = _value(launch, PRESET)
    if name is None:
        return launch
    at = next(i for i, word in enumerate(launch) if word.partition("=")[0] == PRESET)
    rest = launch[:at] + launch[at + (1 if "=" in launch[at] else 2) :]
    if Path(name).is_file():
        return ["--config_file", name, *rest]
    ours = importlib.resources.files("votewise.train").joinpath("accelerate_configs")
    for folder in (ours, importlib.resources.files("trl").joinpath("accelerate_configs")):
        if (found := folder.joinpath(f"{name}.yaml")).is_file():
            return ["--config_file", str(found), *rest]
    presets = sorted(Path(str(file)).stem for file in ours.iterdir())
    raise BadInputError("accelerate_config", value=name, expected=f"a file, or one of {', '.join(presets)}")


def _accelerate_config(path: Path | None, *, on_cpu: bool) -> dict[str, Any]:
    """The configuration that accelerate will use: this file, or the user's default one; {} if there is none."""
    if path is None:
        from accelerate.commands.config.config_args import default_config_file

        path = Path(default_config_file)
        if on_cpu or not path.is_file():
            return {}
    return read_yaml(path)


def _usual(launch: list[str]) -> list[str]:
    """``USUAL`` options, put first because the last value counts; and a free port, except for several machines."""
    port = (
        []
        if _value(launch, "--num_machines") or _value(launch, "--main_process_port")
        else ["--main_process_port", "0"]
    )
    return [*port, *USUAL]


def _processes(launch: list[str], config: dict[str, Any], devices: int) -> int:
    asked = _value(launch, "--num_processes") or config.get("num_processes") or devices
    try:
        number = int(asked)
    except ValueError:
        number = 0
    if number < 1:
        raise BadInputError("num_processes", value=asked, expected="1 or more")
    return number


def _value(words: list[str], name: str) -> str | None:
    """The last value given for an option: ``--name value`` or ``--name=value``."""
    found = None
    for word, after in zip(words, [*words[1:], None], strict=False):
        key, equals, value = word.partition("=")
        if key == name:
            found = value if equals else after
            if found is None:
                raise BadInputError(f"{name} has no value")
    return found


def _devices() -> int:
    import torch

    return int(torch.accelerator.device_count()) if torch.accelerator.is_available() else 0
