"""Where a run takes place, and the arguments that accelerate gets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("torch")

from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

import votewise.train.launch as launch_module
import votewise.train.script as script_module
from votewise.errors import BadInputError, TrainingFailedError
from votewise.train.arguments import parse, take_apart
from votewise.train.launch import Plan, plan, run

QUIET = ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No launcher, and no user configuration of accelerate."""
    for name in ("LOCAL_RANK", "RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("accelerate.commands.config.config_args.default_config_file", str(tmp_path / "none.yaml"))


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch_module, "_devices", lambda: 4)


def test_one_process_stays_here() -> None:
    assert plan(["--max_steps", "3"]) == Plan(["--max_steps", "3"], None, 1, False)
    assert plan(["--num_processes", "1", "--seed", "2"]) == Plan(["--seed", "2"], None, 1, False)
    assert plan(["--cpu"]) == Plan(["--use_cpu", "True"], None, 1, False)


def test_a_process_of_a_launcher_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    assert plan(["--num_processes", "4"]) == Plan([], None, 4, True)


def test_processes_without_gpus_meet_on_the_cpu() -> None:
    planned = plan(["--num_processes", "2", "--cpu", "--seed", "2"])
    assert planned.training == ["--seed", "2", "--use_cpu", "True"]
    assert planned.launch == ["--multi_gpu", "--main_process_port", "0", *QUIET, "--num_processes", "2"]


@pytest.mark.usefixtures("gpus")
def test_one_process_for_each_gpu() -> None:
    planned = plan([])
    assert planned.launch == ["--multi_gpu", "--main_process_port", "0", *QUIET, "--num_processes", "4"]
    assert (planned.processes, planned.training) == (4, [])
    assert plan(["--use_cpu"]).launch is None
    assert plan(["--num_processes", "1", "--gpu_ids", "2"]).launch is not None


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize(("name", "sharded"), [("multi_gpu", False), ("fsdp2", True), ("zero3", True), ("zero2", True)])
def test_presets(name: str, sharded: bool) -> None:
    planned = plan(["--accelerate_config", name])
    assert planned.sharded is sharded
    assert planned.launch is not None
    assert planned.launch[0] == "--config_file"
    assert Path(planned.launch[1]).name == f"{name}.yaml"
    # TRL's presets, unlike ours, say how many processes there are.
    assert planned.processes == (8 if name == "zero2" else 4)
    assert ("--num_processes" in planned.launch) == (name != "zero2")


@pytest.mark.usefixtures("gpus")
def test_accelerate_understands_our_presets() -> None:
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser

    for name, kind in (
        ("single_gpu", None),
        ("multi_gpu", "multi_gpu"),
        ("fsdp2", "use_fsdp"),
        ("zero3", "use_deepspeed"),
    ):
        planned = plan(["--accelerate_config", name])
        arguments = launch_command_parser().parse_args([*(planned.launch or []), "script.py"])
        found, _, _ = _validate_launch_command(arguments)
        assert [k for k in ("multi_gpu", "use_fsdp", "use_deepspeed") if getattr(found, k)] == ([kind] if kind else [])
        assert found.num_processes == (1 if name == "single_gpu" else 4)
        if name == "fsdp2":
            assert found.fsdp_version == 2
        if name == "zero3":
            assert found.zero_stage == 3


@pytest.mark.usefixtures("gpus")
def test_the_users_own_configuration_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("distributed_type: MULTI_GPU\nnum_processes: 3\n")
    monkeypatch.setattr("accelerate.commands.config.config_args.default_config_file", str(path))
    assert plan([]) == Plan([], [], 3, False)
    assert plan(["--accelerate_config", str(path)]).launch == ["--config_file", str(path)]


@pytest.mark.usefixtures("gpus")
def test_several_machines_agree_on_a_port() -> None:
    planned = plan(
        ["--num_machines", "2", "--machine_rank", "0", "--num_processes", "8", "--main_process_ip", "10.0.0.1"]
    )
    assert planned.launch is not None
    assert "--main_process_port" not in planned.launch


def test_a_dry_run_stays_here() -> None:
    planned = plan(["--dry_run", "--num_processes", "2", "--accelerate_config", "fsdp2"])
    assert (planned.launch, planned.processes, planned.sharded) == (None, 2, True)


def test_a_recipe_holds_flags_of_both(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    recipe = "learning_rate: 5.0e-7\nnum_processes: 2\nmulti_gpu: true\nuse_fsdp: false\noutput_dir: there\n"
    path.write_text(recipe + "use_cpu: true\nbf16: false\n")
    options = take_apart([f"--config={path}", "--gpu_ids", "0,1", "--seed=3", "--lora_target_modules", "a", "b"])
    assert options.training == ["--config", str(path), "--seed=3", "--lora_target_modules", "a", "b"]
    assert options.launch == ["--num_processes", "2", "--multi_gpu", "--gpu_ids", "0,1"]
    arguments = parse(options.training)
    assert (arguments.training.learning_rate, arguments.training.seed) == (5e-7, 3)
    assert arguments.model.lora_target_modules == ["a", "b"]
    with pytest.raises(BadInputError, match="there is no setting --num_processes"):
        parse(["--num_processes", "2"])


@pytest.mark.parametrize("value", ["true", "false", "1"])
def test_a_setting_that_nobody_knows(tmp_path: Path, value: str) -> None:
    (tmp_path / "recipe.yaml").write_text(f"use_peff: {value}\n")
    with pytest.raises(BadInputError, match=r"there is no setting --use_peff \(expected --use_peft\)"):
        plan(["--config", str(tmp_path / "recipe.yaml")])


def test_flags_go_before_the_recipe_and_env_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOTEWISE_TEST", "before")
    path = tmp_path / "recipe.yaml"
    path.write_text("env: {VOTEWISE_TEST: after}\nlearning_rate: 1\noutput_dir: there\nuse_cpu: true\nbf16: false\n")
    assert parse(["--config", str(path), "--learning_rate", "2"]).training.learning_rate == 2
    assert os.environ["VOTEWISE_TEST"] == "after"


@pytest.mark.parametrize(
    ("options", "said"), [(["--config"], "--config names no file"), (["--num_processes"], "has no value")]
)
def test_flags_without_values(options: list[str], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        plan(options)


@pytest.mark.parametrize(
    ("code", "exit_code", "said"), [(2, 2, "exit code 2"), (3, 3, "exit code 3"), (-9, 1, "ended by signal 9")]
)
@pytest.mark.parametrize("kind", ["torchrun", "subprocess"])
def test_a_failed_process_decides_how_it_ends(
    monkeypatch: pytest.MonkeyPatch, kind: str, code: int, exit_code: int, said: str
) -> None:
    def fail(_: object) -> None:
        if kind == "subprocess":
            raise subprocess.CalledProcessError(code, "python")
        raise ChildFailedError("script", {0: ProcessFailure(local_rank=0, pid=1, exitcode=code, error_file="none")})

    monkeypatch.setattr("accelerate.commands.launch.launch_command", fail)
    with pytest.raises(TrainingFailedError, match=said) as ended:
        run(["--num_processes", "2"])
    assert ended.value.exit_code == exit_code
    assert ended.value.explained == (code > 0), "a process that was killed has printed nothing"


def test_what_accelerate_refuses_is_one_line() -> None:
    with pytest.raises(BadInputError, match="accelerate cannot launch this: You can only use one of"):
        run(["--num_processes", "2", "--tpu", "--multi_gpu"])


@pytest.mark.parametrize(("rank", "waited"), [("0", 0), ("1", 1)])
def test_the_first_process_tells_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], rank: str, waited: int
) -> None:
    naps: list[float] = []
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setattr(sys, "argv", ["script", "--learning_rat", "1"])
    # Only there: other threads of this process may sleep, too.
    monkeypatch.setattr("votewise.train.script.time", SimpleNamespace(sleep=naps.append))
    with pytest.raises(SystemExit) as ended:
        script_module.run()
    assert ended.value.code == 2
    assert len(naps) == waited
    assert capsys.readouterr().err == "votewise: there is no setting --learning_rat (expected --learning_rate)\n"
