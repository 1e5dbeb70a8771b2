"""Runs that need their own process, because they are killed or because there are two of them.

    python worker.py killed FOLDER SCENARIO [SCENARIO ...]
    ACCELERATE_USE_CPU=true torchrun --nproc_per_node 2 worker.py ranks|kept|counted FILE [NAME ...]

A killed run is a fork: the libraries are imported once. Nothing of it runs on after the SIGKILL, no handler and no flush.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import safetensors.torch
import torch
import transformers.trainer_callback
from accelerate import DistributedType, PartialState
from peft import LoraConfig
from tiny import losses_of, make_model, make_rows, make_trainer
from torch.distributed.tensor import DTensor
from transformers import TrainerCallback
from uneven import UNEVEN, EndAfter, uneven_rows

import votewise.train.answer_scores as answer_scores
import votewise.train.checkpoints as checkpoints
from votewise.errors import BadInputError
from votewise.train import RobustPreferenceTrainer

STEP = {"gradient_accumulation_steps": 2, "per_device_train_batch_size": 4, "save_strategy": "steps", "save_steps": 2}
LORA = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
SETTINGS: dict[str, dict[str, Any]] = {
    "first": STEP,
    "current": STEP | {"reliability_margins": "current"},
    "epoch": STEP | {"reliability_margins": "current", "reliability_update": "epoch"},
    "variance": STEP | {"preference_loss": "ipo", "beta": 0.5},
    "shared": STEP | {"votes_per_pair": 2, "save_total_limit": 1},
}
"""Two epochs of four steps each; a checkpoint in the middle of the first, at its end, and so on."""


def build(folder: Path | str, name: str) -> Any:
    """A trainer with dropout, so that the state of the generators counts too."""
    settings = dict(SETTINGS[name])
    rows = make_rows(32, votes_per_pair=settings.pop("votes_per_pair", 1))
    return make_trainer(
        folder,
        rows,
        model=make_model(attention_dropout=0.2),
        disable_dropout=False,
        num_train_epochs=2,
        **settings,
    )


def kill() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


class KillAfter(TrainerCallback):
    """Kills before the optimiser steps: gradients and beliefs of the step are there, parameters are not."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step:
            kill()


def in_step(step: int) -> Callable[[Any], None]:
    """In the second micro-batch of the step after ``step``."""

    def arrange(trainer: Any) -> None:
        real, seen = trainer._confidence, []

        def confidence(*args: Any) -> Any:
            seen.append(1)
            if trainer.state.global_step == step and len(seen) % 2 == 0:
                kill()
            return real(*args)

        trainer._confidence = confidence

    return arrange


def before_update(step: int) -> Callable[[Any], None]:
    return lambda trainer: trainer.add_callback(KillAfter(step))


def in_state(step: int, half: bool) -> Callable[[Any], None]:
    """When everything of the checkpoint is written but the trainer's state; or half of that, too."""

    def arrange(trainer: Any) -> None:
        real = transformers.trainer_callback.TrainerState.save_to_json

        def save(state: Any, path: str) -> None:
            if state.global_step != step:
                real(state, path)
                return
            if half:
                real(state, path)
                text = Path(path).read_text()
                Path(path).write_text(text[: len(text) // 2])
            kill()

        transformers.trainer_callback.TrainerState.save_to_json = save

    return arrange


def in_beliefs(step: int) -> Callable[[Any], None]:
    """When half of the beliefs are on the disk."""

    def arrange(trainer: Any) -> None:
        real = np.savez

        def savez(file: Any, **arrays: Any) -> None:
            real(file, **arrays)
            if trainer.state.global_step == step:
                file.truncate(file.tell() // 2)
                file.flush()
                kill()

        checkpoints.np.savez = savez

    return arrange


def in_weights(step: int) -> Callable[[Any], None]:
    """When half of the model is on the disk."""

    def arrange(trainer: Any) -> None:
        def save_model(folder: Any = None, **_: Any) -> None:
            if trainer.state.global_step != step:
                real(folder, **_)
                return
            Path(folder).mkdir(parents=True, exist_ok=True)
            data = safetensors.torch.save({n: p.detach() for n, p in trainer.model.named_parameters()})
            (Path(folder) / "model.safetensors").write_bytes(data[: len(data) // 2])
            kill()

        real, trainer.save_model = trainer.save_model, save_model

    return arrange


SCENARIOS: dict[str, tuple[str, Callable[[Any], None], int]] = {
    "step-first": ("first", in_step(5), 4),
    "update-first": ("first", before_update(3), 2),
    "state-first": ("first", in_state(6, half=False), 4),
    "half-state-shared": ("shared", in_state(6, half=True), 4),
    "weights-shared": ("shared", in_weights(4), 2),
    "beliefs-current": ("current", in_beliefs(4), 2),
    "step-variance": ("variance", in_step(3), 2),
    "end-of-epoch": ("epoch", in_step(4), 4),
    "middle-of-epoch": ("epoch", before_update(6), 6),
}
"""What is run, where it is killed, and the checkpoint that it has to resume from."""


def killed(folder: Path, names: list[str]) -> None:
    for name in names:
        settings, arrange, _ = SCENARIOS[name]
        child = os.fork()
        if child == 0:
            trainer = build(folder / name, settings)
            arrange(trainer)
            trainer.train()
            os._exit(0)
        print(name, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


DISTRIBUTED: dict[str, dict[str, Any]] = {
    "first": {},
    "current": {"reliability_margins": "current"},
    "epoch": {"reliability_margins": "current", "reliability_update": "epoch"},
    "ipo": {"preference_loss": "ipo", "beta": 0.5},
    "lora": {"peft_config": LORA},
    "score": {"objective": "score"},
    "score of cpo": {"objective": "score", "preference_loss": "cpo"},
}
"""Runs that are the same in one process and in several."""

HEADS: dict[str, dict[str, Any]] = {
    "fused": {"answer_projection": "trl"},
    "chunks": {"tokens_at_once": 4},
    "chunks-lora": {"tokens_at_once": 4, "peft_config": LORA},
}
"""The same for the projection on the vocabulary: in TRL's way, and in parts whose number differs between processes."""


def outcome(folder: Path, name: str, **split: Any) -> dict[str, Any]:
    """Losses, reliabilities and the like of two epochs of four steps with eight rows each, however they are split.

    With plain SGD, for Adam makes large differences of small ones where gradients are near zero.
    """
    settings = {"num_train_epochs": 2, "optim": "sgd", "learning_rate": 0.1} | (DISTRIBUTED | HEADS)[name] | split
    answer_scores.CHUNK = settings.pop("tokens_at_once", 1 << 20) * make_model().config.vocab_size
    if "peft_config" not in settings and settings.get("preference_loss") != "cpo":
        settings["ref_model"] = make_model(1)
    torch.manual_seed(2)  # an adapter's weights are drawn when the trainer makes it
    trainer = make_trainer(folder, make_rows(32, votes_per_pair=2), **settings)
    trainer.train()
    if trainer.is_deepspeed_enabled:
        trainer.save_model()
    beliefs = trainer.beliefs
    logs = [entry for entry in trainer.state.log_history if "loss" in entry]
    bare = trainer.accelerator.unwrap_model(trainer.model)
    return {
        "steps": trainer.state.global_step,
        "loss": losses_of(trainer),
        "eta": beliefs.reliability.tolist(),
        "first": beliefs.first.tolist(),
        "variance": beliefs.variance,
        "confidence": [[entry[f"confidence/{part}"] for part in ("mean", "std", "flipped")] for entry in logs],
        "metrics": [[entry[name] for name in ("rewards/margins", "logps/chosen", "entropy")] for entry in logs],
        "tokens": logs[-1]["num_tokens"],
        "processes": trainer.accelerator.num_processes,
        "sharded": any(is_sharded(weight) for weight in trainer.model_wrapped.parameters()),
        "weights": {name: whole(weight).flatten().tolist() for name, weight in bare.named_parameters()},
    }


def is_sharded(weight: Any) -> bool:
    """Whether this process holds only a part, by FSDP2 or ZeRO-3."""
    return isinstance(weight, DTensor) or (hasattr(weight, "ds_tensor") and weight.numel() < weight.ds_numel)


def whole(weight: Any) -> torch.Tensor:
    """A copy of the whole weight, on all processes."""
    if hasattr(weight, "ds_tensor"):
        import deepspeed

        with deepspeed.zero.GatheredParameters([weight]):
            return weight.detach().clone()
    return weight.full_tensor() if isinstance(weight, DTensor) else weight


def device() -> dict[str, Any]:
    """Settings of the trainer; with ``use_cpu``, accelerate leaves DeepSpeed out."""
    return {"use_cpu": False} if os.environ.get("ACCELERATE_USE_DEEPSPEED") else {}


def ranks(file: Path, *names: str) -> None:
    each = 8 // int(os.environ["WORLD_SIZE"])
    found = {name: outcome(file.parent / name, name, per_device_train_batch_size=each, **device()) for name in names}
    file.with_name(f"{file.name}.{os.environ['RANK']}").write_text(json.dumps(found))


def shard_on_cpus() -> None:
    """Let accelerate shard weights by FSDP over processes on CPUs, which it only does where it believes there are GPUs."""
    real = PartialState.set_device

    def set_device(state: Any) -> None:
        real(state)
        state.distributed_type = DistributedType.MULTI_GPU

    PartialState.set_device = set_device


def zero_on_cpus() -> None:
    """Let accelerate start DeepSpeed over processes on CPUs, with gloo; it does so only where it finds an accelerator."""
    import deepspeed

    # A faster sum within one machine, which would have to be compiled first.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False

    def prepare_backend(*_: Any) -> tuple[str, DistributedType]:
        return "gloo", DistributedType.MULTI_GPU

    def set_device(state: Any) -> None:
        state.device = torch.device("cpu")

    PartialState._prepare_backend = prepare_backend
    PartialState.set_device = set_device


def kept_runs(folder: Path, **split: Any) -> dict[str, Any]:
    """Two runs whose reference is computed before they start: how often it is asked, what it says, where that ends."""
    os.environ["VOTEWISE_CACHE"] = str(folder / "cache")
    found: dict[str, Any] = {"asked": [], "columns": [], "loss": []}
    real = RobustPreferenceTrainer.compute_ref_log_probs
    for _ in range(2):
        asked: list[int] = []

        def counted(trainer: Any, model: Any, batch: Any, *, asked: list[int] = asked) -> Any:
            asked.append(len(batch["input_ids"]) // 2)
            return real(trainer, model, batch)

        RobustPreferenceTrainer.compute_ref_log_probs = counted  # type: ignore[method-assign]
        held_out = make_rows(5, seed=5).remove_columns("annotator")
        settings = {"precompute_ref_log_probs": True, "optim": "sgd", "learning_rate": 0.1} | split
        trainer = make_trainer(
            folder,
            make_rows(24),
            ref_model=make_model(1),
            eval_dataset=held_out,
            precompute_ref_batch_size=5,
            **settings,
        )
        trainer.train()
        found["asked"].append(sum(asked))
        found["loss"].append(losses_of(trainer))
        for rows in (trainer.train_dataset, trainer.eval_dataset):
            found["columns"].append([rows["ref_chosen_logps"][:], rows["ref_rejected_logps"][:]])
    RobustPreferenceTrainer.compute_ref_log_probs = real  # type: ignore[method-assign]
    found["files"] = len(list((folder / "cache").rglob("*.npz")))
    return found


def kept(file: Path) -> None:
    found = kept_runs(file.parent, per_device_train_batch_size=4, **device())
    file.with_name(f"{file.name}.{os.environ['RANK']}").write_text(json.dumps(found))


STREAMS = [(files, workers) for files in (1, 4) for workers in (0, 2)]
"""Files of a stream, and workers of each process's data loader: all read all of it, or each reads its own files."""


def counted(file: Path) -> None:
    """What two processes say about the rows of a stream that both read once."""
    found = []
    for files, workers in STREAMS:
        settings = UNEVEN | {"max_steps": 100, "callbacks": [EndAfter(1)], "dataloader_num_workers": workers}
        trainer = make_trainer(file.parent, uneven_rows().to_iterable_dataset(num_shards=files), **settings)
        trainer.train()
        found.append({**asdict(trainer.data_counts), "processes": trainer.accelerator.num_processes})
    try:
        make_trainer(file.parent, accelerator_config={"dispatch_batches": True})
    except BadInputError as error:
        found.append({"refused": str(error)})
    file.with_name(f"{file.name}.{os.environ['RANK']}").write_text(json.dumps(found))


FSDP2 = {
    "ACCELERATE_USE_FSDP": "true",
    "FSDP_VERSION": "2",
    "FSDP_AUTO_WRAP_POLICY": "TRANSFORMER_BASED_WRAP",
    "FSDP_TRANSFORMER_CLS_TO_WRAP": "LlamaDecoderLayer",
    "FSDP_RESHARD_AFTER_FORWARD": "true",
    "FSDP_STATE_DICT_TYPE": "SHARDED_STATE_DICT",
    "FSDP_CPU_RAM_EFFICIENT_LOADING": "false",
    "FSDP_OFFLOAD_PARAMS": "false",
}
"""What `accelerate launch --config_file fsdp2` sets, for the model of the tests."""


ZERO3 = {
    "ACCELERATE_USE_CPU": "false",
    "ACCELERATE_USE_DEEPSPEED": "true",
    "ACCELERATE_DEEPSPEED_CONFIG_FILE": str(Path(__file__).with_name("zero3.json")),
    "DS_ACCELERATOR": "cpu",
    "DS_BUILD_OPS": "0",
}
"""DeepSpeed's ZeRO-3 of the CPU, every weight split however small: by default, small ones are whole in all processes."""


def in_processes(
    mode: str, folder: Path, processes: int = 2, names: Iterable[str] = (), **more: str
) -> list[dict[str, Any]]:
    """What each of several processes found in a mode of this file, with gloo on the CPU; ``more`` are variables."""
    file = folder / "found"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # torchrun leaves the variables as they are; accelerate's launcher would unset those of FSDP.
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", str(processes)]
    command += ["--master_port", str(port), __file__, mode, str(file), *names]
    env = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"} | more
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=env)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(file.with_name(f"found.{rank}").read_text()) for rank in range(processes)]


if __name__ == "__main__":
    if sys.argv[1] == "killed":
        killed(Path(sys.argv[2]), sys.argv[3:])
    else:
        if os.environ.get("ACCELERATE_USE_FSDP"):
            shard_on_cpus()
        if os.environ.get("ACCELERATE_USE_DEEPSPEED"):
            zero_on_cpus()
        {"ranks": ranks, "kept": kept, "counted": counted}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
