"""A tiny random model of any architecture, from its configuration's defaults made small by the names of their fields."""

from __future__ import annotations

import math
from typing import Any

import torch
from transformers import CONFIG_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING, PreTrainedConfig

HEADS, SIZE = 4, 8
WIDTH = HEADS * SIZE

SMALL: list[tuple[int, str]] = [
    (
        WIDTH,
        "hidden_size d_model n_embd dim embed_dim embedding_size word_embed_proj_dim attention_hidden_size lru_width "
        "emb_dim embedding_dim hidden_dim dim_model dim_ff_model cross_attention_hidden_size input_embedding_size d_embed",
    ),
    (
        2 * WIDTH,
        "intermediate_size ffn_dim d_ff n_inner decoder_ffn_dim encoder_ffn_dim ffn_hidden_size dim_ff dff "
        "moe_intermediate_size shared_expert_intermediate_size moe_shared_expert_intermediate_size intermediate_size_mlp "
        "shared_intermediate_size feed_forward_size d_inner mamba_d_ssm ffn_intermediate_size expert_ffn_hidden_size "
        "block_ff_dim n_dim_ff dense_intermediate_size mlp_intermediate_size expert_ffn_size feedforward_size",
    ),
    (
        2,
        "num_hidden_layers n_layer n_layers num_layers decoder_layers encoder_layers num_encoder_layers "
        "num_decoder_layers num_key_value_heads num_kv_heads n_head_kv num_experts_per_tok top_k moe_top_k moe_k "
        "num_experts_per_token experts_per_token num_experts_per_topk num_selected_experts n_group_size "
        "num_attention_groups num_key_value_groups num_global_key_value_heads swa_num_key_value_heads",
    ),
    (
        HEADS,
        "num_attention_heads n_head n_heads num_heads decoder_attention_heads encoder_attention_heads "
        "num_encoder_attention_heads num_decoder_attention_heads num_experts n_routed_experts num_local_experts "
        "moe_num_experts linear_num_value_heads linear_num_key_heads num_mamba_heads mamba_num_heads mamba_n_heads "
        "swa_num_attention_heads index_n_heads index_topk mamba_expand_heads linear_num_heads",
    ),
    (
        SIZE,
        "head_dim attention_head_size d_kv kv_channels qk_nope_head_dim qk_rope_head_dim v_head_dim dim_head "
        "linear_key_head_dim linear_value_head_dim index_head_dim global_head_dim "
        "attention_head_dim swa_head_dim swa_v_head_dim kda_head_dim hidden_size_per_layer_input "
        "linear_head_dim rotary_dim",
    ),
    (
        2 * SIZE,
        "mamba_d_head mamba_head_dim mamba_headdim",
    ),
    (
        16,
        "q_lora_rank kv_lora_rank state_size mamba_d_state ssm_state_size time_step_rank mamba_dt_rank o_lora_rank "
        "adapter_rank",
    ),
    (
        8,
        "chunk_size mamba_chunk_size block_size attention_block_size",
    ),
    (
        128,
        "max_position_embeddings n_positions n_ctx max_seq_len max_sequence_length seq_length max_source_positions "
        "max_target_positions",
    ),
    (
        5,
        "sliding_window attention_window_size window_size local_attention sliding_window_size",
    ),
    (
        1,
        "n_group topk_group n_groups num_shared_experts n_shared_experts mamba_n_groups first_k_dense_replace "
        "moe_num_shared_experts n_expert_groups num_nextn_predict_layers num_zero_experts",
    ),
]
"""Values, and the names of the fields that get them."""

LATENT = {"num_key_value_heads": HEADS}
PER_MODEL: dict[str, dict[str, Any]] = {
    "mamba2": {"head_dim": 2 * SIZE},
    "reformer": {"axial_pos_embds_dim": (16, 16), "axial_pos_shape": (8, 16), "attn_layers": ["local", "lsh"]},
    "gemma3n_text": {"num_kv_shared_layers": 0},
    "lfm2": {"layer_types": ["conv", "full_attention"], "num_hidden_layers": 2},
    "lfm2_moe": {"layer_types": ["conv", "full_attention"], "num_hidden_layers": 2, "num_dense_layers": 1},
    "deepseek_v2": {"num_experts_per_tok": 2, "num_key_value_heads": HEADS},
    "dots1": {"n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2, "n_group": 1, "topk_group": 1},
    "nemotron": {"num_key_value_heads": 2},
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX"},
    "falcon_h1": {"mamba_d_ssm": 2 * WIDTH},
    "dots3_note": LATENT,
    "dots3_note_text": LATENT,
    "bamba": {"num_hidden_layers": 2, "attn_layer_indices": [1]},
}
"""What the names alone do not say, by architecture."""


def tiny_config(kind: str, vocabulary: int) -> PreTrainedConfig:
    """The configuration of an architecture with 2 layers or one of each kind, and 4 heads of 8 numbers.

    Args:
        kind: a key of transformers' ``CONFIG_MAPPING``.
        vocabulary: number of tokens.
    """
    own = CONFIG_MAPPING[kind]
    return own(**shrunk(own, vocabulary) | PER_MODEL.get(kind, {}))


def shrunk(own: type[PreTrainedConfig], vocabulary: int) -> dict[str, Any]:
    """The fields of a configuration class with small values, nested configurations included."""
    default = own()
    fields = {name: value for name, value in vars(default).items() if not name.startswith("_")}
    values = {name: value for value, names in SMALL for name in names.split()}
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, PreTrainedConfig):
            found[name] = type(value)(**shrunk(type(value), vocabulary))
        elif type(value) is int and name in values:
            found[name] = min(value, values[name]) if value > 0 else value
        elif type(value) is int and "vocab_size" in name:
            found[name] = vocabulary
        elif isinstance(value, float) and name in ("initializer_range", "init_std"):
            found[name] = 0.1
        elif isinstance(value, float) and any(word in name for word in ("dropout", "pdrop", "layerdrop")):
            found[name] = 0.0  # TRL does not switch off all of it
    found |= _layers(default, fields)
    tokens = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 1, "unk_token_id": 2}
    found |= {name: token for name, token in tokens.items() if name in fields}
    for name in fields:
        if name.endswith("_token_id") and name not in tokens and isinstance(fields[name], int):
            found[name] = 2
    if "is_decoder" in fields:
        found["is_decoder"] = True
    if "head_dim" in fields and fields["head_dim"] is None:
        found["head_dim"] = SIZE
    if fields.get("kv_lora_rank"):
        # Latent attention makes keys for every head.
        found["num_key_value_heads"] = HEADS
    return found


def _layers(default: PreTrainedConfig, fields: dict[str, Any]) -> dict[str, Any]:
    """One layer of each kind where a configuration lists them, at least two; other lists of layers are cut alike."""
    number = getattr(default, "num_hidden_layers", None)
    if not isinstance(number, int):
        return {}
    lists = {name: v for name, v in fields.items() if isinstance(v, list | tuple) and len(v) == number and number > 1}
    kinds = list(zip(*(map(str, v) for v in lists.values()), strict=True)) if lists else [()] * number
    kept = [i for i, kind in enumerate(kinds) if kind not in kinds[:i]][:4]
    kept = kept if len(kept) > 1 else [0, 1]
    found: dict[str, Any] = {name: [v[i] for i in kept] for name, v in lists.items()}
    layers = next((n for n in ("num_hidden_layers", "n_layer", "n_layers", "num_layers") if n in fields), None)
    return found | ({layers: len(kept)} if layers else {})


def build(kind: str, vocabulary: int, most: float) -> Any:
    """A random model of an architecture, in evaluation mode.

    Args:
        kind: a key of transformers' ``CONFIG_MAPPING``.
        vocabulary: number of tokens.
        most: millions of parameters that it may have.

    Raises:
        ValueError: it has more parameters.
    """
    config = tiny_config(kind, vocabulary)
    torch.manual_seed(0)
    make = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    try:
        model = make(config)
    except AttributeError:
        model = make(config.get_text_config())  # the class is that of the text model only
    if (size := sum(math.prod(p.shape) for p in model.parameters())) > most * 1e6:
        raise ValueError(f"{size / 1e6:.0f} million parameters remain")
    return model.eval()
