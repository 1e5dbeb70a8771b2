"""The inputs of same_outputs.py: votes, clicks, answers and tiny models, drawn from a seed and independent of votewise."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

WORDS = 60
Rows = list[dict[str, Any]]


def make_inputs(folder: Path, *, models: bool = True) -> None:
    """Write all inputs into a folder; without ``models`` only what needs no torch."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(20)
    pairs = _pairs(rng, 150)
    _write(folder / "votes.parquet", _votes(rng, pairs))
    _write(folder / "margins.parquet", _votes(rng, pairs, margins=True))
    _write(folder / "scored.jsonl", _scored(rng, pairs))
    _write(folder / "scored_pairs.jsonl", _scored_pairs(rng, pairs))
    _write(folder / "clicks.parquet", _clicks(rng))
    _write(folder / "comparisons.jsonl", _comparisons(rng))
    _write(folder / "arena.jsonl", _comparisons(rng, models=("large", "middle", "small")))
    _write(folder / "few_votes.parquet", _votes(rng, pairs[:24]))
    _write(folder / "prompts.jsonl", [{"prompt": f"w{i} w{i + 1} w{2 * i}"} for i in range(6)])
    for name, odd in (("new", 0), ("old", 1)):
        answers = [{"prompt": f"w{i} w1 ", "answer": _even_words(rng, odd), "model": name} for i in range(12)]
        _write(folder / f"answers_{name}.jsonl", answers)
    (folder / "profile.json").write_text(json.dumps({"spammers": 0.1, "tired": 0.2, "position_biased": 0.1}))
    if models:
        _save_models(folder)
        _save_recipes(folder)


def _even_words(rng: np.random.Generator, odd: int = 0) -> str:
    return " ".join(f"w{2 * word + odd}" for word in rng.integers(0, WORDS // 2, rng.integers(1, 7)))


def _pairs(rng: np.random.Generator, n: int) -> Rows:
    """Pairs of which the answer with the even words is better; the words number the prompt."""
    rows = []
    for i in range(n):
        a_better = bool(rng.random() < 0.5)
        a, b = _even_words(rng, int(not a_better)), _even_words(rng, int(a_better))
        prompt = f"w{i % WORDS} w{i // WORDS} w{i % 7} "
        rows.append({"pair": f"p{i}", "prompt": prompt, "response_a": a, "response_b": b, "a_better": a_better})
    return rows


def _votes(rng: np.random.Generator, pairs: Rows, *, margins: bool = False) -> Rows:
    """Plain votes of 20 annotators, three on each pair, with ties, times and, for a fifth of the pairs, gold answers."""
    reliability = np.concatenate([rng.beta(6, 2, 17), [0.5, 0.5, 0.1]])
    rows: Rows = []
    for i, pair in enumerate(pairs):
        texts = {name: value for name, value in pair.items() if name != "a_better"}
        margin = float(rng.normal(1.5 if pair["a_better"] else -1.5, 1.0))
        for k in rng.permutation(20)[:3]:
            for_a = pair["a_better"] == bool(rng.random() < reliability[k])
            row = texts | {
                "annotator": f"ann{k:02d}",
                "label": "a" if for_a else "b",
                "time": 1_700_000_000 + 60 * len(rows),
            }
            row["label"] = "tie" if rng.random() < 0.05 else row["label"]
            row["gold"] = ("a" if pair["a_better"] else "b") if i % 5 == 0 else None
            rows.append(row | ({"log_odds": margin} if margins else {}))
    return rows


def _scored(rng: np.random.Generator, pairs: Rows) -> Rows:
    """TRL's preference rows with scores of both answers; three quarters of what is chosen scores higher."""
    rows = []
    for pair in pairs:
        good, bad = ("a", "b") if pair["a_better"] else ("b", "a")
        right = rng.random() < 0.75
        chosen, rejected = (good, bad) if right else (bad, good)
        scores = rng.normal([0.8, -0.2] if right else [-0.2, 0.8], 0.7)
        rows.append(
            {"prompt": pair["prompt"], "chosen": pair[f"response_{chosen}"], "rejected": pair[f"response_{rejected}"],
             "score_chosen": float(scores[0]), "score_rejected": float(scores[1])}
        )  # fmt: skip
    return rows


def _scored_pairs(rng: np.random.Generator, pairs: Rows) -> Rows:
    """Two models' answers with the margin of the first one's, as `votewise score` writes them."""
    names = ("prompt", "response_a", "response_b")
    rows = [{name: pair[name] for name in names} | {"model_a": "large", "model_b": "small"} for pair in pairs]
    return [row | {"margin": float(rng.normal(0.7, 1.5))} for row in rows]


def _clicks(rng: np.random.Generator) -> Rows:
    """Clicks of 150 users over 90 days on two models, in two topics, sides swapped at random, a few ties."""
    rows: Rows = []
    for user in range(150):
        rho = float(rng.beta(6, 2)) if user % 3 else 0.05
        for _ in range(int(rng.integers(5, 60))):
            topic = "code" if rng.random() < 0.4 else "prose"
            better = rng.random() < 0.5 + rho * (0.3 if topic == "code" else 0.2)
            swapped = bool(rng.random() < 0.5)
            winner = "tie" if rng.random() < 0.04 else "model_a" if better != swapped else "model_b"
            rows.append(
                {"user": f"u{user}", "model_a": "small" if swapped else "large", "model_b": "large" if swapped else "small",
                 "winner": winner, "topic": topic, "time": 1_700_000_000 + int(rng.integers(0, 90 * 86_400)),
                 "prompt": f"prompt {len(rows)}"}
            )  # fmt: skip
    return rows


def _comparisons(rng: np.random.Generator, models: tuple[str, ...] = ("new", "old")) -> Rows:
    """Pairs of answers by every two models with a column of verdicts; the first model is better, and longer."""
    rows: Rows = []
    for i in range(80):
        for first, model in enumerate(models):
            for other in models[first + 1 :]:
                a, b = (f"{name} says {i} " + "word " * int(rng.integers(1, 30)) for name in (model, other))
                verdict = str(rng.choice(["a", "b", "tie"], p=[0.55, 0.35, 0.1]))
                rows.append({"prompt": f"prompt {i}", "model_a": model, "model_b": other, "response_a": a,
                             "response_b": b, "verdict": verdict})  # fmt: skip
    return rows


def _write(path: Path, rows: Rows) -> None:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _save_models(folder: Path) -> None:
    """Save a policy, its reference and a reward model: Llamas of some 25,000 random weights, a tokenizer of WORDS words."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification, PreTrainedTokenizerFast

    names = ["<pad>", "<eos>", "<unk>", *(f"w{i}" for i in range(WORDS))]
    words = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", padding_side="left"
    )
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
             "num_key_value_heads": 2, "max_position_embeddings": 64, "initializer_range": 0.2}  # fmt: skip
    config = LlamaConfig(vocab_size=len(names), pad_token_id=0, eos_token_id=1, bos_token_id=None, **sizes)
    for name, seed in (("policy", 0), ("reference", 1)):
        torch.manual_seed(seed)
        LlamaForCausalLM(config).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    torch.manual_seed(2)
    config.num_labels = 1
    LlamaForSequenceClassification(config).save_pretrained(folder / "reward")
    tokenizer.save_pretrained(folder / "reward")


def _save_recipes(folder: Path) -> None:
    """One recipe of a few steps per loss and objective."""
    usual = {
        "model_name_or_path": "inputs/policy", "votes": "inputs/few_votes.parquet", "use_cpu": True, "bf16": False,
        "gradient_checkpointing": False, "per_device_train_batch_size": 4, "learning_rate": 5e-3, "max_length": 32,
        "max_steps": 4, "logging_steps": 1, "save_strategy": "no", "report_to": "none", "temperature": 1.0,
        "disable_tqdm": True, "dataloader_pin_memory": False, "seed": 3,
    }  # fmt: skip
    recipes = {
        "dpo": {"preference_loss": "dpo"},
        "simpo": {"preference_loss": "simpo", "objective": "gibbs", "one_row_per": "vote"},
        "rdpo": {"preference_loss": "dpo", "objective": "rdpo", "label_smoothing": 0.1},
    }
    for name, settings in recipes.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(usual | settings), encoding="utf-8")
