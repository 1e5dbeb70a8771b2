"""Language models and tokenizers, loaded with one clear line for what can be missing or does not fit.

Needs the [score] extra; nothing of it is imported before a model is asked for.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from votewise.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

Message = dict[str, str]
Prompt = str | list[Message]
"""A text, or a conversation: messages with ``role`` and ``content``."""

Kind = Literal["language", "reward"]
DTYPES = ("auto", "float32", "bfloat16", "float16")


def require_models(what: str) -> None:
    """Raise BadInputError where torch or transformers is missing; ``what`` needs them."""
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise BadInputError(
            f"{what} needs {error.name}, which is not installed", expected="pip install votewise[score]"
        ) from error


def choose_device(name: str) -> str:
    """``auto`` -> the first accelerator there is, else the CPU; any other name is checked.

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
            f"there is no such device: {problem}", source="--device", value=name, expected="auto, cpu, cuda or cuda:1"
        ) from error
    return name


def load_tokenizer(name: str) -> Any:
    """The tokenizer of a model in a folder or on the Hub; BadInputError where there is none."""
    from transformers import AutoTokenizer

    with _in_one_line(name, "has no tokenizer that can be loaded"):
        return AutoTokenizer.from_pretrained(name)


def load_model(name: str, *, kind: Kind = "language", device: str = "auto", dtype: str = "auto") -> Any:
    """A model in a folder or on the Hub, ready to be used.

    Args:
        name: folder, or name on the Hub.
        kind: ``language`` for one that goes on writing, ``reward`` for one that gives a text one number.
        device: where to put it.
        dtype: its numbers; ``auto`` for those it was saved with.

    Raises:
        BadInputError: there is no such model, it is of another kind, or there is no such device.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

    if dtype not in DTYPES:
        raise BadInputError("no such numbers", source="--dtype", value=dtype, expected=", ".join(DTYPES))
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
    """A language model would be given a head of random weights, and score all the same."""
    kinds = config.architectures or []
    if config.num_labels != 1 or any(kind.endswith(("ForCausalLM", "LMHeadModel")) for kind in kinds):
        found = f"{', '.join(kinds) or 'unknown'}, {config.num_labels} outputs"
        raise BadInputError(
            "is no reward model", source=name, value=found, expected="a sequence classifier with one output"
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
    """Without the bars that transformers shows, for the caller has one of its own."""
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
    """What to do about a batch that does not fit into the accelerator's memory."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise BadInputError(
            f"a batch of {batch_size:,} does not fit into memory",
            source="--batch-size",
            expected="a smaller one; what is done already is kept",
        ) from error


def context_length(model: Any) -> int | None:
    """How many tokens a model takes at most, where its configuration tells."""
    config = model.config.get_text_config()
    length = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
    return length if isinstance(length, int) and length > 0 else None


def as_messages(prompt: Prompt, role: str = "user") -> list[Message]:
    """A text as a conversation of one message; a conversation as it is."""
    return [{"role": role, "content": prompt}] if isinstance(prompt, str) else prompt


def has_template(tokenizer: Any, *, chat: bool) -> bool:
    """Whether texts are put into the tokenizer's chat template: it has one, and ``chat`` allows it."""
    return chat and bool(getattr(tokenizer, "chat_template", None))


def text_of(tokenizer: Any, prompt: Prompt, response: Prompt | None, *, chat: bool) -> str:
    """A prompt, or prompt and response, as the one text that a model reads.

    With a chat template as a conversation, opened for the answer where there is no response. Without one, texts one
    after the other; a response ends with the end-of-text token then, as TRL's trainers have it.

    Raises:
        BadInputError: a conversation of several turns without a chat template.
    """
    if has_template(tokenizer, chat=chat):
        messages = as_messages(prompt) + (as_messages(response, "assistant") if response is not None else [])
        try:
            text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=response is None)
        except Exception as error:  # a template is a program: it may raise anything
            roles = ", ".join(message["role"] for message in messages)
            raise BadInputError(f"the chat template refuses a conversation of {roles}: {error}") from error
        return str(text)
    if response is None:
        return plain_text(prompt)
    text, end = plain_text(prompt) + plain_text(response), tokenizer.eos_token or ""
    return text if text.endswith(end) else text + end


def plain_text(prompt: Prompt) -> str:
    """A text, or the text of a conversation of one message; BadInputError for a longer one."""
    if isinstance(prompt, str):
        return prompt
    if len(prompt) != 1:
        raise BadInputError(
            f"a conversation of {len(prompt)} messages, and the tokenizer has no chat template",
            expected="a model with one, or prompts as texts",
        )
    return prompt[0]["content"]


def token_ids(tokenizer: Any, text: str, *, chat: bool) -> list[int]:
    """A text's tokens; a chat template has written the special ones already."""
    ids: list[int] = tokenizer(text, add_special_tokens=not has_template(tokenizer, chat=chat))["input_ids"]
    return ids


def batches_left(lengths: Sequence[int], size: int, done: Container[int]) -> list[list[int]]:
    """Batches of what is about equally long, but those that are done, the longest first: what does not fit shows at once.

    Which batches there are depends on the lengths only, and one of which a part is done is there as a whole: a run that
    is resumed has the same batches.

    Args:
        lengths: of all there is.
        size: how many go into a batch.
        done: the numbers of what is done.

    Raises:
        BadInputError: ``size`` below 1.
    """
    if size < 1:
        raise BadInputError("a batch holds at least one", source="--batch-size", value=size)
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    batches = [order[i : i + size] for i in range(0, len(order), size)]
    return [batch for batch in batches if not all(i in done for i in batch)]


def text_length(*texts: Prompt) -> int:
    """Bytes of texts or conversations: close to proportional to their tokens."""
    return sum(
        len(text.encode()) if isinstance(text, str) else sum(len(m["content"].encode()) for m in text) for text in texts
    )
