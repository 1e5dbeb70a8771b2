"""The reference model runs once: a second run finds its results, and after any change finds nothing."""

from __future__ import annotations

import copy
import errno
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: votewise[train]")

import worker  # noqa: E402
from datasets import Dataset  # noqa: E402
from peft import LoraConfig, get_peft_model  # noqa: E402
from tiny import as_chat, losses_of, make_model, make_rows, make_tokenizer, make_trainer, parameters_of  # noqa: E402

from votewise.errors import BadInputError  # noqa: E402
from votewise.train import RobustPreferenceTrainer, precompute, reference_cache, reference_keys  # noqa: E402
from votewise.train.reference_cache import ReferenceCache, reference_folder  # noqa: E402
from votewise.train.reference_keys import model_key, weights_digest  # noqa: E402

pytestmark = pytest.mark.slow
"""Each is fast; together they train for a quarter of a minute."""

LORA = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Number of pairs in each call of the reference model."""
    found: list[int] = []
    real = RobustPreferenceTrainer.compute_ref_log_probs

    def counted(trainer: Any, model: Any, batch: dict[str, Any]) -> Any:
        found.append(len(batch["input_ids"]) // 2)
        return real(trainer, model, batch)

    monkeypatch.setattr(RobustPreferenceTrainer, "compute_ref_log_probs", counted)
    return found


def once(folder: Path, rows: Any = None, **settings: Any) -> Any:
    """A trainer that has computed its reference log-probabilities, or found them."""
    return make_trainer(folder, rows if rows is not None else make_rows(20), precompute_ref_log_probs=True, **settings)


def columns(dataset: Any) -> Any:
    return np.stack([dataset["ref_chosen_logps"][:], dataset["ref_rejected_logps"][:]], 1)


def files(folder: str | None = None) -> list[Path]:
    return sorted(Path(folder or os.environ["VOTEWISE_CACHE"]).rglob("*.npz"))


# The second run


def test_a_second_run_never_runs_the_reference_model(tmp_path: Path, asked: list[int]) -> None:
    held_out = make_rows(6, seed=5).remove_columns("annotator")
    first = once(tmp_path, ref_model=make_model(1), eval_dataset=held_out)
    assert sum(asked) == 26
    first.train()
    assert sum(asked) == 26, "nor is it asked again while training"
    reference = make_model(1)

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("the reference model was run")

    reference.forward = never
    reference.model.forward = never
    second = once(tmp_path, ref_model=reference, eval_dataset=held_out)
    second.train()
    assert sum(asked) == 26
    assert losses_of(second) == losses_of(first)
    for name, value in parameters_of(first.model).items():
        assert torch.equal(parameters_of(second.model)[name], value), name
    assert second.evaluate()["eval_loss"] == first.evaluate()["eval_loss"]


@pytest.mark.parametrize("way", ["shared", "packed", "answers", "off"])
def test_what_is_kept_is_what_a_step_would_compute(way: str, tmp_path: Path) -> None:
    kept = columns(once(tmp_path, ref_model=make_model(1), fast_step=way).train_dataset)
    trainer = make_trainer(tmp_path, make_rows(20), ref_model=make_model(1), fast_step=way)
    rows = list(trainer.train_dataset)
    found = trainer.compute_ref_log_probs(trainer.ref_model, trainer.data_collator(rows))
    np.testing.assert_allclose(kept, torch.stack(found, 1).numpy(), rtol=1e-5, atol=1e-5)
    # And again from the disk, in another order.
    order = np.random.default_rng(0).permutation(20)
    shuffled = once(tmp_path, make_rows(20).select(order), ref_model=make_model(1), fast_step=way)
    np.testing.assert_array_equal(np.sort(columns(shuffled.train_dataset), 0), np.sort(kept, 0))


@pytest.mark.slow
def test_without_a_model_of_its_own_the_policy_is_the_reference(tmp_path: Path, asked: list[int]) -> None:
    first = once(tmp_path)
    assert first.ref_model is None
    first.train()
    once(tmp_path).train()
    assert sum(asked) == 20


@pytest.mark.slow
def test_a_model_with_an_adapter_has_the_reference_of_its_base(tmp_path: Path, asked: list[int]) -> None:
    full = columns(once(tmp_path).train_dataset)
    lora = once(tmp_path, peft_config=LORA)
    assert sum(asked) == 20
    np.testing.assert_array_equal(columns(lora.train_dataset), full)
    lora.train()
    # The adapter has moved, and what is asked later is still the base's.
    held_out = make_rows(6, seed=5).remove_columns("annotator")
    lora.evaluate(held_out)
    assert sum(asked) == 26
    once(tmp_path, eval_dataset=held_out)
    assert sum(asked) == 26


def test_an_adapter_of_the_references_own_counts() -> None:
    policy = get_peft_model(make_model(), LORA)
    policy.add_adapter("ref", LORA)
    plain, own = weights_digest(policy), weights_digest(policy, ("ref",))
    assert plain == weights_digest(make_model())
    assert own != plain
    with torch.no_grad():
        next(p for name, p in policy.named_parameters() if "lora_B.ref" in name).add_(1)
    assert weights_digest(policy) == plain
    assert weights_digest(policy, ("ref",)) != own
    with torch.no_grad():
        next(p for name, p in policy.named_parameters() if "lora_B.default" in name).add_(1)
    assert weights_digest(policy) == plain


def with_adapter(**settings: Any) -> Any:
    """A model with an adapter whose weights are not zero; the same weights whatever the settings."""
    torch.manual_seed(3)
    names = {"target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM", "r": 4, "lora_alpha": 8}
    model = get_peft_model(make_model(), LoraConfig(**names | settings))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.fill_(0.05)
    return model


OTHER_ADAPTERS: dict[str, dict[str, Any]] = {
    "scale": {"lora_alpha": 16},
    "scale by the root of the rank": {"use_rslora": True},
    "scales of single layers": {"alpha_pattern": {"q_proj": 32}},
    "variant": {"use_dora": True},
}


@pytest.mark.parametrize("trained_further", [False, True])
@pytest.mark.parametrize("name", OTHER_ADAPTERS)
def test_two_adapters_never_share_an_entry(name: str, trained_further: bool, tmp_path: Path, asked: list[int]) -> None:
    """With equal weights and other settings, as a reference model of its own, and as the adapter that is trained further."""
    found = []
    for settings in ({}, OTHER_ADAPTERS[name], {}):
        model = with_adapter(**settings)
        given = {"model": model} if trained_further else {"ref_model": model}
        found.append(columns(once(tmp_path, **given).train_dataset))
    assert sum(asked) == 2 * 20  # the third run finds what the first one kept
    np.testing.assert_array_equal(found[0], found[2])
    assert np.abs(found[0] - found[1]).max() > 1e-3


def test_adapters_with_other_weights_never_share_an_entry(tmp_path: Path, asked: list[int]) -> None:
    for value in (0.0, 0.1):
        model = with_adapter()
        with torch.no_grad():
            next(p for name, p in model.named_parameters() if "lora_B" in name).fill_(value)
        once(tmp_path, ref_model=model)
    assert sum(asked) == 2 * 20


# Every change is seen


def moved() -> Any:
    model = make_model()
    with torch.no_grad():
        model.model.layers[1].mlp.up_proj.weight[3, 5] += 1e-6
    return model


def other_words(rows: Any) -> Any:
    return rows.map(lambda row, i: row | {"chosen": row["chosen"] + " w7"} if i == 3 else row, with_indices=True)


def other_template() -> Any:
    tokenizer = make_tokenizer(chat=True)
    tokenizer.chat_template = tokenizer.chat_template.replace("'<eos> '", "''")
    return tokenizer


CHANGES: dict[str, tuple[dict[str, Any], int]] = {
    "weights": ({"model": moved}, 20),
    "dtype": ({"model": lambda: make_model().bfloat16()}, 20),
    "precision": ({"bf16": True}, 20),
    "settings of the model": ({"model": lambda: make_model(rms_norm_eps=1e-3)}, 20),
    "one row": ({"rows": other_words}, 1),
    "max_length": ({"max_length": 7}, -1),
    "fast_step": ({"fast_step": "answers"}, 20),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_finds_nothing(name: str, tmp_path: Path, asked: list[int]) -> None:
    settings, expected = CHANGES[name]
    settings = dict(settings)
    rows = make_rows(20)
    before = columns(once(tmp_path, rows).train_dataset)
    asked.clear()
    if "model" in settings:
        settings["model"] = settings["model"]()
    if "rows" in settings:
        rows = settings.pop("rows")(rows)
    fresh = once(tmp_path, rows, reference_cache="off", **copy.deepcopy(settings))
    computed = sum(asked)
    assert computed == 20
    found = once(tmp_path, rows, **settings)
    np.testing.assert_array_equal(columns(found.train_dataset), columns(fresh.train_dataset))
    again = sum(asked) - computed
    if expected < 0:  # rows that are cut are computed again, the others are what they were
        tokens = fresh.train_dataset
        cut = [
            max(len(row["prompt_ids"]) + len(row[answer]) for answer in ("chosen_ids", "rejected_ids")) > 7
            for row in tokens
        ]
        assert 0 < sum(cut) < 20
        assert (np.abs(columns(fresh.train_dataset) - before).max(1) > 1e-3)[np.array(cut)].all()
        expected = sum(cut)
    assert again == expected


def test_a_change_of_the_template_finds_nothing(tmp_path: Path, asked: list[int]) -> None:
    rows = as_chat(make_rows(8))
    once(tmp_path, rows, processing_class=make_tokenizer(chat=True))
    once(tmp_path, rows, processing_class=make_tokenizer(chat=True))
    assert sum(asked) == 8
    once(tmp_path, rows, processing_class=other_template())
    assert sum(asked) == 16


def test_a_model_of_the_users_own_that_changes_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, digest = make_model(), b"weights"
    code = tmp_path / "modeling.py"
    code.write_text("x = 1")
    before = model_key(model, digest)
    assert model_key(model, digest) == before
    model.config.eos_token_id = 7  # as training sets it after the tokenizer
    assert model_key(model, digest) == before
    monkeypatch.setattr(__import__("sys").modules[type(model).__module__], "__file__", str(code))
    with_code = model_key(model, digest)
    code.write_text("x = 2")
    assert len({before, with_code, model_key(model, digest), model_key(model, digest, precision="bf16")}) == 4


def test_padding_is_no_part_of_a_pair() -> None:
    batch = {
        "input_ids": torch.tensor([[4, 5, 6, 0], [4, 5, 7, 8]]),
        "attention_mask": torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]]),
        "completion_mask": torch.tensor([[0, 0, 1, 0], [0, 0, 1, 1]]),
    }
    (key,) = reference_keys.pair_keys(batch)
    wider = {name: torch.nn.functional.pad(value, (2, 1)) for name, value in batch.items()}
    assert reference_keys.pair_keys(wider) == [key]
    for name, row, column, value in (("input_ids", 0, 2, 9), ("completion_mask", 1, 2, 0), ("attention_mask", 1, 3, 0)):
        other = {k: v.clone() for k, v in batch.items()}
        other[name][row, column] = value
        assert reference_keys.pair_keys(other) != [key], name
    more = batch | {"token_type_ids": torch.ones(2, 4, dtype=torch.long)}
    assert reference_keys.pair_keys(more) != [key]


@pytest.mark.filterwarnings("ignore:The `'keep_end'` truncation mode is deprecated:FutureWarning")
@pytest.mark.parametrize("settings", [{}, {"max_length": 7}, {"max_length": 7, "truncation_mode": "keep_end"}])
def test_keys_are_of_what_the_collator_feeds(
    settings: dict[str, Any], tmp_path: Path, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Directly for TRL's collator, or through another collator: the same keys."""
    trainer = make_trainer(tmp_path, make_rows(20), **settings)
    fed = trainer.data_collator(list(trainer.train_dataset))
    assert fed["input_ids"].shape[1] == (7 if settings else 11)
    expected = reference_keys.pair_keys(fed)
    assert len(set(expected)) == 20
    assert precompute._keys(trainer, trainer.train_dataset) == expected
    trainer.data_collator = lambda examples, real=trainer.data_collator: real(examples)
    monkeypatch.setattr(precompute, "READ", 6)
    monkeypatch.setattr(precompute, "pair_keys_of_tokens", None)
    assert precompute._keys(trainer, trainer.train_dataset) == expected


# Whatever happens


def test_an_interrupted_pass_goes_on_where_it_was(
    tmp_path: Path, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_cache, "SHARD", 4)
    expected = columns(once(tmp_path, reference_cache="off").train_dataset)
    asked.clear()
    counted = RobustPreferenceTrainer.compute_ref_log_probs

    def interrupted(*args: Any) -> Any:
        if sum(asked) == 12:
            files()[0].unlink()  # as if it had not been written
            raise KeyboardInterrupt
        return counted(*args)

    monkeypatch.setattr(RobustPreferenceTrainer, "compute_ref_log_probs", interrupted)
    with pytest.raises(KeyboardInterrupt):
        once(tmp_path, precompute_ref_batch_size=4)
    assert sum(asked) == 12
    monkeypatch.setattr(RobustPreferenceTrainer, "compute_ref_log_probs", counted)
    found = once(tmp_path, precompute_ref_batch_size=4)
    assert sum(asked) == 12 + 8 + 4
    np.testing.assert_allclose(columns(found.train_dataset), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EACCES])
def test_a_full_disk_is_told_once_and_training_goes_on(
    error: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(reference_cache, "SHARD", 4)
    monkeypatch.setattr(reference_cache.np, "savez", full)
    with caplog.at_level(logging.WARNING, logger="votewise"):
        trainer = once(tmp_path, write_beliefs=False)
    trainer.train()
    assert len(losses_of(trainer)) == 3
    told = [record.message for record in caplog.records if "not kept" in record.message]
    assert len(told) == 1
    assert os.strerror(error) in told[0]
    assert not files()


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_file_is_computed_again(
    damage: str, tmp_path: Path, asked: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    expected = columns(once(tmp_path).train_dataset)
    (file,) = files()
    data = bytearray(file.read_bytes())
    if damage == "other":
        with file.open("wb") as handle:
            np.savez(handle, keys=np.zeros((3, 16), np.uint8), logps=np.zeros((2, 2), np.float32))
    else:
        data[len(data) // 2] ^= 0xFF
        file.write_bytes({"cut": data[: len(data) // 2], "flipped": data, "empty": b""}[damage])
    with caplog.at_level(logging.WARNING, logger="votewise"):
        found = once(tmp_path)
    assert sum(asked) == 40
    np.testing.assert_array_equal(columns(found.train_dataset), expected)
    assert sum("cannot be read" in record.message for record in caplog.records) == 1
    once(tmp_path)
    assert sum(asked) == 40
    assert len(files()) == 1
    assert file not in files()


def test_numbers_that_are_none_are_not_kept(tmp_path: Path) -> None:
    cache = ReferenceCache(tmp_path)
    keys = [bytes(16), bytes(15) + b"1"]
    cache.add(keys, np.array([[np.nan, -1], [-2, -3]], np.float32))
    cache.flush()
    np.testing.assert_array_equal(ReferenceCache(tmp_path).read(keys), [[np.nan, np.nan], [-2, -3]])


def test_packed_rows_are_checked_before_the_reference_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A model that does not allow packing says so before wrong numbers are kept."""
    from votewise.train import packed_attention

    expected = columns(once(tmp_path, fast_step="answers").train_dataset)
    real = packed_attention._causal
    monkeypatch.setattr(
        packed_attention, "_causal", lambda *args: None if (mask := real(*args)) is None else torch.ones_like(mask)
    )
    with caplog.at_level(logging.WARNING, logger="votewise"):
        trainer = once(tmp_path)
    assert trainer.scoring.how == "answers"
    assert [record for record in caplog.records if "does not suit this model: a token's" in record.message]
    np.testing.assert_allclose(columns(trainer.train_dataset), expected, rtol=1e-5, atol=1e-5)


# Where


def test_where_it_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("VOTEWISE_CACHE", "/somewhere")
    assert reference_folder(None) == Path("/somewhere/reference")
    assert reference_folder("off") is None
    assert reference_folder(str(tmp_path)) == tmp_path
    assert not caplog.records

    def nobody() -> Path:
        raise BadInputError("is not set, and there is no home folder", source="VOTEWISE_CACHE")

    monkeypatch.setattr(reference_cache, "cache_folder", nobody)
    with caplog.at_level(logging.WARNING, logger="votewise"):
        assert reference_folder(None) is None
    assert "not kept for the next run" in caplog.records[0].message


def test_a_folder_of_ones_own_and_none(tmp_path: Path, asked: list[int]) -> None:
    once(tmp_path, reference_cache=str(tmp_path / "mine"))
    assert len(files(str(tmp_path / "mine"))) == 1
    once(tmp_path, reference_cache="off")
    assert sum(asked) == 40
    assert not files()


def test_a_file_that_may_not_be_read_stays(
    tmp_path: Path, asked: list[int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    once(tmp_path)
    before = files()

    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(reference_cache.np, "load", refused)
    with caplog.at_level(logging.WARNING, logger="votewise"):
        once(tmp_path)
    assert sum(asked) == 40
    assert sum("cannot be read" in record.message for record in caplog.records) == 1
    assert set(before) < set(files())


def test_the_trainer_itself_computes_it_in_the_step_unless_told(tmp_path: Path, asked: list[int]) -> None:
    trainer = make_trainer(tmp_path, ref_model=make_model(1))
    assert not asked
    assert trainer.args.precompute_ref_log_probs is False
    trainer.train()
    assert len(asked) == 2
    assert not files()


def test_losses_without_a_reference_keep_nothing(tmp_path: Path, asked: list[int]) -> None:
    once(tmp_path, preference_loss="simpo").train()
    assert not asked
    assert not files()


def test_streams_are_refused(tmp_path: Path) -> None:
    stream = Dataset.to_iterable_dataset(make_rows(8))
    with pytest.raises(BadInputError, match="does not work with streams"):
        make_trainer(tmp_path, stream, max_steps=1, precompute_ref_log_probs=True)


def test_when_it_is_worth_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = make_rows(8)

    def worth(*data: Any, **settings: Any) -> bool:
        from tiny import make_config

        return precompute.worth_precomputing(make_config(tmp_path, **settings), *(data or (rows, None)))

    assert worth()
    assert not worth(max_steps=3)
    assert not worth(sync_ref_model=True)
    assert not worth(preference_loss="cpo")
    assert not worth(rows, rows.to_iterable_dataset())
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    assert not worth()


# Two processes


@pytest.mark.slow
def test_two_processes_share_the_work_and_what_is_kept(tmp_path: Path) -> None:
    found = worker.in_processes("kept", tmp_path)
    alone = worker.kept_runs(tmp_path / "alone")
    assert alone["asked"] == [29, 0]
    for rank in found:
        assert rank["asked"] == [15, 0], "half of 24 pairs and 3 of 5, one of which the other process had too"
        assert rank["files"] == alone["files"] == 2
        for here, there in zip(rank["columns"], alone["columns"], strict=True):
            np.testing.assert_allclose(here, there, rtol=1e-5, atol=1e-5)
        assert rank["loss"][0] == rank["loss"][1]
        np.testing.assert_allclose(rank["loss"], alone["loss"], rtol=1e-4, atol=1e-5)
    assert found[0]["columns"] == found[1]["columns"]
