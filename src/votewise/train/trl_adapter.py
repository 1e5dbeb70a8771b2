"""Everything of TRL that is not a public interface and that we override, call or read, in one place.

``trl_guard`` checks at import that all of it is there, takes what we give it, and is still used.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR
from trl import DPOTrainer

from votewise.storage.files import written_whole
from votewise.train.trl_guard import RESUMED, check_trl

check_trl()

# After the check, which says in one line what is missing.
from trl.models.utils import prepare_deepspeed  # noqa: E402
from trl.trainer.dpo_trainer import DataCollatorForPreference as PairCollator  # noqa: E402
from trl.trainer.dpo_trainer import disable_gradient_checkpointing, use_adapter  # noqa: E402
from trl.trainer.utils import create_model_from_path  # noqa: E402

__all__ = ["PairCollator", "TrlTrainer", "chunked_logps", "create_model_from_path", "tokenize_pairs"]


class TrlTrainer(DPOTrainer):
    """``DPOTrainer`` whose loss of a batch, columns and reference log-probabilities a subclass gives.

    Subclasses give ``own_columns``, ``batch_loss``, ``with_reference_logps``, ``before_checkpoint``, ``behind`` and
    ``card_section``, which TRL's methods are made to call.
    """

    def own_columns(self) -> list[str]:
        """Columns that must reach the collator besides those that TRL uses."""
        raise NotImplementedError

    def batch_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool) -> Any:
        """The loss of a batch, and the model's outputs where they are asked for."""
        raise NotImplementedError

    def with_reference_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
        """A tokenized dataset with reference log-probabilities, where the loss needs them."""
        raise NotImplementedError

    def before_checkpoint(self, folder: Path) -> None:
        """Write into a checkpoint's folder, before TRL does. Called in the process that saves."""
        raise NotImplementedError

    def card_section(self) -> str:
        """What the model card says about the run, in Markdown."""
        raise NotImplementedError

    def behind(self, checkpoint: Path) -> tuple[int, int] | None:
        """Passes over the data and micro-batches of the present one that a checkpoint has behind it.

        None where transformers counts them rightly.
        """
        raise NotImplementedError

    # What TRL calls

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        self._signature_columns += [name for name in self.own_columns() if name not in self._signature_columns]

    def _precompute_ref_logps(self, dataset: Any, name: str, batch_size: int) -> Any:
        return self.with_reference_logps(dataset, name, batch_size)

    def _compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool) -> Any:
        return self.batch_loss(model, inputs, return_outputs)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        # First, because the trainer's own state is written last and marks a checkpoint as complete.
        if self.args.should_save:
            folder = Path(self._get_output_dir(trial=trial), f"{PREFIX_CHECKPOINT_DIR}-{self.state.global_step}")
            self.before_checkpoint(folder)
        super()._save_checkpoint(model, trial)

    def _init_training_state(self, *args: Any, **kwargs: Any) -> tuple[int, int]:
        found: tuple[int, int] = super()._init_training_state(*args, **kwargs)
        checkpoint = inspect.signature(super()._init_training_state).bind(*args, **kwargs).arguments[RESUMED]
        behind = None if checkpoint is None else self.behind(Path(checkpoint))
        return found if behind is None else (behind[0], 0 if self.args.ignore_data_skip else behind[1])

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Write TRL's model card, with a section on the run before the one on versions."""
        super().create_model_card(*args, **kwargs)
        if self.is_world_process_zero():
            path = Path(self.args.output_dir, "README.md")
            start, heading, rest = path.read_text(encoding="utf-8").partition("### Framework versions")
            with written_whole(path) as partial:
                partial.write_text(f"{start.rstrip()}\n\n{self.card_section()}\n\n{heading}{rest}", encoding="utf-8")

    # What votewise calls

    def name_method(self, name: str, tags: tuple[str, ...], papers: list[tuple[str, str, str]]) -> None:
        """What the model card calls the method; before the trainer of TRL is built.

        Args:
            name: of the method.
            tags: of the card and of the model.
            papers: title, id on arXiv and BibTeX of each, the first of which introduced the method.
        """
        self._name, self._tag_names, self._paper = name, list(tags), {}
        if papers:
            title, number, _ = papers[0]
            self._paper = {"title": title, "id": number, "citation": "\n\n".join(bibtex for *_, bibtex in papers)}

    def no_reference_logps(self) -> None:
        """No reference log-probabilities are needed: keep no model for them, and ask for none if data come later."""
        self.precompute_ref_logps = False
        self.ref_model = None

    @property
    def whole_weights_hash(self) -> str | None:
        """TRL's hash of the reference model's complete weights, made before they were sharded; None if not precomputed."""
        found: str | None = self._precompute_model_hash
        return found

    _precompute_engine: Any

    def reference_engine(self) -> Any:
        """The model that computes reference log-probabilities where DeepSpeed shards it; one engine for all data."""
        if self._precompute_engine is None:
            self._precompute_engine = prepare_deepspeed(self.model, self.accelerator)
        return self._precompute_engine

    def replace_metrics(self, mode: str, found: dict[str, float]) -> None:
        """Log these means in place of those that TRL has gathered, tokens added to those of earlier steps."""
        if found:
            self._total_train_tokens += int(found.get("num_tokens", 0))
            found["num_tokens"] = self._total_train_tokens
        self._metrics[mode].clear()
        self._metrics[mode].update({name: [value] for name, value in found.items()})

    @contextmanager
    def as_reference(self, adapter: Any) -> Iterator[None]:
        """Without gradients and checkpointing, in the number format of training, with the adapter ``ref`` or none.

        Args:
            adapter: the ``PeftModel`` whose base model is the reference; None where the reference is a model of its own.
        """
        active: Any = nullcontext()
        if adapter is not None:
            active = use_adapter(adapter, adapter_name="ref" if "ref" in adapter.peft_config else None)
        checkpointing = disable_gradient_checkpointing(self.model, self.args.gradient_checkpointing_kwargs)
        with torch.no_grad(), checkpointing, active, self.accelerator.autocast():
            yield


def tokenize_pairs(dataset: Any, processor: Any, tokenizer: Any, *, processes: int | None) -> Any:
    """Rows with ``prompt_ids``, ``chosen_ids`` and ``rejected_ids`` as TRL makes them, chat templates included.

    Args:
        dataset: rows with ``prompt``, ``chosen`` and ``rejected``.
        processor: the tokenizer, or the processor around it.
        tokenizer: the tokenizer itself.
        processes: how many processes tokenize; None for this one.
    """
    trainer = SimpleNamespace(_tokenizer=tokenizer)
    whole = SimpleNamespace(dataset_num_proc=processes, max_length=None, truncation_mode="keep_start")
    return DPOTrainer._prepare_dataset(trainer, dataset, processor, whole, "train")


def chunked_logps(
    hidden: Tensor,
    head: tuple[Tensor, Tensor | None],
    targets: Tensor,
    *,
    cap: float | None,
    factor: float,
    more: tuple[str, ...],
) -> tuple[Any, ...]:
    """TRL's tiled projection: log-probability, entropy, sum of squares, mean logit and top token of each target.

    Args:
        hidden: (n, d) last hidden states.
        head: (V, d) weights of the projection, and its (V,) bias or None.
        targets: (n,) tokens.
        cap: soft cap of the logits; None for none.
        factor: what logits are multiplied by.
        more: names of the statistics that are wanted; the others are None.
    """
    from trl.kernels import ChunkedLogProbFunction
    from trl.trainer.utils import _CHUNKED_LOGPROB_CHUNK_SIZE, maybe_gather_lm_head_ctx

    weight, bias = head
    with maybe_gather_lm_head_ctx(weight, bias):
        found: tuple[Any, ...] = ChunkedLogProbFunction.apply(
            hidden, weight, bias, targets, 1.0, _CHUNKED_LOGPROB_CHUNK_SIZE, cap, factor, more
        )
    return found
