"""Rows of every shape that TRL's DPO accepts, and chat templates that print all or little of them."""

from __future__ import annotations

from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

SPECIAL = ["<pad>", "<eos>"]

BARE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content if m.content is string else m.content | tojson }}</>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
TOOLS = (
    "{% if tools %}<tools>{% for t in tools %}{{ t | tojson }}{% endfor %}</tools>{% endif %}"
    "{% for m in messages %}<{{ m.role }}{% if m.name %} {{ m.name }}{% endif %}>"
    "{% if m.content is string %}{{ m.content }}{% elif m.content %}"
    "{% for p in m.content %}[{{ p.text }}]{% endfor %}{% endif %}"
    "{% for c in m.tool_calls or [] %}<call>{{ c.function.name }} {{ c.function.arguments | tojson }}</call>{% endfor %}"
    "{% if m.tool_call_id %}#{{ m.tool_call_id }}{% endif %}</>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
THINKING = (
    "{% if style is defined %}<style {{ style }}>{% endif %}"
    "{% for m in messages %}<{{ m.role }}>"
    "{% if m.reasoning_content and thinking != false %}<think>{{ m.reasoning_content }}</think>{% endif %}"
    "{% if m.thinking %}<thought>{{ m.thinking }}</thought>{% endif %}"
    "{{ m.content if m.content is string else m.content | tojson }}</>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% if thinking == false %}<think></think>{% endif %}{% endif %}"
)
SYSTEM = (
    "{% if messages[0].role != 'system' %}<system>Be kind.</>{% endif %}"
    "{% for m in messages %}<{{ m.role }}>{{ m | tojson }}</>{% endfor %}"
    "{% if tools %}{{ tools | tojson }}{% endif %}{% if add_generation_prompt %}<assistant>{% endif %}"
)
TEMPLATES = {"bare": BARE, "tools": TOOLS, "thinking": THINKING, "system": SYSTEM}
"""The last one prints messages whole, with fields of any name and in their order."""


def make_bytes_tokenizer(template: str) -> PreTrainedTokenizerFast:
    """One token per byte, so that any text keeps all its characters."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>")
    fast.chat_template = template
    return fast


def make_bytes_model() -> LlamaForCausalLM:
    """A Llama of a few hundred weights that knows all bytes."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=258, hidden_size=4, intermediate_size=4, num_hidden_layers=1, num_attention_heads=1,
            max_position_embeddings=4096, pad_token_id=0, eos_token_id=1, bos_token_id=None,
        )
    )  # fmt: skip


def user(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **more}


def says(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **more}


def system(content: str) -> dict[str, Any]:
    return {"role": "system", "content": content}


def called(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}}


def texts(*parts: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": part} for part in parts]


def tool(name: str, **properties: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": properties}}


def row(prompt: Any, chosen: Any, rejected: Any, **more: Any) -> dict[str, Any]:
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected, **more}


ASKED, GOOD, BAD = [user("How warm?")], [says("Warm.")], [says("Who knows")]
WEATHER = says("", tool_calls=[called("weather", city="Oslo", days=2)])
CLOCK = says("", tool_calls=[called("clock", zone="CET")])

SHAPES: dict[str, list[dict[str, Any]]] = {
    "plain texts": [row("Name a fruit:", " apple", " stone"), row("Name a town:", " Oslo", " blue")],
    "plain texts, implicit prompt": [
        {"chosen": "Name a fruit: apple", "rejected": "Name a fruit: stone"},
        {"chosen": "Say why, please", "rejected": "Say what, please"},
        {"chosen": "Count: one, two", "rejected": "Count: one, twelve"},
    ],
    "conversations": [row(ASKED, GOOD, BAD), row([user("And now?")], BAD, GOOD)],
    "conversations, implicit prompt": [
        {"chosen": ASKED + GOOD, "rejected": ASKED + BAD},
        {"chosen": [*ASKED, says("Ok"), user("So?"), *GOOD], "rejected": [*ASKED, says("Ok"), user("So?"), *BAD]},
    ],
    "system": [row([system("Be short."), *ASKED], GOOD, BAD), row([system("Be long."), *ASKED], GOOD, BAD)],
    "empty system": [row([system(""), *ASKED], GOOD, BAD), row(ASKED, GOOD, BAD)],
    "several turns": [
        row([*ASKED, *GOOD, user("Sure?")], [says("Yes")], [says("No"), user("Why?"), says("Because")]),
        row([*ASKED, *BAD, user("Sure?")], [says("Yes")], [says("No")]),
    ],
    "tool calls": [row(ASKED, [WEATHER], [CLOCK]), row(ASKED, [CLOCK], [says("I cannot")])],
    "calls that differ in arguments only": [
        row(ASKED, [WEATHER], [says("", tool_calls=[called("weather", city="Rome", days=2)])]),
        row(ASKED, [WEATHER], [says("", tool_calls=[called("weather", city="Bonn", days=2)])]),
    ],
    "tool results": [
        row([*ASKED, WEATHER, {"role": "tool", "name": "weather", "content": "21", "tool_call_id": "7"}], GOOD, BAD),
        row([*ASKED, WEATHER, {"role": "tool", "name": "clock", "content": "21", "tool_call_id": "7"}], GOOD, BAD),
    ],
    "tools": [
        row(ASKED, GOOD, BAD, tools=[tool("weather", city="string")]),
        row(ASKED, GOOD, BAD, tools=[tool("clock", zone="string")]),
        row(ASKED, GOOD, BAD, tools=[]),
    ],
    "tools in a text": [
        row(ASKED, GOOD, BAD, tools='[{"name": "weather"}]'),
        row(ASKED, GOOD, BAD, tools='[{"name": "clock"}]'),
    ],
    "names": [row([user("Hi", name="ann")], GOOD, BAD), row([user("Hi", name="bob")], GOOD, BAD)],
    "reasoning": [
        row(ASKED, [says("Warm.", reasoning_content="May")], [says("Warm.", reasoning_content="Jan")]),
        row(ASKED, [says("Warm.", reasoning_content="June")], [says("Warm.", reasoning_content="Jan")]),
    ],
    "thinking": [row(ASKED, [says("Warm.", thinking="May")], [says("Warm.", thinking="Jan")])],
    "template arguments": [
        row(ASKED, GOOD, BAD, chat_template_kwargs={"thinking": True, "style": "a"}),
        row(ASKED, GOOD, BAD, chat_template_kwargs={"thinking": False, "style": "a"}),
        row(ASKED, GOOD, BAD, chat_template_kwargs={"thinking": False, "style": "b"}),
    ],
    "content in parts": [
        row([user(texts("How", "warm?"))], [says(texts("Warm."))], [says(texts("Who", "knows"))]),
        row([user(texts("How\nwarm?"))], [says(texts("Warm."))], [says(texts("Who", "knows"))]),
    ],
    "fields of other names": [
        row(ASKED, [says("Warm.", mood="glad")], [says("Warm.", mood="sad")]),
        row(ASKED, [says("Warm.", mood="calm")], [says("Warm.", mood="sad")]),
    ],
    "no words": [row("Say nothing:", "", " why?"), row("Say more:", " words", "")],
}
