"""Loading language models and tokenizers from a folder or the Hub; every error is one clear line.

Needs the [score] extra, which is imported only when a model is loaded.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from votewise.errors import BadInputError, needs
from votewise.language_models.choices import DtypeName

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["language", "reward"]
DTYPES: tuple[str, ...] = get_args(DtypeName)


def require_models(what: str) -> None:
    """Raise MissingExtraError if torch or transformers, which ``what`` needs, is missing."""
    with needs("score", what):
        import torch  # noqa: F401
        import transformers  # noqa: F401


def choose_device(name: str) -> str:
    """``auto`` -> the first accelerator, or the CPU if there is none; any other name is checked.

    Raises:
        BadInputError: there is no such device.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        problem = str(error).strip().splitlines()[0]
        raise BadInputError(
            f"there is no such device: {problem}", parameter="device", value=name, expected="auto, cpu, cuda or cuda:1"
        ) from error
    return name


def load_tokenizer(name: str) -> Any:
    """The tokenizer of a model in a folder or on the Hub; BadInputError if there is none."""
    from transformers import AutoTokenizer

    with _in_one_line(name, "has no tokenizer that can be loaded"):
        return AutoTokenizer.from_pretrained(name)


def load_model(name: str, *, kind: Kind = "language", device: str = "auto", dtype: str = "auto") -> Any:
    """Load a model from a folder or the Hub, ready to be used.

    Args:
        name: folder, or name on the Hub.
        kind: ``language`` for one that continues a text, ``reward`` for one that gives a text a number.
        device: where to put it.
        dtype: number format of its weights; ``auto`` for the one that it was saved in.

    Raises:
        BadInputError: there is no such model, it is of another kind, or there is no such device.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

    if dtype not in DTYPES:
        raise BadInputError(
            "there is no such number format", parameter="dtype", value=dtype, expected=", ".join(DTYPES)
        )
    device = choose_device(device)
    path = Path(name).expanduser()
    if path.is_dir() and not any((path / file).is_file() for file in ("config.json", "adapter_config.json")):
        raise BadInputError("holds no model", source=name, expected="config.json and weights, as saved by transformers")
    with _in_one_line(name, "cannot be loaded as a model"), _without_bars():
        if kind == "reward":
            _check_reward(name, AutoConfig.from_pretrained(name))
        loader: Any = AutoModelForSequenceClassification if kind == "reward" else AutoModelForCausalLM
        numbers = dtype if dtype == "auto" else getattr(torch, dtype)
        return loader.from_pretrained(name, dtype=numbers).to(device).eval()


def _check_reward(name: str, config: Any) -> None:
    """Refuse a language model: transformers would give it a head of random weights, and its scores would mean nothing."""
    kinds = config.architectures or []
    if config.num_labels != 1 or any(kind.endswith(("ForCausalLM", "LMHeadModel")) for kind in kinds):
        found = f"{', '.join(kinds) or 'unknown'}, {config.num_labels} outputs"
        raise BadInputError(
            "is not a reward model", source=name, value=found, expected="a sequence classifier with one output"
        )


@contextmanager
def _in_one_line(name: str, problem: str) -> Iterator[None]:
    try:
        yield
    except BadInputError:
        raise
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise BadInputError(
            f"{problem}: {lines[0]}", source=name, expected="a folder that holds one, or a name on the Hub"
        ) from error


@contextmanager
def _without_bars() -> Iterator[None]:
    """Hide the progress bars of transformers, because the caller shows its own."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


@contextmanager
def memory_in_one_line(batch_size: int) -> Iterator[None]:
    """Say what to do if a batch does not fit into the accelerator's memory."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise BadInputError(
            f"a batch of {batch_size:,} does not fit into memory",
            parameter="batch_size",
            expected="a smaller one; finished batches are kept",
        ) from error


def context_length(model: Any) -> int | None:
    """How many tokens a model can read; None if its configuration does not say."""
    config = model.config.get_text_config()
    length = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
    return length if isinstance(length, int) and length > 0 else None
