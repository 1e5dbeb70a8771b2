"""Small random models of every kind that can be packed, a batch with every kind of pair, and the textbook solution."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import transformers as hf
from trl.trainer.dpo_trainer import DataCollatorForPreference

WORDS = 60
SIZES = {
    "vocab_size": WORDS,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}
GROUPED = SIZES | {"num_key_value_heads": 2}
MODELS: dict[str, Any] = {
    "llama": lambda: hf.LlamaForCausalLM(hf.LlamaConfig(**SIZES)),
    "llama, grouped queries": lambda: hf.LlamaForCausalLM(hf.LlamaConfig(**GROUPED)),
    "qwen2": lambda: hf.Qwen2ForCausalLM(hf.Qwen2Config(**GROUPED)),
    "mistral, sliding window": lambda: hf.MistralForCausalLM(hf.MistralConfig(**GROUPED, sliding_window=5)),
    "gemma": lambda: hf.GemmaForCausalLM(hf.GemmaConfig(**GROUPED, head_dim=8)),
    "gemma2, capped logits": lambda: hf.Gemma2ForCausalLM(hf.Gemma2Config(**GROUPED, head_dim=8, sliding_window=5)),
    "gemma3, two kinds of layers": lambda: hf.Gemma3ForCausalLM(
        hf.Gemma3TextConfig(**GROUPED, head_dim=8, sliding_window=5, sliding_window_pattern=2)
    ),
}


def make_batch(*, left: bool = False) -> dict[str, Any]:
    """Pairs of all lengths: long and short, one token, no answer, the same answer twice, answers that start alike."""
    rng = np.random.default_rng(0)
    examples = []
    for prompt, chosen, rejected in ((9, 6, 4), (1, 1, 7), (12, 3, 1), (5, 4, 4), (7, 0, 3), (4, 5, 6)):
        lengths = {"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected}
        examples.append({name: rng.integers(1, WORDS, n).tolist() for name, n in lengths.items()})
    examples[3]["rejected_ids"] = list(examples[3]["chosen_ids"])
    examples[5]["rejected_ids"][:3] = examples[5]["chosen_ids"][:3]
    batch = DataCollatorForPreference(pad_token_id=0)(examples)
    if left:
        for row, seen in enumerate(batch["attention_mask"].sum(1).tolist()):
            for name in ("input_ids", "attention_mask", "completion_mask"):
                batch[name][row] = batch[name][row].roll(batch[name].shape[1] - seen)
    return batch


def reference(model: Any, batch: dict[str, Any]) -> Any:
    """Log-probabilities computed in the textbook way: one row at a time, without padding."""
    found = []
    for ids, seen, answer in zip(*(batch[k] for k in ("input_ids", "attention_mask", "completion_mask")), strict=True):
        ids, answer = ids[seen.bool()][None], answer[seen.bool()]
        logp = model(input_ids=ids).logits[0, :-1].log_softmax(-1)
        found.append((logp.gather(1, ids[0, 1:, None])[:, 0] * answer[1:]).sum())
    return torch.stack(found)
