"""`votewise train` from end to end, with a model, a tokenizer and votes made on the spot."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
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
from tiny import make_model, make_tokenizer  # noqa: E402
from uneven import mute_tokenizer, uneven_rows  # noqa: E402

import votewise.train  # noqa: E402
from shell import process  # noqa: E402
from votewise.cli.train import train  # noqa: E402
from votewise.train import RobustPreferenceTrainer  # noqa: E402

End = Callable[..., int]
Shown = pytest.CaptureFixture[str]

pytestmark = [
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing(_kwargs)?` is deprecated:FutureWarning"),
]

LAUNCHED = ("LOCAL_RANK", "RANK", "WORLD_SIZE")
WORDS = 40
PAIRS = 16


def save_model(folder: Path, *, more_tokens: int = 0, more_rows: int = 0) -> Path:
    """Save the tiny model and its tokenizer, with more tokens than usual, or more than the model has rows for."""
    tokenizer, model = make_tokenizer(), make_model()
    tokenizer.add_tokens([f"more{i}" for i in range(more_tokens + more_rows)])
    model.resize_token_embeddings(len(tokenizer) - more_rows, mean_resizing=False)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


def make_votes(path: Path, pairs: int = PAIRS) -> Path:
    """Plain votes of three annotators on pairs; the even words are better, and the third one does not care."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(pairs):
        good, bad = (" ".join(f"w{2 * w + odd}" for w in rng.integers(0, WORDS // 2, 4)) for odd in (0, 1))
        a_good = bool(rng.random() < 0.5)
        a, b = (good, bad) if a_good else (bad, good)
        for name, reliability in (("ann", 0.95), ("bob", 0.9), ("cleo", 0.5)):
            for_a = a_good == bool(rng.random() < reliability)
            label = "tie" if i == 0 else "a" if for_a else "b"
            rows.append({"pair": f"p{i}", "prompt": f"w{i} w1 ", "response_a": a, "response_b": b,
                         "annotator": name, "label": label})  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("made") / "model")


@pytest.fixture(scope="module")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_votes(tmp_path_factory.mktemp("made") / "votes.parquet")


@pytest.fixture(autouse=True)
def quiet() -> None:
    import datasets

    datasets.disable_progress_bars()


@pytest.fixture
def recipe(tmp_path: Path, model: Path, votes: Path) -> Callable[..., Path]:
    """Write a recipe of a run of a few steps; settings given go before its own, None takes one out."""

    def write(**settings: Any) -> Path:
        usual = {
            "model_name_or_path": str(model), "votes": str(votes), "output_dir": str(tmp_path / "run"),
            "use_cpu": True, "bf16": False, "gradient_checkpointing": False, "per_device_train_batch_size": 4,
            "learning_rate": 1e-2, "max_length": 32, "max_steps": 3, "logging_steps": 1, "save_strategy": "no",
            "report_to": "none", "temperature": 1.0, "disable_tqdm": True, "dataloader_pin_memory": False,
        }  # fmt: skip
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump({k: v for k, v in (usual | settings).items() if v is not None}))
        return path

    return write


@pytest.mark.slow
def test_trains_and_writes_the_model_and_what_it_believes(
    end: End, recipe: Callable[..., Path], tmp_path: Path, capsys: Shown
) -> None:
    assert end("train", "--config", recipe(), "--max_steps", 2, "--seed=7") == 0
    written = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"model.safetensors", "tokenizer.json", "annotators.parquet", "votes.parquet", "report.html"} <= written
    table = pq.read_table(tmp_path / "run" / "annotators.parquet")
    assert sorted(table["annotator"].to_pylist()) == ["ann", "bob", "cleo"]
    saved = torch.load(tmp_path / "run" / "training_args.bin", weights_only=False)
    assert (saved.max_steps, saved.seed, saved.learning_rate) == (2, 7, 1e-2), "flags go before the recipe"
    assert "The model is in" in capsys.readouterr().out


@pytest.mark.slow
def test_a_second_run_starts_at_once(
    end: End, recipe: Callable[..., Path], tmp_path: Path, votes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reference is what the first one kept; where a few steps are all that is wanted, it is computed in the step.

    What is evaluated on is what is trained on, so it is known by then.
    """
    monkeypatch.setenv("VOTEWISE_CACHE", str(tmp_path / "cache"))
    asked: list[int] = []
    real = RobustPreferenceTrainer.compute_ref_log_probs

    def counted(trainer: Any, model: Any, batch: dict[str, Any]) -> Any:
        asked.append(len(batch["input_ids"]) // 2)
        return real(trainer, model, batch)

    monkeypatch.setattr(RobustPreferenceTrainer, "compute_ref_log_probs", counted)
    whole = recipe(max_steps=None, num_train_epochs=1, eval_strategy="epoch", eval_votes=str(votes))
    for expected in ([4, 4, 4, 3], []):
        asked.clear()
        assert end("train", "--config", whole) == 0
        assert asked == expected
    assert end("train", "--config", whole, "--precompute_ref_log_probs", "False") == 0
    assert sum(asked) == 30
    asked.clear()
    assert end("train", "--config", recipe(max_steps=2)) == 0
    assert asked == [4, 4]


@pytest.mark.slow
def test_trains_adapters_with_another_loss_and_evaluates(
    end: End, recipe: Callable[..., Path], votes: Path, tmp_path: Path
) -> None:
    flags = ["--use_peft", "--preference_loss", "simpo", "--eval_strategy", "steps", "--eval_steps", 2]
    assert (
        end("train", "--config", recipe(), *flags, "--eval_votes", votes, "--max_steps", 2, "--no_write_beliefs") == 0
    )
    written = {path.name for path in (tmp_path / "run").iterdir()}
    assert "adapter_model.safetensors" in written
    assert "annotators.parquet" not in written


@pytest.mark.slow
def test_reads_what_trl_reads(end: End, recipe: Callable[..., Path], tmp_path: Path) -> None:
    rows = [{"prompt": f"w{i} ", "chosen": "w2 w4", "rejected": "w3", "annotator": f"a{i % 2}"} for i in range(8)]
    folder = tmp_path / "rows"
    folder.mkdir()
    for split in ("train", "test"):
        (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert end("train", "--config", recipe(votes=None, dataset_name=str(folder), eval_strategy="epoch")) == 0
    mixture = [{"path": "json", "data_files": str(folder / "train.jsonl")}]
    assert end("train", "--config", recipe(votes=None, datasets=mixture, max_steps=1)) == 0


def test_a_dry_run_tells_and_loads_no_weights(
    end: End, recipe: Callable[..., Path], model: Path, tmp_path: Path, capsys: Shown
) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(model, bare)
    (bare / "model.safetensors").unlink()
    flags = ["--num-processes", 2, "--gradient_accumulation_steps", 2, "--max_steps", -1, "--num_train_epochs", 3]
    assert end("train", "--config", recipe(model_name_or_path=str(bare)), "--dry-run", *flags) == 0
    out = capsys.readouterr().out
    shown = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert "15, one per pair" in shown["Rows"]
    assert "48 on 16 pairs, 3 of them ties" in shown["Votes"]
    assert shown["Annotators"].endswith(" 3")
    assert "1 pair with no votes but ties" in shown["Left"]
    assert "median 2 tokens" in shown["Prompts"]
    assert "median 5 tokens" in shown["Answers"]
    assert "3, 1 per epoch: 16 rows each = 4 x 2 accumulated x 2 processes" in shown["Steps"]
    assert "all trained" in shown["Model"]
    assert "per process" in shown["Memory"]
    assert out.count("Source row ") == out.count("[rejected] ") - 1 == 2, "one is in the legend"
    assert "\x1b" not in out
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_dry_run_counts_what_training_counts(
    end: End, recipe: Callable[..., Path], tmp_path: Path, capsys: Shown
) -> None:
    """Every number and column that ``trainer.data_counts`` has, and each in a line of its own."""
    model = save_model(tmp_path / "model")
    mute_tokenizer().save_pretrained(model)
    rows = [{**row, "topic": "x", "note": i} for i, row in enumerate(uneven_rows())]
    rows += [{**rows[1], "annotator": "ann1"}, rows[2]]  # another vote on a pair, and one that is repeated
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    changed = {"votes": None, "dataset_name": str(tmp_path / "rows"), "model_name_or_path": str(model)}
    changed |= {"max_length": 20, "preference_loss": "cpo", "max_steps": 1}
    dry = votewise.train(recipe(**changed), dry_run=True).facts
    assert dry is not None
    run = votewise.train(recipe(**changed)).trainer
    assert run is not None
    assert dry.counts == run.data_counts
    assert (dry.counts.merged, dry.counts.repeated) == (1, 1)
    assert end("train", "--config", recipe(**changed), "--dry-run") == 0
    shown = {line[:11].strip(): line[12:] for line in capsys.readouterr().out.splitlines() if line[:1].isalpha()}
    assert shown["Given"] == "42 rows with 39 votes"
    assert shown["Rows"] == "33, one per pair, 1 row merged into others on the same pair"
    assert shown["Left out"] == "1 row with equal answers, 1 vote that repeats one of its annotator, 1 vote of weight 0"
    assert shown["Too long"].startswith("5 of 38 rows are left out, because prompts of max_length=20 tokens or more")
    assert shown["Cut"] == "the end of an answer in 3 rows, because of max_length=20"
    assert shown["No answer"] == "2 rows"
    assert shown["Unused"] == "the columns topic, note"


def fails(end: End, capsys: Shown, *flags: object) -> str:
    """Run `votewise train`, which must end with one line; gives the line."""
    capsys.readouterr()
    assert end("train", *flags) == 2
    shown = capsys.readouterr()
    lines = [line for line in shown.err.splitlines() if line.startswith("votewise: ")]
    assert len(lines) == 1, shown.err
    assert "Traceback" not in shown.err
    return lines[0]


@pytest.mark.parametrize(
    ("settings", "flags", "said"),
    [
        ({"model_name_or_path": "nobody/no-such-model"}, [], "the model 'nobody/no-such-model' cannot be loaded"),
        ({"model_name_or_path": "/no/such/folder"}, [], "the model '/no/such/folder' cannot be loaded"),
        ({"model_name_or_path": None}, [], "model_name_or_path is missing"),
        ({"votes": None}, [], "there is nothing to train on (expected one of votes, dataset_name and datasets)"),
        ({"dataset_name": "rows"}, [], "votes and dataset_name are both given"),
        ({"votes": None, "dataset_name": "/no/such/rows"}, [], "/no/such/rows cannot be loaded"),
        ({"votes": "/no/such/votes.parquet"}, [], "/no/such/votes.parquet"),
        ({"eval_strategy": "epoch"}, [], "expected eval_votes"),
        ({"label": "left"}, [], "--label: is not a mapping, got 'left'"),
        ({"columns": {"annotator": "who"}, "annotator_column": "name"}, [], "and annotator_column 'name'"),
        ({"votes": None, "dataset_name": "x", "split": "test"}, [], "--split: says how votes are read, and none are"),
        ({"learning_rat": 1}, [], "there is no setting --learning_rat (expected --learning_rate)"),
        ({}, ["--max_stepps", "3"], "there is no setting --max_stepps (expected --max_steps)"),
        ({}, ["stray"], "does not belong to an option, got 'stray'"),
        ({}, ["--learning_rate", "fast"], "argument --learning_rate"),
        ({}, ["--objective", "hope"], "objective, got 'hope'"),
        ({}, ["--resume_from_checkpoint", "/no/checkpoint"], "/no/checkpoint: is not a checkpoint"),
        ({}, ["--accelerate-config", "cluster"], "expected a file, or one of fsdp2, multi_gpu, single_gpu, zero3"),
        ({}, ["--num-processes", "0"], "num_processes, got '0'"),
        ({}, ["--beliefs", "/no/audit"], "/no/audit: annotators.parquet is missing"),
        ({}, ["--beliefs_use", "fixed"], "beliefs_use=fixed (expected beliefs"),
        ({}, ["--annotator_column", "judge"], "judge"),
        ({}, ["--use_peft", "--lora_target_modules", "nothing"], "the trainer cannot be set up: Target modules"),
        ({}, ["--config", "/no/recipe.yaml"], "/no/recipe.yaml: cannot be read: No such file"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(
    end: End, recipe: Callable[..., Path], capsys: Shown, settings: Any, flags: list[str], said: str
) -> None:
    config = [] if "--config" in flags else ["--config", recipe(**settings)]
    assert said in fails(end, capsys, *config, *flags)


@pytest.mark.parametrize(
    ("text", "said"), [("a: [1", "is not YAML"), ("- a", "has no settings"), ("env: 3", "env, got 3")]
)
def test_a_recipe_that_is_none(end: End, tmp_path: Path, capsys: Shown, text: str, said: str) -> None:
    (tmp_path / "recipe.yaml").write_text(text)
    assert said in fails(end, capsys, "--config", tmp_path / "recipe.yaml")


def test_columns_that_cannot_be_used(end: End, recipe: Callable[..., Path], tmp_path: Path, capsys: Shown) -> None:
    path = tmp_path / "rows" / "train.jsonl"
    path.parent.mkdir()

    def said(**row: Any) -> str:
        path.write_text("\n".join(json.dumps({"prompt": f"w{i} "} | row) for i in range(4)))
        return fails(end, capsys, "--config", recipe(votes=None, dataset_name=str(path.parent)))

    assert "has the columns prompt, answer (expected prompt, chosen and rejected" in said(answer="w1")
    nulls = said(chosen="w2", rejected="w3", annotator=None)
    assert "column 'annotator': no annotator in 4 of 4 rows" in nulls
    path.write_text(json.dumps({"prompt": "w1 ", "chosen": "w2", "rejected": "w3"}))
    recipe(votes=None, dataset_name=str(path.parent))
    line = fails(end, capsys, "--config", tmp_path / "recipe.yaml", "--dataset_train_split", "training")
    assert "the data have no split 'training' (expected train)" in line


def test_an_annotator_column_of_nulls_in_votes(
    end: End, recipe: Callable[..., Path], tmp_path: Path, capsys: Shown
) -> None:
    row = {"pair": "p", "prompt": "w1 ", "response_a": "w2", "response_b": "w3", "annotator": None, "label": "a"}
    table = pa.Table.from_pylist([row | {"pair": f"p{i}"} for i in range(4)])
    table = table.set_column(4, "annotator", pa.nulls(4, pa.string()))
    pq.write_table(table, tmp_path / "nulls.parquet")
    assert end("train", "--config", recipe(votes=str(tmp_path / "nulls.parquet")), "--dry_run") == 0
    assert "Annotators" in capsys.readouterr().out


def test_votes_are_mapped_as_in_every_other_command(
    end: End, recipe: Callable[..., Path], tmp_path: Path, capsys: Shown
) -> None:
    """As flags, and columns and label in a recipe, too; the pairs are those of the split and of the question."""
    for split, numbers in (("train", range(4)), ("test", range(4, 10))):
        rows = [
            {"ask": f"w{i} ", "response_a": "w2", "response_b": "w3", "verdict": "Left", "criterion": criterion}
            for i in numbers
            for criterion in ("color", "taste")
        ]
        (tmp_path / "data").mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "data" / f"{split}-00000-of-00001.parquet")
    mapped = {"columns": {"prompt": "ask", "label": "verdict"}, "label": {"Left": "a", "Right": "b"}}
    words = [f"--{o}={n}={v}" for o, values in mapped.items() for n, v in values.items()]
    for settings, flags in ((mapped, []), ({}, words)):
        flags += ["--split", "test", "--criterion", "taste", "--one-annotator", "somebody"]
        assert end("train", "--config", recipe(votes=str(tmp_path / "data"), **settings), *flags, "--dry-run") == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert "Votes 6 on 6 pairs Annotators 1 " in shown


def test_vocabularies_must_be_the_same(end: End, recipe: Callable[..., Path], tmp_path: Path, capsys: Shown) -> None:
    other = save_model(tmp_path / "other", more_tokens=3)
    line = fails(end, capsys, "--config", recipe(), "--ref_model_name_or_path", other)
    assert "policy and reference have different vocabularies: 65 and 68 tokens, 3 of them not in both" in line
    line = fails(end, capsys, "--config", recipe(), "--ref_model_name_or_path", other, "--preference_loss", "cpo")
    assert "preference_loss=cpo needs no reference model" in line
    small = save_model(tmp_path / "small", more_rows=2)
    line = fails(end, capsys, "--config", recipe(model_name_or_path=str(small)))
    assert "the tokenizer has 67 tokens, the model only 65" in line


@pytest.mark.slow
def test_another_reference_model_is_used(end: End, recipe: Callable[..., Path], tmp_path: Path) -> None:
    other = save_model(tmp_path / "other")
    flags = ["--ref_model_name_or_path", other, "--max_steps", 1, "--no_write_beliefs"]
    assert end("train", "--config", recipe(), *flags) == 0


@pytest.mark.slow
def test_long_prompts_are_counted_and_listed(
    end: End, recipe: Callable[..., Path], tmp_path: Path, capsys: Shown, caplog: pytest.LogCaptureFixture
) -> None:
    table = pq.read_table(make_votes(tmp_path / "votes.parquet")).to_pylist()
    for i in (3, 4, 5, 9, 10, 11):  # the second and the fourth pair, rows 4 and 10
        table[i]["prompt"] = "w1 " * 12
    pq.write_table(pa.Table.from_pylist(table), tmp_path / "votes.parquet")
    settings = recipe(votes=str(tmp_path / "votes.parquet"), max_length=10, max_steps=1)
    line = "2 of 15 rows are left out, because prompts of max_length=10 tokens or more leave no room for an answer"
    assert end("train", "--config", settings) == 0
    assert f"{line}: source rows 4, 10." in caplog.text
    capsys.readouterr()
    assert end("train", "--config", settings, "--dry-run") == 0
    shown = capsys.readouterr().out
    assert line in shown
    assert "13, one per pair" in shown
    assert "15 of 15 rows are left out" in fails(end, capsys, "--config", settings, "--max_length", 2)


@pytest.mark.slow
def test_a_resumed_run_ends_as_one_that_was_never_stopped(
    end: End, recipe: Callable[..., Path], tmp_path: Path, capsys: Shown
) -> None:
    from safetensors.torch import load_file

    same = {"save_strategy": "steps", "save_steps": 2, "lr_scheduler_type": "constant", "max_steps": 6}
    for name, flags in (("whole", []), ("parts", ["--max_steps", 2]), ("parts", ["--resume_from_checkpoint", "true"])):
        assert end("train", "--config", recipe(**same, output_dir=str(tmp_path / name)), *flags) == 0
    whole, parts = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    beliefs = [pq.read_table(tmp_path / name / "annotators.parquet") for name in ("whole", "parts")]
    assert beliefs[0]["reliability"].to_pylist() == beliefs[1]["reliability"].to_pylist()
    checkpoint = tmp_path / "whole" / "checkpoint-4"
    assert end("train", "--config", recipe(**same), "--resume_from_checkpoint", checkpoint) == 0


@pytest.mark.slow
def test_starts_from_an_audit(end: End, recipe: Callable[..., Path], votes: Path, tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    assert end("audit", votes, "--out", audit, "--no-report", "--force") == 0
    for use in ("start", "fixed"):
        flags = ["--beliefs", audit, "--beliefs_use", use, "--output_dir", tmp_path / use]
        assert end("train", "--config", recipe(), *flags) == 0
    audited, trained = (pq.read_table(folder / "annotators.parquet") for folder in (audit, tmp_path / "fixed"))
    assert audited["annotator"].to_pylist() == trained["annotator"].to_pylist()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["pattern", "column", "recipe"])
def test_groups_are_named_as_for_an_audit(
    how: str, end: End, recipe: Callable[..., Path], votes: Path, tmp_path: Path, capsys: Shown
) -> None:
    rows = pq.read_table(votes)
    family = ["twins" if who != "cleo" else None for who in rows["annotator"].to_pylist()]
    pq.write_table(rows.append_column("family", pa.array(family)), tmp_path / "votes.parquet")
    flags = {
        "pattern": ["--group", "twins=ann*", "--group", "twins=bob"],
        "column": ["--group-column", "family"],
        "recipe": [],
    }[how]
    groups = {"twins": ["ann*", "bob"]} if how == "recipe" else None
    settings = recipe(votes=str(tmp_path / "votes.parquet"), groups=groups)
    assert end("audit", tmp_path / "votes.parquet", "--group-column", "family", "--out", tmp_path / "audit") == 0
    assert end("train", "--config", settings, *flags) == 0
    audited, trained = (json.loads((tmp_path / name / "summary.json").read_text()) for name in ("audit", "run"))
    assert audited["groups"][0]["r"] > 0
    assert [(group["name"], group["members"]) for group in trained["groups"]] == [("twins", 2)]
    capsys.readouterr()
    assert end("train", "--config", settings, *flags, "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "2 annotators in groups; their votes on one pair count for less" in shown
    assert ("family" in shown) == (how != "column"), "a column that nobody names is used for nothing"


@pytest.mark.slow
def test_two_processes_find_the_groups_that_one_finds(recipe: Callable[..., Path], tmp_path: Path) -> None:
    found = []
    for number in (1, 2):
        out = tmp_path / f"run{number}"
        batch = {"per_device_train_batch_size": 8 // number, "num_processes": number}
        settings = recipe(max_steps=-1, num_train_epochs=2, output_dir=str(out), **batch)
        words = ("--group", "twins=ann*", "--group", "twins=bob")
        ended = subprocess.run(
            process("train", "--config", settings, "--cpu", *words),
            capture_output=True,
            text=True,
            timeout=120,
            env={k: v for k, v in os.environ.items() if k not in LAUNCHED} | {"OMP_NUM_THREADS": "1"},
        )
        assert ended.returncode == 0, ended.stderr[-3000:]
        assert "Err together: 2 annotators in groups" in ended.stdout + ended.stderr
        groups = json.loads((out / "summary.json").read_text())["groups"]
        found.append((groups[0]["r"], pq.read_table(out / "annotators.parquet")["reliability"].to_pylist()))
    assert found[1][0] == found[0][0] > 0
    # Sums over two processes round differently.
    np.testing.assert_allclose(found[1][1], found[0][1], atol=1e-5)


@pytest.mark.slow
def test_two_processes_train_one_model(recipe: Callable[..., Path], tmp_path: Path) -> None:
    settings = recipe(max_steps=-1, num_train_epochs=1, save_strategy="epoch", num_processes=2)
    ended = subprocess.run(
        process("train", "--config", settings, "--cpu"),
        capture_output=True,
        text=True,
        timeout=120,
        env={k: v for k, v in os.environ.items() if k not in LAUNCHED} | {"OMP_NUM_THREADS": "1"},
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    state = json.loads((tmp_path / "run" / "checkpoint-2" / "trainer_state.json").read_text())
    assert state["global_step"] == 2, "15 rows, 4 for each of two processes"
    assert {"model.safetensors", "annotators.parquet"} <= {path.name for path in (tmp_path / "run").iterdir()}
    table = pq.read_table(tmp_path / "run" / "annotators.parquet")
    assert table["votes"].to_pylist() == [16, 16, 16]
    assert "Traceback" not in ended.stderr


def test_the_help_names_every_setting() -> None:
    from dataclasses import fields

    from trl import DPOConfig

    from votewise.train.arguments import DataArguments
    from votewise.train.config import RobustPreferenceConfig

    inherited = {field.name for field in fields(DPOConfig)} - {"beta"}
    own = {field.name for of in (RobustPreferenceConfig, DataArguments) for field in fields(of)} - inherited
    described = str(train.__doc__)
    assert sorted(name for name in own - {"dry_run"} if f"`{name}`" not in described) == []


def test_without_the_extra_it_says_what_to_install(end: End, monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    # Importing it anew puts another module in its place, which must not stay there.
    monkeypatch.setattr(votewise, "train", votewise.train)
    for name in [name for name in sys.modules if name.startswith("votewise.train")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "trl", None)
    assert "training needs trl, which is not installed: pip install 'votewise[train]'" in fails(
        end, capsys, "--max_steps", 1
    )
