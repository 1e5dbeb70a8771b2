"""Open WebUI's feedback export: a thumb up or down on one of several models' answers to a message."""

from __future__ import annotations

from typing import Any

from votewise.sources.canonical import Canonical, from_votes
from votewise.sources.format import Format
from votewise.sources.messages import Message, conversation
from votewise.sources.nested import get, moment, named, text
from votewise.sources.rows import Rows

HISTORIES = (("chat", "chat", "history", "messages"), ("chat", "history", "messages"), ("history", "messages"))


def read_openwebui(rows: Rows) -> Canonical:
    """Read one vote per sibling model: a thumb up prefers the rated model to it, a thumb down the sibling.

    The answers' texts come from the chat's snapshot; where it lacks them, the pair is named by the message and the models.
    """
    users, data = rows.annotator("user_id").to_pylist(), rows.values("data")
    meta, snapshots, times = (
        rows.values(name) if rows.has(name) else [None] * len(rows) for name in ("meta", "snapshot", "created_at")
    )
    votes: list[dict[str, Any]] = []
    skipped = unseen = 0
    for i in rows.kept().tolist():
        rating, model, siblings = (get(data[i], key) for key in ("rating", "model_id", "sibling_model_ids"))
        if rating is None or not siblings:
            skipped += 1
            continue
        if rating not in (1, -1, "1", "-1") or isinstance(rating, bool):
            rows.reject(i, "unknown rating", column="data.rating", value=rating, expected="1 or -1")
            continue
        name = named(model)
        if name is None:
            rows.reject(i, "does not name a model", column="data.model_id", value=model, expected="a name")
            continue
        if not isinstance(siblings, list) or not all(named(s) for s in siblings):
            rows.reject(i, "is not a list of models", column="data.sibling_model_ids", value=siblings, expected="names")
            continue
        fine, time = moment(rows, i, times[i], "created_at")
        if not fine:
            continue
        history = next((h for path in HISTORIES if (h := _messages(get(snapshots[i], *path)))), {})
        shared = {
            "row": i,
            "annotator": users[i],
            "label": "a" if int(rating) == 1 else "b",
            "model_a": name,
            "time": time,
            "reason": _reason(data[i]),
        }
        for sibling in map(str, siblings):
            texts = _texts(history, named(get(meta[i], "message_id")), sibling)
            if not texts:
                unseen += 1
                chat, message = (named(get(meta[i], key)) or "" for key in ("chat_id", "message_id"))
                texts = {"pair": "/".join((chat, message or f"row {rows.source.number(i)}", name, sibling))}
            votes.append({**shared, "model_b": sibling, **texts})
    notes = [f"{skipped:,} entries were skipped: no rating, or no other model to compare with."] if skipped else []
    if unseen:
        notes.append(f"{unseen:,} votes have no texts, because the snapshot lacks an answer.")
    return from_votes(rows, votes, shown=False, skipped=skipped, notes=notes)


def _messages(value: Any) -> dict[str, dict[str, Any]]:
    """Messages by id, from an object or a list."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {item["id"]: item for item in items if isinstance(item, dict) and isinstance(item.get("id"), str)}


def _texts(history: dict[str, dict[str, Any]], message: str | None, sibling: str) -> dict[str, Any] | None:
    rated = history.get(message or "")
    if rated is None or _parent(rated, history) is None:
        return None
    others = [m for m in history.values() if m.get("parentId") == rated["parentId"] and m["id"] != rated["id"]]
    other = next((m for m in others if sibling in (named(m.get("selectedModelId")), named(m.get("model")))), None)
    prompt: list[Any] = []
    parent, seen = _parent(rated, history), {rated["id"]}
    while parent is not None and parent["id"] not in seen:
        seen.add(parent["id"])
        prompt.insert(0, parent)
        parent = _parent(parent, history)
    found: list[list[Message] | None] = [conversation(m) for m in (prompt, [rated], [other])]
    if other is None or None in found:
        return None
    return dict(zip(("prompt", "response_a", "response_b"), found, strict=True))


def _parent(message: dict[str, Any], history: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    return history.get(named(message.get("parentId")) or "")


def _reason(data: Any) -> str | None:
    parts = [text(get(data, key)) for key in ("reason", "comment")]
    return ": ".join(part for part in parts if part) or None


OPENWEBUI = Format(
    "openwebui",
    "Open WebUI's feedback export",
    (("user_id",), ("data",), ("meta", "snapshot")),
    read_openwebui,
    own_status=True,
)
