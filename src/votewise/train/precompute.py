"""Log-probabilities under the reference model, before training: from earlier runs where kept, otherwise computed."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from accelerate.logging import get_logger
from accelerate.utils import broadcast_object_list, gather_object, send_to_device
from datasets import Dataset, IterableDataset, concatenate_datasets
from tqdm.auto import tqdm  # type: ignore[import-untyped]

from votewise.errors import BadInputError
from votewise.train.config import RobustPreferenceConfig
from votewise.train.processes import sharded_here
from votewise.train.reference_cache import Logps, ReferenceCache, reference_folder
from votewise.train.reference_keys import counting_adapters, model_key, pair_keys, pair_keys_of_tokens, weights_digest
from votewise.train.trl_adapter import PairCollator

logger = get_logger(__name__)

READ = 256
"""Pairs whose keys are made at a time."""


def worth_precomputing(args: RobustPreferenceConfig, *data: Any) -> bool:
    """Whether a run can compute its reference log-probabilities before it starts, at no extra cost.

    It can if it sees all data at least once, has all of them before it starts, and does not update its reference model. With
    weights sharded over processes the user must decide, because the reference model is then loaded in any case.

    Args:
        args: settings of the run.
        data: what is trained and evaluated on.
    """
    whole = not any(isinstance(dataset, IterableDataset) for dataset in data)
    sharded = sharded_here() or bool(args.fsdp or args.deepspeed)
    return args.loss().reference and whole and args.max_steps <= 0 and not args.sync_ref_model and not sharded


def with_reference(trainer: Any, dataset: Any, name: str, batch_size: int) -> Any:
    """A tokenized dataset with the columns ``ref_chosen_logps`` and ``ref_rejected_logps``.

    The first process reads and writes the cache; all of them compute. An interrupted pass resumes after its last file.

    Args:
        trainer: a ``RobustPreferenceTrainer``, whose models and collator are used.
        dataset: rows as prepared by TRL.
        name: name of the dataset, for the progress bar.
        batch_size: pairs per batch in each process.

    Raises:
        BadInputError: a stream.
    """
    if isinstance(dataset, IterableDataset):
        raise BadInputError(
            "precompute_ref_log_probs=True does not work with streams", expected="precompute_ref_log_probs=False"
        )
    accelerator, args = trainer.accelerator, trainer.args
    folder, key = reference_folder(args.reference_cache), _model_key(trainer)
    cache = ReferenceCache(folder / key if folder is not None and accelerator.is_main_process else None)
    keys: list[bytes] = []
    shared: list[Any] = [None]
    if accelerator.is_main_process:
        keys = _keys(trainer, dataset)
        shared = [cache.read(keys)]
    broadcast_object_list(shared)
    known: Logps = shared[0]
    missing = np.flatnonzero(np.isnan(known).any(1))
    logger.info(
        f"{len(known) - len(missing):,} of {len(known):,} reference log-probabilities ({name}) are known from earlier runs."
    )
    if len(missing):
        batches = _batches(trainer, dataset, missing, batch_size * accelerator.num_processes)
        with tqdm(
            total=len(missing),
            desc=f"Reference log-probabilities ({name})",
            unit="pair",
            disable=not accelerator.is_main_process or args.disable_tqdm,
        ) as bar:
            try:
                for rows, logps in batches:
                    known[rows] = logps
                    if accelerator.is_main_process:
                        cache.add([keys[i] for i in rows], logps)
                    bar.update(len(rows))
            finally:
                cache.flush()
                batches.close()
    columns = {"ref_chosen_logps": known[:, 0], "ref_rejected_logps": known[:, 1]}
    return concatenate_datasets([dataset, Dataset.from_dict(columns)], axis=1)


def _keys(trainer: Any, dataset: Any) -> list[bytes]:
    """The keys of all rows, as they will be fed to the model."""
    collator = getattr(
        trainer.data_collator, "collator", trainer.data_collator
    )  # a ``RowCollator`` does not change the tokens
    parts = [range(start, min(start + READ, len(dataset))) for start in range(0, len(dataset), READ)]
    if type(collator) is not PairCollator:
        return [key for rows in parts for key in pair_keys(_collate(trainer, dataset, rows))]
    tokens = dataset.select_columns(["prompt_ids", "chosen_ids", "rejected_ids"]).with_format("numpy")
    how = {"max_length": collator.max_length, "truncation_mode": collator.truncation_mode}
    return [key for rows in parts for key in pair_keys_of_tokens(tokens[rows.start : rows.stop], **how)]


def _model_key(trainer: Any) -> str:
    """The key of the reference model, the same in all processes."""
    accelerator, args = trainer.accelerator, trainer.args
    model = accelerator.unwrap_model(trainer._reference())
    adapters = counting_adapters(model, own=trainer.ref_model is not None)
    if trainer.is_fsdp_enabled:
        weights: Any = trainer.whole_weights_hash  # of the complete weights, before they were sharded
    elif trainer.is_deepspeed_enabled:
        weights = gather_object([weights_digest(model, adapters)])  # possibly of this rank's part only: of all parts
    else:
        weights = weights_digest(model, adapters) if accelerator.is_main_process else b""
    return model_key(
        model,
        repr(weights),
        adapters=adapters,
        precision=accelerator.mixed_precision,
        device=accelerator.device.type,
        fast_step=args.fast_step,
        packed_attention=args.packed_attention,
        answer_projection=args.answer_projection,
    )


def _collate(trainer: Any, dataset: Any, rows: Any) -> dict[str, Any]:
    batch: dict[str, Any] = trainer.data_collator([dataset[int(i)] for i in rows])
    return batch


def _batches(
    trainer: Any, dataset: Any, missing: npt.NDArray[np.int64], size: int
) -> Generator[tuple[npt.NDArray[np.int64], Logps]]:
    """Compute the ``missing`` rows, ``size`` at a time over all processes: rows, and their (n, 2) log-probabilities."""
    accelerator = trainer.accelerator
    world, rank = accelerator.num_processes, accelerator.process_index
    model = trainer._reference()
    if trainer.ref_model is None and trainer.is_deepspeed_enabled:
        model = trainer.reference_engine()
    training = model.training
    model.eval()
    try:
        for start in range(0, len(missing), size):
            rows = missing[start : start + size]
            each = -(-len(rows) // world)  # every process gets a part, some rows twice if they do not divide evenly
            mine = np.resize(rows, each * world)[rank * each : (rank + 1) * each]
            batch = send_to_device(_collate(trainer, dataset, mine), accelerator.device)
            logps = torch.stack(trainer.compute_ref_log_probs(model, batch), dim=1)
            yield rows, accelerator.gather(logps).cpu().numpy()[: len(rows)]
    finally:
        model.train(training)
