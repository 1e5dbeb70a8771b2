"""Arguments -> data, models and tokenizers, with one line for each thing that can be missing or not fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoProcessor, AutoTokenizer, PreTrainedTokenizerBase
from trl import get_dataset

from votewise.data.votes import Votes
from votewise.errors import BadInputError, VotewiseError
from votewise.sources import read_votes
from votewise.train.arguments import Arguments
from votewise.train.training_rows import ROW, training_rows


def load_data(arguments: Arguments) -> tuple[Any, Any]:
    """What to train on, and what to evaluate on or None: votes, or a dataset, of which a stream is one.

    Raises:
        BadInputError: no source or several, a source or a split that is not there, votes that cannot be read.
    """
    script, mixture, data = arguments.script, arguments.mixture, arguments.data
    given = [
        name
        for name, value in (
            ("votes", data.votes),
            ("dataset_name", script.dataset_name),
            ("datasets", mixture.datasets),
        )
        if value
    ]
    if len(given) != 1:
        raise BadInputError(
            "there is nothing to train on" if not given else f"there are {' and '.join(given)} to train on",
            expected="one of votes, dataset_name and datasets",
        )
    evaluated = arguments.training.eval_strategy != "no"
    if data.votes is not None:
        train, splits = _votes(arguments, data.votes), {}
    else:
        splits = _splits(arguments)
        train = _split(splits, "train" if mixture.datasets else script.dataset_train_split)
    if not evaluated:
        return train, None
    if data.eval_votes is not None:
        return train, _plain_rows(_votes(arguments, data.eval_votes), arguments.training.one_row_per)
    if not splits:
        raise BadInputError("eval_strategy asks for an evaluation", expected="eval_votes, the votes to evaluate on")
    return train, _split(splits, "test" if mixture.datasets else script.dataset_test_split)


def _votes(arguments: Arguments, source: str) -> Votes:
    column = arguments.training.annotator_column
    columns = None if column in (None, "annotator") else {"annotator": column}
    return read_votes(source, format=arguments.data.votes_format, columns=columns)


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
        raise BadInputError(f"there is no split '{name}' in the data", expected=" or ".join(splits) or "a split")
    return splits[name]


def load_config(arguments: Arguments, name: str | None) -> Any:
    """A model's configuration, without its weights; BadInputError where there is no such model."""
    if not name:
        raise BadInputError("model_name_or_path is missing", expected="a model of the Hub, or a folder with one")
    path = Path(name).expanduser()
    if path.is_dir() and not (path / "config.json").is_file():
        raise BadInputError("holds no model", source=name, expected="config.json and weights, as saved by transformers")
    try:
        return AutoConfig.from_pretrained(name, **_from_where(arguments))
    except (OSError, ValueError, KeyError) as error:
        raise BadInputError(
            f"there is no model '{name}' that can be loaded: {first_line(error)}",
            expected="a folder or a model of the Hub",
        ) from error


def load_processor(arguments: Arguments, name: str) -> Any:
    """A model's tokenizer, or the processor around it; BadInputError where it has none."""
    with in_one_line(f"{name} has no tokenizer that can be loaded"):
        return AutoProcessor.from_pretrained(name, **_from_where(arguments))


def check_vocabularies(arguments: Arguments, processor: Any, policy: Any) -> None:
    """See that every token has a place in both models, and means the same to both.

    Args:
        arguments: of the run.
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
            f"preference_loss={arguments.training.preference_loss} has no reference model",
            expected="no ref_model_name_or_path, or preference_loss dpo or ipo",
        )
    config = load_config(arguments, reference)
    try:
        other = AutoTokenizer.from_pretrained(reference, **_from_where(arguments)).get_vocab()
    except (OSError, ValueError, KeyError):
        other = None  # saved without one; then only the sizes can be compared
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
    """The tokenizer itself, where a processor holds it."""
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
    """Turn what libraries raise about names, files, settings and missing packages into a BadInputError.

    Only around steps that depend on what the user asked for: what is wrong with the program itself keeps its traceback.
    """
    try:
        yield
    except VotewiseError:
        raise
    except (OSError, ValueError, TypeError, KeyError, ImportError, RuntimeError) as error:
        raise BadInputError(f"{problem}: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """The first line of what a library says, which may say more than is asked."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
