"""A generation, described and checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from votewise.errors import BadInputError
from votewise.generate.prompts import Prompts
from votewise.generate.settings import BACKENDS, BackendOptions, Sampling
from votewise.storage.journal import content_key
from votewise.storage.row_files import SUFFIXES


@dataclass(frozen=True)
class GenerateJob:
    """What to generate, checked.

    Attributes:
        prompts: what to answer.
        models: one or two.
        out: the file of answers, .jsonl or .parquet; None writes nothing.
        sampling: how answers are drawn.
        backend: ``transformers``, ``vllm`` or ``endpoint``.
        options: for the backend.
        comparisons: the file of comparisons of two models; None for a file beside ``out``.
    """

    prompts: Prompts
    models: Sequence[str]
    out: Path | None = None
    sampling: Sampling = field(default_factory=Sampling)
    backend: str = "transformers"
    options: BackendOptions = field(default_factory=BackendOptions)
    comparisons: Path | None = None

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise BadInputError(
                "there is no such backend", parameter="backend", value=self.backend, expected=", ".join(BACKENDS)
            )
        if not 1 <= len(self.models) <= 2 or len(set(self.models)) < len(self.models):
            raise BadInputError(
                "needs one model, or two different ones", parameter="model", value=" and ".join(self.models)
            )
        if self.out is None and self.comparisons is not None:
            raise BadInputError("needs a file of answers, too", parameter="comparisons", expected="out as well")
        for file in self.files:
            if file.suffix not in SUFFIXES:
                raise BadInputError(
                    "unknown kind of file", source=str(file), expected="a name ending in .jsonl or .parquet"
                )
        if len(set(self.files)) < len(self.files):
            raise BadInputError("is the file of answers", parameter="comparisons", expected="another file")
        if self.backend != "endpoint" and self.options.base_url is not None:
            raise BadInputError("is only used with the backend endpoint", parameter="base_url")

    @property
    def comparisons_file(self) -> Path | None:
        """The file of comparisons; None with one model, or if nothing is written."""
        if self.out is None or len(self.models) == 1:
            return None
        return self.comparisons or self.out.with_name(f"{self.out.stem}-comparisons{self.out.suffix}")

    @property
    def files(self) -> tuple[Path, ...]:
        """The files to write: answers, then comparisons."""
        return tuple(file for file in (self.out, self.comparisons_file) if file is not None)

    def settings(self) -> dict[str, Any]:
        """What the answers depend on, for the journal. The batch size is left out: it changes them only by rounding."""
        chosen = {"backend": self.backend, "dtype": self.options.dtype, "chat": self.options.chat}
        asked = {"prompts": f"{len(self.prompts):,} prompts {content_key(self.prompts.keys)[:8]}"}
        return {"command": "generate", "models": list(self.models), **asked, **asdict(self.sampling), **chosen}

    def keys(self, model: str) -> list[str]:
        """The names of the prompts in the journal, for one model."""
        return [f"{model}/{key}" for key in self.prompts.keys]
