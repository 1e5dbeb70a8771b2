"""Tiny language and reward models with their tokenizers, made on the spot and saved in folders, as users have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification, PreTrainedTokenizerFast
from transformers.utils import logging

from votewise.demo.tiny_model import word_tokenizer

WORDS = 40
CONTEXT = 64
CHAT = (
    "{% for m in messages %}{{ '<' + m['role'] + '> ' + m['content'] + ' ' }}"
    "{% if m['role'] == 'assistant' %}{{ '<eos> ' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<assistant> ' }}{% endif %}"
)


def make_tokenizer(*, chat: bool) -> PreTrainedTokenizerFast:
    """Words w0 to w39, one token each, padding on the right."""
    tokenizer = word_tokenizer(["<system>", "<user>", "<assistant>", *(f"w{i}" for i in range(WORDS))])
    if chat:
        tokenizer.chat_template = CHAT
    return tokenizer


def make_config(**settings: Any) -> LlamaConfig:
    usual = {
        "vocab_size": WORDS + 6,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT,
        "initializer_range": 0.3,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": None,
    }
    return LlamaConfig(**usual | settings)


def save(folder: Path, kind: Any, *, chat: bool, seed: int, **settings: Any) -> Path:
    """Save a model of random weights and its tokenizer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = kind(make_config(**settings))
    logging.disable_progress_bar()
    model.save_pretrained(folder)
    make_tokenizer(chat=chat).save_pretrained(folder)
    return folder


def language_model(folder: Path, *, chat: bool = False, seed: int = 0, **settings: Any) -> Path:
    return save(folder, LlamaForCausalLM, chat=chat, seed=seed, **settings)


def reward_model(folder: Path, *, chat: bool = False, seed: int = 0, **settings: Any) -> Path:
    return save(folder, LlamaForSequenceClassification, chat=chat, seed=seed, **{"num_labels": 1} | settings)
