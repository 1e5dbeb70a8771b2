"""Where a training run happens: in this process, or in several that accelerate starts."""

from __future__ import annotations

import importlib.resources
import logging
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from votewise.errors import BadInputError, VotewiseError
from votewise.train.arguments import MODULE, PRESET, read_yaml, take_apart
from votewise.train.processes import SHARDING, sharded_here

KINDS = {"--multi_gpu", "--use_fsdp", "--use_deepspeed", "--tpu", "--use_megatron_lm"}
"""Flags of `accelerate launch` that say how processes work together."""

USUAL = ("--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no")
"""What accelerate would warn of if it were left open; the precision of training is the training script's to say."""


@dataclass(frozen=True)
class Plan:
    """How to run.

    Attributes:
        training: arguments of the training script.
        launch: arguments of `accelerate launch`; None to train in this process.
        processes: how many there will be, on all machines.
        sharded: whether each holds only its part of the model.
    """

    training: list[str]
    launch: list[str] | None
    processes: int
    sharded: bool


class TrainingFailedError(VotewiseError):
    """A process of a launched run died without a word."""

    exit_code = 1


def run(argv: Sequence[str]) -> None:
    """Train, here or through accelerate; ``argv`` as for `votewise train`.

    Raises:
        VotewiseError: what a user can mend, if it was found in this process.
        SystemExit: with the exit code of the process that failed; it has told why.
    """
    planned = plan(argv)
    if planned.launch is not None:
        _launch([*planned.launch, "--module", MODULE, *planned.training])
        return
    from votewise.train.script import main

    main(planned.training, processes=planned.processes, sharded=planned.sharded)


def plan(argv: Sequence[str]) -> Plan:
    """Decide where to run.

    Here, if that is all that is asked for: one process, or one of those that a launcher has started already. A dry run
    stays here too. Otherwise through accelerate, with one process for each GPU unless told.
    """
    flags = take_apart(argv)
    launch, training = _with_preset(flags.launch), flags.training
    if "LOCAL_RANK" in os.environ:
        return Plan(training, None, int(os.environ.get("WORLD_SIZE", "1")), sharded_here())
    file = _value(launch, "--config_file")
    config = _accelerate_config(Path(file) if file else None, on_cpu="--cpu" in launch)
    on_cpu = flags.use_cpu or "--cpu" in launch or _devices() == 0
    processes = _processes(launch, config, 1 if on_cpu else _devices())
    sharded = config.get("distributed_type") in SHARDING or bool({"--use_fsdp", "--use_deepspeed"} & set(launch))
    if flags.dry_run:
        return Plan(training, None, processes, sharded)
    if processes == 1 and not config and not set(launch) - {"--num_processes", "1", "--cpu"}:
        return Plan(training + (["--use_cpu", "True"] if "--cpu" in launch else []), None, 1, False)
    if not config:
        if on_cpu and processes > 1:
            # `accelerate launch --cpu` starts one process unless MPI is there; torchrun starts all, and gloo joins them.
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

    # A page of the launcher's own about a process that has said itself what was wrong.
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
    if code < 0:  # a signal, say from a kernel that ran out of memory
        raise TrainingFailedError(f"a training process was ended by signal {-code}")
    raise SystemExit(code)


def _with_preset(launch: list[str]) -> list[str]:
    """``--accelerate_config NAME`` -> ``--config_file PATH``: a file, one of ours, or one of TRL's."""
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
    """What accelerate will read; its user-wide file unless told otherwise, and {} where there is none."""
    if path is None:
        from accelerate.commands.config.config_args import default_config_file

        path = Path(default_config_file)
        if on_cpu or not path.is_file():
            return {}
    return read_yaml(path)


def _usual(launch: list[str]) -> list[str]:
    """``USUAL``, but for what is given: the last one counts. Several machines must agree on a port."""
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
    """What was given for a flag last: ``--name value`` or ``--name=value``."""
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
