"""A guard for everything of TRL that is not a public interface and that ``trl_adapter`` overrides, calls or reads.

TRL changes these parts from version to version. What disappears or gets other parameters would often not fail but train on
something else, so ``check_trl`` looks whether every name is there, takes what we give it, and is still used.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from importlib import import_module
from types import CodeType
from typing import Any

import trl
from trl import DPOTrainer

from votewise.errors import BadInputError

LOWEST, NEWEST = "1.16.0", "1.16.0"
"""The versions of TRL that votewise is tested with (`make test-trl`). 1.15 trains on a GPU only."""

RESUMED = "resume_from_checkpoint"

METHODS: dict[str, tuple[str, ...]] = {
    "_set_signature_columns_if_needed": (),
    "_precompute_ref_logps": ("dataset", "name", "batch_size"),
    "compute_ref_log_probs": ("model", "inputs"),
    "_compute_loss": ("model", "inputs", "return_outputs"),
    "_save_checkpoint": ("model", "trial"),
    "training_step": (),
    "log": ("logs", "start_time"),
    "create_model_card": ("model_name",),
    "_prepare_dataset": ("dataset", "processing_class", "args", "dataset_name"),
    "_init_training_state": (RESUMED,),
}
"""Methods of ``DPOTrainer`` that votewise replaces or calls -> their parameters that matter, beside ``self``."""

READ = (
    "_signature_columns", "_metrics", "_total_train_tokens", "_tag_names", "_name", "_paper", "_precompute_model_hash",
    "_precompute_engine", "precompute_ref_logps", "aux_loss_enabled", "router_aux_loss_coef", "ref_model",
)  # fmt: skip
"""Attributes of ``DPOTrainer`` that votewise reads or sets."""

HELPERS: dict[str, tuple[str, ...]] = {
    "trl.trainer.dpo_trainer.disable_gradient_checkpointing": ("model", "gradient_checkpointing_kwargs"),
    "trl.trainer.dpo_trainer.use_adapter": ("model", "adapter_name"),
    "trl.trainer.dpo_trainer.DataCollatorForPreference": ("pad_token_id", "max_length", "truncation_mode"),
    "trl.models.utils.prepare_deepspeed": ("model", "accelerator"),
    "trl.trainer.utils.create_model_from_path": ("model_id",),
    "trl.trainer.utils.maybe_gather_lm_head_ctx": (),
    "trl.trainer.utils._CHUNKED_LOGPROB_CHUNK_SIZE": (),
    "trl.kernels.ChunkedLogProbFunction.apply": (),
}
"""Helpers of TRL that votewise uses -> the parameters that it gives them by name."""


def check_trl() -> None:
    """Check that TRL has everything in ``METHODS``, ``READ`` and ``HELPERS``, and still uses it.

    Raises:
        BadInputError: something is missing, takes other parameters, or is used by nothing any more.
    """
    problems = [*_methods_changed(), *_attributes_gone(), *_helpers_changed()]
    if problems:
        more = "" if len(problems) == 1 else f" (and {len(problems) - 1} more)"
        raise BadInputError(
            f"votewise does not work with TRL {trl.__version__}: {problems[0]}{more}",
            expected=f"TRL {LOWEST} to {NEWEST}: pip install 'trl>={LOWEST},<={NEWEST}'",
        )


def _methods_changed() -> Iterator[str]:
    used = _used_names(DPOTrainer)
    for name, wanted in METHODS.items():
        method = getattr(DPOTrainer, name, None)
        if method is None:
            yield f"DPOTrainer.{name} is gone"
        elif (lost := _refused(method, wanted)) is not None:
            yield f"DPOTrainer.{name} has no parameter {lost}"
        elif name not in used:
            yield f"nothing calls DPOTrainer.{name} any more"


def _attributes_gone() -> Iterator[str]:
    used = _used_names(DPOTrainer)
    for name in READ:
        if name not in used:
            yield f"DPOTrainer has no attribute {name} any more"


def _helpers_changed() -> Iterator[str]:
    for path, wanted in HELPERS.items():
        found = _helper(path)
        if found is None:
            yield f"{path} is gone"
        elif wanted and (lost := _refused(found, wanted)) is not None:
            yield f"{path} has no parameter {lost}"


def _helper(path: str) -> Any:
    """The object at a dotted path below a module of TRL; None if it is not there."""
    parts = path.split(".")
    for split in range(len(parts) - 1, 0, -1):
        try:
            found: Any = import_module(".".join(parts[:split]))
        except ModuleNotFoundError as error:
            if not str(error.name).startswith("trl"):
                return _needs_more  # such as Triton, for what runs on GPUs only
            continue
        for part in parts[split:]:
            found = getattr(found, part, None)
        return found
    return None


def _needs_more(**_: Any) -> None:
    """In place of what cannot be imported because a library is missing that this machine does not need."""


def _refused(function: Callable[..., Any], wanted: tuple[str, ...]) -> str | None:
    """The first of the parameters that a function does not take."""
    parameters = inspect.signature(function).parameters
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return None
    return next((name for name in wanted if name not in parameters), None)


def _used_names(trainer: type) -> set[str]:
    """Names of attributes and methods that the code of a class and of its bases uses, or that their bodies set."""
    used: set[str] = set()
    for base in trainer.__mro__:
        for name, member in vars(base).items():
            function = inspect.unwrap(member) if callable(member) else None
            if (code := getattr(function, "__code__", None)) is not None:
                used |= set(_names_in(code))
            elif not callable(member):
                used.add(name)
    return used


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)
