"""A language model, a tokenizer and votes, all made on the spot: nothing is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from votewise.demo.tiny_model import word_tokenizer
from votewise.train import RobustPreferenceConfig, RobustPreferenceTrainer

torch.set_num_threads(1)

WORDS = 60
ROLES = ("<user>", "<assistant>")
CHAT = (
    "{% for m in messages %}{{ '<' + m['role'] + '> ' + m['content'] + ' ' }}"
    "{% if m['role'] == 'assistant' %}{{ '<eos> ' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<assistant> ' }}{% endif %}"
)


def make_tokenizer(chat: bool = False) -> PreTrainedTokenizerFast:
    """Words w0 to w59, one token each."""
    tokenizer = word_tokenizer([*ROLES, *(f"w{i}" for i in range(WORDS))])
    if chat:
        tokenizer.chat_template = CHAT
    return tokenizer


def make_model(seed: int = 0, **settings: Any) -> LlamaForCausalLM:
    """A Llama with about 25,000 random weights."""
    config = LlamaConfig(
        vocab_size=len(ROLES) + 3 + WORDS,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        initializer_range=0.2,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
        **settings,
    )
    torch.manual_seed(seed)
    return LlamaForCausalLM(config)


def make_rows(
    pairs: int = 16, reliability: tuple[float, ...] = (0.9, 0.9, 0.3), votes_per_pair: int = 1, seed: int = 0
) -> Dataset:
    """TRL's preference rows with an annotator: one row per vote; the better answer has the even words."""
    rng = np.random.default_rng(seed)
    rows: dict[str, list[str]] = {name: [] for name in ("prompt", "chosen", "rejected", "annotator")}
    for i in range(pairs):
        prompt = _words(rng.integers(0, WORDS, 3)) + f" w{i % WORDS} w{i // WORDS} "
        good, bad = (_words(2 * rng.integers(0, WORDS // 2, rng.integers(1, 6)) + odd) for odd in (0, 1))
        for k in rng.permutation(len(reliability))[:votes_per_pair]:
            right = rng.random() < reliability[k]
            values = prompt, good if right else bad, bad if right else good, f"ann{k}"
            for name, value in zip(rows, values, strict=True):
                rows[name].append(value)
    return Dataset.from_dict(rows)


def as_chat(rows: Dataset) -> Dataset:
    """The same rows as conversations."""

    def said(row: dict[str, str]) -> dict[str, Any]:
        roles = {"prompt": "user", "chosen": "assistant", "rejected": "assistant"}
        return {name: [{"role": role, "content": row[name].strip()}] for name, role in roles.items()}

    return Dataset.from_list([{**row, **said(row)} for row in rows])


def _words(numbers: Any) -> str:
    return " ".join(f"w{i}" for i in numbers)


QUIET: dict[str, Any] = {
    "per_device_train_batch_size": 8,
    "per_device_eval_batch_size": 8,
    "learning_rate": 5e-3,
    "logging_steps": 1,
    "save_strategy": "no",
    "report_to": "none",
    "use_cpu": True,
    "bf16": False,
    "gradient_checkpointing": False,
    "disable_tqdm": True,
    "dataloader_pin_memory": False,
    "num_train_epochs": 1,
    "write_beliefs": False,
}
"""Settings of a run that trains and does nothing else."""


def make_config(folder: Path | str, **settings: Any) -> RobustPreferenceConfig:
    return RobustPreferenceConfig(output_dir=str(folder), **QUIET | settings)


def make_trainer(folder: Path | str, rows: Any = None, **settings: Any) -> RobustPreferenceTrainer:
    """A trainer of a new model. ``model``, ``callbacks``, ... are arguments of the trainer, other settings of its config."""
    names = ("model", "ref_model", "callbacks", "eval_dataset", "peft_config", "processing_class", "compute_metrics")
    own = {name: settings.pop(name) for name in names if name in settings}
    own = {"model": make_model, "processing_class": make_tokenizer} | own
    own = {name: value() if value in (make_model, make_tokenizer) else value for name, value in own.items()}
    rows = make_rows() if rows is None else rows
    return RobustPreferenceTrainer(args=make_config(folder, **settings), train_dataset=rows, **own)


def losses_of(trainer: Any) -> list[float]:
    """The loss of every step."""
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def parameters_of(model: Any) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in model.named_parameters()}
