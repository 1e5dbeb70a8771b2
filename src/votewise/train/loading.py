"""Arguments -> data, models and tokenizers, with a one-line error for everything that can be missing or not match."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoProcessor, AutoTokenizer, PreTrainedTokenizerBase
from trl import get_dataset

from votewise.data.votes import Votes
from votewise.errors import BadInputError, VotewiseError
from votewise.train.arguments import Arguments
from votewise.train.read_options import evaluation_votes, refuse_read_options, training_votes
from votewise.train.training_rows import ROW, training_rows


def load_data(arguments: Arguments, votes: Votes | None = None, until: ExitStack | None = None) -> tuple[Any, Any]:
    """Data to train on, and data to evaluate on or None: ``Votes``, a dataset, or a stream.

    Args:
        arguments: arguments of the run.
        votes: the votes to train on, if they are in memory.
        until: when it ends well, rows that were skipped are in their file; None for at once.

    Raises:
        BadInputError: no source or several, a source or a split that does not exist, votes that cannot be read.
    """
    script, mixture, data = arguments.script, arguments.mixture, arguments.data
    source: Any = data.votes if votes is None else votes
    given = [
        name
        for name, value in (
            ("votes", source is not None),
            ("dataset_name", script.dataset_name),
            ("datasets", mixture.datasets),
        )
        if value
    ]
    if len(given) != 1:
        raise BadInputError(
            "there is nothing to train on" if not given else f"{' and '.join(given)} are both given",
            expected="one of votes, dataset_name and datasets",
        )
    if data.votes is None and data.eval_votes is None:
        refuse_read_options(data)
    evaluated = arguments.training.eval_strategy != "no"
    if source is not None:
        train, splits = source if isinstance(source, Votes) else training_votes(arguments, source, until), {}
    else:
        splits = _splits(arguments)
        train = _split(splits, "train" if mixture.datasets else script.dataset_train_split)
    if not evaluated:
        return train, None
    if data.eval_votes is not None:
        other = evaluation_votes(arguments, data.eval_votes, until)
        return train, _plain_rows(other, arguments.training.one_row_per)
    if not splits:
        raise BadInputError("eval_strategy asks for an evaluation", expected="eval_votes, the votes to evaluate on")
    return train, _split(splits, "test" if mixture.datasets else script.dataset_test_split)


def _plain_rows(votes: Votes, one_row_per: Any) -> Any:
    return training_rows(votes, one_row_per=one_row_per).dataset.remove_columns(ROW)


def _splits(arguments: Arguments) -> Any:
    from datasets import load_dataset

    script = arguments.script
    source = script.dataset_name or "datasets"
    with in_one_line(f"{source} cannot be loaded"):
        if arguments.mixture.datasets:
            return get_dataset(arguments.mixture)
        return load_dataset(script.dataset_name, name=script.dataset_config, streaming=script.dataset_streaming)


def _split(splits: Any, name: str) -> Any:
    if name not in splits:
        raise BadInputError(f"the data have no split '{name}'", expected=" or ".join(splits) or "a split")
    return splits[name]


def load_config(arguments: Arguments, name: str | None) -> Any:
    """A model's configuration, without its weights; BadInputError if the model cannot be found."""
    if not name:
        raise BadInputError("model_name_or_path is missing", expected="a model on the Hub, or a folder with a model")
    path = Path(name).expanduser()
    if path.is_dir() and not (path / "config.json").is_file():
        raise BadInputError(
            "has no model in it", source=name, expected="config.json and weights, as saved by transformers"
        )
    try:
        return AutoConfig.from_pretrained(name, **_from_where(arguments))
    except (OSError, ValueError, KeyError) as error:
        raise BadInputError(
            f"the model '{name}' cannot be loaded: {first_line(error)}",
            expected="a folder, or a model on the Hub",
        ) from error


def load_processor(arguments: Arguments, name: str) -> Any:
    """A model's tokenizer, or the processor around it; BadInputError if it has none."""
    with in_one_line(f"the tokenizer of {name} cannot be loaded"):
        return AutoProcessor.from_pretrained(name, **_from_where(arguments))


def check_vocabularies(arguments: Arguments, processor: Any, policy: Any) -> None:
    """Check that both models have every token of the tokenizer, and that policy and reference use the same tokens.

    Args:
        arguments: arguments of the run.
        processor: the policy's tokenizer or processor.
        policy: the policy's configuration.

    Raises:
        BadInputError: a tokenizer with more tokens than a model has, or a reference model with another vocabulary.
    """
    tokenizer, name = tokenizer_of(processor), arguments.model.model_name_or_path
    _check_size(tokenizer, policy, name)
    reference = arguments.data.ref_model_name_or_path
    if reference is None:
        return
    if not arguments.training.loss().reference:
        raise BadInputError(
            f"preference_loss={arguments.training.preference_loss} needs no reference model",
            expected="no ref_model_name_or_path, or preference_loss dpo or ipo",
        )
    config = load_config(arguments, reference)
    try:
        other = AutoTokenizer.from_pretrained(reference, **_from_where(arguments)).get_vocab()
    except (OSError, ValueError, KeyError):
        other = None  # saved without a tokenizer: only the sizes can be compared
    mine = tokenizer.get_vocab()
    if other is not None and other != mine:
        apart = len(set(mine.items()) ^ set(other.items()))
        raise BadInputError(
            f"policy and reference have different vocabularies: {len(mine):,} and {len(other):,} tokens, "
            f"{apart:,} of them not in both",
            source=reference,
            expected=f"the vocabulary of {name}",
        )
    _check_size(tokenizer, config, reference)


def tokenizer_of(processor: Any) -> Any:
    """The tokenizer itself, taken out of a processor if needed."""
    return processor if isinstance(processor, PreTrainedTokenizerBase) else processor.tokenizer


def _check_size(tokenizer: Any, config: Any, name: str) -> None:
    size = config.get_text_config().vocab_size
    if len(tokenizer) > size:
        raise BadInputError(
            f"the tokenizer has {len(tokenizer):,} tokens, the model only {size:,}",
            source=name,
            expected="a model and a tokenizer that belong together",
        )


def _from_where(arguments: Arguments) -> dict[str, Any]:
    return {"revision": arguments.model.model_revision, "trust_remote_code": arguments.training.trust_remote_code}


@contextmanager
def in_one_line(problem: str) -> Iterator[None]:
    """Turn errors of libraries about names, files, settings and missing packages into a BadInputError.

    Use it only around steps that depend on what the user asked for, so errors in the program itself keep their traceback.
    """
    try:
        yield
    except VotewiseError:
        raise
    except (OSError, ValueError, TypeError, KeyError, ImportError, RuntimeError) as error:
        raise BadInputError(f"{problem}: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """The first line of a library's message, which may be long."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
