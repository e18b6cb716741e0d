"""Examples for the interface's description, made from its schemas, so that no route goes without."""

from collections.abc import Mapping
from typing import Any

from workers.gateway.example_objects import BY_SCHEMA

Schema = Mapping[str, Any]

MEETING = "standup"
_ANN = {"id": "u-ann", "name": "Ann Abel"}
_POSITION = "1795386518268-0"
_WORD = {"text": "Good", "start_ms": 860, "end_ms": 1260, "probability": 0.98}

BY_NAME: Mapping[str, Any] = {
    "after": _POSITION,
    "allowed": True,
    "arousal": 0.42,
    "as_of": _POSITION,
    "asked_at_ms": 1795386500000,
    "before": "1795386622266~standup",
    "bot_id": "0d4f7a52-9a3e-4f0b-8f55-1c2d3e4f5a6b",
    "bot_message": "Hello, I take notes.",
    "bot_name": "Notes",
    "can_speak": True,
    "captured_ms": 110040,
    "category": "task",
    "coverage": 1.0,
    "duration_ms": 110040,
    "emitted_at_ms": 1795386518268,
    "end_ms": 3720,
    "ended": True,
    "ended_at_ms": 1795386622266,
    "extension": "vtt",
    "id": "fa77af0e13-13760/transcript/final",
    "idempotency-key": "5f6c2f3e",
    "last-event-id": _POSITION,
    "latency_ms": 315,
    "level": 0,
    "limit": 100,
    "meeting": MEETING,
    "meeting_id": MEETING,
    "meeting_link": "https://meet.google.com/aaa-bbbb-ccc",
    "more": False,
    "name": "transcript",
    "next": None,
    "owner": "Mei",
    "due": "by Thursday",
    "phrase": "action item",
    "polarity": 0.6,
    "position": _POSITION,
    "probability": 0.98,
    "reason": "",
    "score": 0.93,
    "speaker": _ANN,
    "speech_ms": 84210,
    "stable": "Good morning, everyone.",
    "start_ms": 860,
    "started_at_ms": 1795386512226,
    "status": "final",
    "tenant": "default",
    "text": "Good morning, everyone.",
    "track": "u-ann",
    "tracks": ["u-ann", "u-bob"],
    "types": "transcript,keyword",
    "utterance": "fa77af0e13-13760",
    "v": 1,
    "words": [_WORD],
}
"""What a field of this name may hold, where its schema admits it."""

_BY_TYPE: Mapping[str, Any] = {"string": "", "integer": 0, "number": 0.0, "boolean": False, "null": None}
_FITTING: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


def example_of(schema: Schema, components: Mapping[str, Schema], name: str = "") -> Any:
    """A value that the schema admits; `name` is that of the field it is for."""
    schema = _resolved(schema, components)
    if "examples" in schema or "example" in schema:
        return schema["examples"][0] if "examples" in schema else schema["example"]
    if "const" in schema:
        return schema["const"]
    if name in BY_NAME and _admits(schema, BY_NAME[name], components):
        return BY_NAME[name]
    if "enum" in schema:
        return schema["enum"][0]
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return example_of(choices[0], components, name)
    return _by_type(schema, components)


def _by_type(schema: Schema, components: Mapping[str, Schema]) -> Any:
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            if not fields:
                rest = schema.get("additionalProperties")
                return {"type": example_of(rest, components, "type") if isinstance(rest, dict) else "object"}
            known = BY_SCHEMA.get(schema.get("title", ""), {})
            return {
                name: known[name] if name in known else example_of(field, components, name)
                for name, field in fields.items()
            }
        case "array":
            items = schema.get("items", {})
            return [example_of(items, components)] * max(1, schema.get("minItems", 1))
        case "integer" | "number" if "minimum" in schema:
            return schema["minimum"]
        case "string" if schema.get("minLength", 0) > 0:
            return "x" * int(schema["minLength"])
        case kind:
            return _BY_TYPE.get(str(kind), {})


def _resolved(schema: Schema, components: Mapping[str, Schema]) -> Schema:
    while "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    return schema


def _admits(schema: Schema, value: Any, components: Mapping[str, Schema]) -> bool:
    """Whether a value known by name fits as to type and choice; a test checks the rest."""
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return any(_admits(_resolved(choice, components), value, components) for choice in choices)
    if "enum" in schema:
        return bool(value in schema["enum"])
    wanted = _FITTING.get(str(schema.get("type")))
    if wanted is None or not isinstance(value, wanted):
        return False
    if isinstance(value, dict):
        return bool(value.keys() == schema.get("properties", {}).keys())
    return not (isinstance(value, bool) and schema.get("type") != "boolean")
