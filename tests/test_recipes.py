"""Every recipe, every step: two training steps of a tiny model on tiny files with the shape of the real ones.

Models and data sets are folders and files under the names that the recipes use, so nothing in a recipe is replaced except
sizes, devices and what runs elsewhere: downloads write a made-up file, and judges of benchmarks answer at random.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# Before the libraries are imported: no telemetry, no downloads.
os.environ["CI"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
import yaml  # type: ignore[import-untyped]  # noqa: E402
from small import language_model, reward_model  # noqa: E402

import shell  # noqa: E402

ROOT = Path(__file__).parents[1]
RECIPES = sorted(path.stem for path in (ROOT / "recipes").glob("*.yaml") if path.stem != "convincing")
ROWS = 12

pytestmark = [
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing(_kwargs)?` is deprecated:FutureWarning"),
]

LANGUAGE = (
    "mistralai/Mistral-7B-Instruct-v0.2", "meta-llama/Meta-Llama-3-8B-Instruct", "Qwen/Qwen2.5-7B",
    "Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-0.5B-Instruct", "meta-llama/Llama-3.1-8B",
    "allenai/Llama-3.1-Tulu-3-8B-SFT", "meta-llama/Llama-3.2-1B-Instruct",
)  # fmt: skip
REWARD = "Skywork/Skywork-Reward-Gemma-2-27B-v0.2"
HUB = ("princeton-nlp/mistral-instruct-ultrafeedback", "princeton-nlp/llama3-ultrafeedback-armorm")

SHORTER: dict[str, list[str]] = {
    "generate": ["--max-tokens", "4", "--device", "cpu"],
    "score": ["--device", "cpu", "--dtype", "float32"],
    "simulate users": ["--users", "40", "--comparisons-per-user", "8"],
    "train": [
        *("--max_steps", "2", "--per_device_train_batch_size", "2", "--gradient_accumulation_steps", "1"),
        *("--max_length", "48", "--use_cpu", "True", "--bf16", "False", "--gradient_checkpointing", "False"),
        *("--dataloader_pin_memory", "False", "--disable_tqdm", "True", "--logging_steps", "1"),
    ],
    "evaluate win-rate": ["--no-report"],
    "evaluate benchmark": ["--device", "cpu", "--limit", "4", "--batch-size", "4"],
}
"""What is added to a command; it overrides each setting."""

ELSEWHERE = {"--backend", "--accelerate-config", "--num-processes"}
"""Flags that need other machines; they are left out with their values."""


def words(i: int, n: int = 4, odd: int = 0) -> str:
    return " ".join(f"w{(2 * (i * 7 + j * 3) + odd) % 40}" for j in range(n))


def message(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}


def pair(i: int) -> dict[str, Any]:
    asked = message("user", words(i, 3))
    return {
        "prompt": words(i, 3),
        "chosen": [asked, message("assistant", words(i + 1))],
        "rejected": [asked, message("assistant", words(i + 2, 4, 1))],
    }


def ultrafeedback(i: int) -> dict[str, Any]:
    found = pair(i)
    said = [found[name][-1]["content"] for name in ("chosen", "rejected")]
    return found | {"prompt_id": f"p{i}", "all_generated_responses": said, "all_rm_scores": [0.3, 0.1]}


def multipref(i: int) -> dict[str, Any]:
    def vote(who: int) -> dict[str, Any]:
        return {
            "evaluator": f"ann{(i + who) % 5}",
            "overall_pref": ("A-is-clearly-better", "Tie", "B-is-slightly-better")[(i + who) % 3],
            "timestamp": "2024-05-01T12:00:00Z",
        }

    return {
        "comparison_id": f"c{i}", "prompt_id": f"p{i}", "text": words(i, 3), "model_a": "m1", "completion_a": words(i + 1),
        "model_b": "m2", "completion_b": words(i + 2, 4, 1), "normal_worker_annotations": [vote(0), vote(1)],
        "expert_worker_annotations": [vote(2), vote(3)],
    }  # fmt: skip


FILES: dict[str, Callable[[int], dict[str, Any]]] = {
    "multipref.parquet": multipref,
    "ultrafeedback_prompts.parquet": lambda i: {"prompt": words(i, 3)},
    "ultrafeedback_test.parquet": lambda i: {"prompt": words(i + 5, 3)},
    "ultrafeedback_pairs.parquet": pair,
    "alpaca_eval.jsonl": lambda i: {
        "instruction": words(i, 3), "output": words(i + 1), "generator": "gpt4_1106_preview", "dataset": "helpful_base",
    },
    "arena_hard.jsonl": lambda i: {"uid": f"u{i}", "category": "hard_prompt", "prompt": words(i, 3)},
}  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which names on the Hub are folders."""
    hub = tmp_path_factory.mktemp("hub")
    for seed, name in enumerate(LANGUAGE):
        language_model(hub / name, chat=True, seed=seed, num_hidden_layers=1)
    reward_model(hub / REWARD, chat=True, num_hidden_layers=1)
    for name in HUB:
        (hub / name).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist([ultrafeedback(i) for i in range(ROWS)]), hub / name / "train.parquet")
    return hub


@pytest.fixture
def bench(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the recipes and the models."""
    import datasets

    datasets.disable_progress_bars()
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    for folder in {Path(name).parts[0] for name in (*LANGUAGE, REWARD, *HUB)}:
        (tmp_path / folder).symlink_to(models / folder)
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def steps_of(recipe: str) -> list[list[str]]:
    """The commands of a recipe, split into words as the shell does."""
    text = yaml.safe_load((ROOT / "recipes" / f"{recipe}.yaml").read_text("utf-8"))["steps"]
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [shlex.split(line) for line in lines if line.strip() and not line.startswith("#")]


def test_there_are_recipes_for_every_published_setting() -> None:
    assert RECIPES == [
        "llama-3-8b-multipref", "llama-3-8b-ultrafeedback", "llama-3.1-8b-users", "mistral-7b-multipref",
        "mistral-7b-ultrafeedback", "qwen2.5-0.5b-reliability", "qwen2.5-7b-users",
    ]  # fmt: skip
    page = (ROOT / "recipes" / "README.md").read_text("utf-8")
    assert [name for name in (*RECIPES, "convincing") if f"`{name}.yaml`" not in page] == []


@pytest.mark.parametrize("recipe", RECIPES)
def test_settings_are_the_published_ones(recipe: str) -> None:
    """Batch sizes are those of all GPUs together."""
    found = yaml.safe_load((ROOT / "recipes" / f"{recipe}.yaml").read_text("utf-8"))
    train = next(step for step in steps_of(recipe) if step[:2] == ["votewise", "train"])
    gpus = int(train[train.index("--num-processes") + 1]) if "--num-processes" in train else 1
    batch = found["per_device_train_batch_size"] * found["gradient_accumulation_steps"] * gpus
    told = {
        name: found.get(name)
        for name in ("beta", "learning_rate", "lr_scheduler_type", "num_train_epochs", "objective")
    }
    if recipe.endswith("users"):
        assert told == {"beta": 0.1, "learning_rate": 5e-6, "lr_scheduler_type": "cosine", "num_train_epochs": 1,
                        "objective": "plain"}  # fmt: skip
        assert (batch, found["warmup_steps"]) == (24, 100)
        assert (found["lora_r"], found["lora_alpha"], found["lora_dropout"]) == (16, 32, 0.1)
    else:
        assert told == {"beta": 0.01, "learning_rate": 5e-7, "lr_scheduler_type": "cosine", "num_train_epochs": 1,
                        "objective": "gibbs"}  # fmt: skip
        assert (batch, found["reliability_init"], found["reliability_momentum"]) == (64, 0.9, 0.1)


@pytest.mark.parametrize("recipe", [name for name in RECIPES if name.startswith("mistral")])
def test_variants_are_flags_that_exist(recipe: str, tmp_path: Path) -> None:
    """The comments of a recipe name flags for the other columns of the papers' tables; each overrides the recipe."""
    from votewise.train.arguments import parse

    path = ROOT / "recipes" / f"{recipe}.yaml"
    lines = [line for line in yaml.safe_load(path.read_text("utf-8"))["steps"].splitlines() if line.startswith("#   ")]
    variants = [part[part.index("--") :].split() for line in lines for part in line.split(", ") if "--" in part]
    assert len(variants) >= 8
    here = ["--use_cpu", "True", "--bf16", "False", "--gradient_checkpointing", "False", "--output_dir", str(tmp_path)]
    for words in variants:
        words = words[: words.index("to")] if "to" in words else words
        training = parse(["--config", str(path), *words, *here]).training
        for flag, value in zip(words[::2], words[1::2], strict=True):
            assert str(getattr(training, flag.removeprefix("--"))) == value


@pytest.mark.parametrize("recipe", RECIPES)
def test_presets_of_accelerate_exist(recipe: str) -> None:
    folder = ROOT / "src" / "votewise" / "train" / "accelerate_configs"
    for step in steps_of(recipe):
        if "--accelerate-config" in step:
            assert (folder / f"{step[step.index('--accelerate-config') + 1]}.yaml").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_every_step_runs(recipe: str, bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = []
    for step in steps_of(recipe):
        if step[0] == "votewise":
            done.append(run(step[1:], bench))
        else:
            elsewhere(step, bench)
        capsys.readouterr()
    settings = yaml.safe_load((ROOT / "recipes" / f"{recipe}.yaml").read_text("utf-8"))
    out = bench / settings["output_dir"]
    trained = torch.load(out / "training_args.bin", weights_only=False)
    assert (trained.max_steps, trained.learning_rate, trained.beta) == (2, settings["learning_rate"], settings["beta"])
    assert (out / ("adapter_model.safetensors" if settings.get("use_peft") else "model.safetensors")).is_file()
    annotators = pq.read_table(out / "annotators.parquet")
    if recipe.endswith("users"):
        assert set(annotators["annotator"].to_pylist()) == set(map(str, users_in(bench / settings["votes"])))
        # Users with equal counts are kept together, so that it may be more than 80%.
        everybody = pq.read_table(bench / f"{settings['output_dir']}-all" / "annotators.parquet")
        assert 32 <= len(annotators) <= len(everybody) == 40
    else:
        assert len(annotators) == {"ultrafeedback": 1, "multipref": 5, "reliability": 2}[recipe.rpartition("-")[2]]
    if "evaluate win-rate" in done:
        results = json.loads((out / "evaluation" / "evaluation.json").read_text("utf-8"))
        assert all(0 <= figures["win_rate"]["value"] <= 1 for figures in results["win_rate"].values())
        assert ("benchmark" in results) == ("evaluate benchmark" in done)
        assert ("arena_hard" in results) == ("evaluate import" in done)


def users_in(path: Path) -> set[int]:
    return set(pq.read_table(path)["user"].to_pylist())


def run(words: list[str], bench: Path) -> str:
    """Run a command of votewise in this process, with small settings; returns its name."""
    name = " ".join(words[: 2 if words[0] in ("evaluate", "simulate") else 1])
    kept, left = [], list(words)
    while left:
        word = left.pop(0)
        if word in ELSEWHERE:
            left.pop(0)
        else:
            kept.append(word)
    if name == "evaluate benchmark":
        if find_spec("lm_eval") is None:
            return ""
        kept = ["tiny_choice" if word == "mmlu,gsm8k" else word for word in kept] + ["--include", str(own_tasks(bench))]
    if name == "evaluate import":
        judge_arena_hard(bench / kept[3], bench)
    ended = shell.run(*kept, *SHORTER.get(name, []))
    assert ended.code == 0, f"{' '.join(kept)}: {ended}"
    return name


def elsewhere(step: list[str], bench: Path) -> None:
    """Do what a download or a judge would do."""
    if step[0] == "alpaca_eval":
        judge_alpaca_eval(step, bench)
        return
    found = re.search(r"(data/[\w.]+\.(?:parquet|jsonl))", " ".join(step))
    assert found is not None, step
    path = bench / found[1]
    rows = [FILES[path.name](i) for i in range(ROWS)]
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    if step[0] == "python":
        compile(step[2], "recipe", "exec")


def judge_alpaca_eval(step: list[str], bench: Path) -> None:
    flags = dict(zip(step[2::2], step[3::2], strict=True))
    outputs = json.loads((bench / flags["--model_outputs"]).read_text("utf-8"))
    rng = np.random.default_rng(0)
    said = [
        {"instruction": row["instruction"], "output_1": "w1 w2", "generator_1": "gpt4_1106_preview",
         "output_2": row["output"], "generator_2": row["generator"], "annotator": flags["--annotators_config"],
         "preference": 1 + rng.random()}
        for row in outputs
    ]  # fmt: skip
    folder = bench / flags["--output_path"] / flags["--annotators_config"]
    folder.mkdir(parents=True)
    (folder / "annotations.json").write_text(json.dumps(said), "utf-8")


def judge_arena_hard(path: Path, bench: Path) -> None:
    answers = path.parents[2] / "model_answer" / path.name
    games = np.random.default_rng(0).choice(["A>>B", "A>B", "A=B", "B>A", "B>>A"], (ROWS, 2)).tolist()
    rows = [json.loads(line) for line in answers.read_text("utf-8").splitlines()]
    said = [
        {"uid": row["uid"], "category": "hard_prompt", "judge": path.parent.name, "model": row["model"],
         "baseline": "gpt-4-0314", "games": [{"score": score} for score in game]}
        for row, game in zip(rows, games, strict=True)
    ]  # fmt: skip
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in said), "utf-8")


def own_tasks(bench: Path) -> Path:
    folder = bench / "tasks"
    folder.mkdir()
    rows = [{"question": words(i, 2), "choices": ["w1", "w2"], "answer": i % 2} for i in range(6)]
    (folder / "rows.json").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    task = {
        "task": "tiny_choice", "dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(folder / "rows.json")}},
        "test_split": "test", "output_type": "multiple_choice", "doc_to_text": "{{question}}",
        "doc_to_choice": "{{choices}}", "doc_to_target": "answer",
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    }  # fmt: skip
    (folder / "tiny.yaml").write_text(yaml.safe_dump(task), "utf-8")
    return folder
