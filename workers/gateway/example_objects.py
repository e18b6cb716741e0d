"""What stands in the fields of certain objects in examples, where their names alone do not tell."""

from collections.abc import Mapping
from typing import Any

_NOW_MS = 1795386622266
_UTTERANCE = "fa77af0e13-13760"
_ACTION = "I will follow up with the finance team this afternoon."

BY_SCHEMA: Mapping[str, Mapping[str, Any]] = {
    "Activity": {"id": f"{_UTTERANCE}/activity/speaking"},
    "Attempt": {"at_ms": 1795386518301, "took_ms": 84, "status": 200},
    "BotRequest": {"join_at": "2026-11-23T09:00:00+01:00"},
    "BotView": {"status": "InMeeting"},
    "Coaching": {"id": f"{_UTTERANCE}/coaching"},
    "DeliveryCounts": {"delivered": 1204, "dead": 1},
    "DeliveryView": {
        "id": "msg_9b2e4f7a1c3d5e6f8091a2b3c4d5e6f7",
        "event": "transcript.final",
        "state": "delivered",
        "made_at_ms": 1795386518268,
    },
    "GroupState": {"pool": "vad", "stream": "audio", "shard": 7, "lag": 3, "pending": 12, "oldest_ms": 420},
    "Heatmap": {
        "cell_ms": 5000,
        "polarity": {"Ann Abel": [0.2, None, 0.7]},
        "arousal": {"Ann Abel": [0.4, None, 0.8]},
    },
    "Highlight": {"id": f"{_UTTERANCE}/highlight/action_item", "text": _ACTION},
    "Keyword": {"id": f"{_UTTERANCE}/keyword/action-item"},
    "MeetingView": {"state": "ended"},
    "Moment": {"speaker": "Mei Lin", "text": _ACTION},
    "Overview": {
        "shards": 32,
        "owners": {"vad": {"7": "box-17074-9f3a"}},
        "disabled": ["coaching"],
        "redis_bytes": 3_100_000,
    },
    "Participant": {"name": "Ann Abel", "talk_ms": 28_400, "share": 0.34, "words": 96},
    "PlacedResult": {"id": "1795386518268-0", "type": "activity"},
    "ProcessReport": {
        "pool": "vad",
        "member": "box-17074-9f3a",
        "pid": 17074,
        "host": "box",
        "ready": 1,
        "cpu_s": 12.4,
        "rss_bytes": 112_000_000,
        "metrics_port": 9100,
    },
    "Reference": {"id": "default/standup/reference/9000"},
    "ReferenceRequest": {"speaker": "u-ann"},
    "Repeated": {"repeated": 3},
    "Said": {"speaker": "Ann Abel"},
    "SecretRequest": {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="},
    "SecretView": {
        "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
        "old_until_ms": _NOW_MS + 86_400_000,
    },
    "Sentiment": {"id": f"{_UTTERANCE}/sentiment/tone", "polarity": 0.0},
    "Shortfall": {"counted": 12, "unheard_ms": 900, "untranscribed_ms": 4200},
    "Sighting": {"at_ms": _NOW_MS},
    "Status": {"id": "default/standup/meeting_started"},
    "Tone": {
        "pitch_hz": 195.7,
        "pitch_range_hz": 43.8,
        "energy_db": -24.5,
        "zero_crossing_rate": 1163.5,
        "rate": 4.29,
        "pitch_z": -0.4,
        "energy_z": 0.29,
        "rate_z": 0.56,
    },
    "WebhookPatch": {"events": ["keyword"], "phrases": ["action item"], "description": "the task board"},
    "WebhookView": {
        "id": "wh_4c1f0a7be2d94d0fa15b22c7",
        "url": "https://example.org/hooks/hubbub",
        "events": ["transcript.final", "highlight"],
        "meetings": ["weekly-*"],
        "categories": [],
        "phrases": [],
        "created_at_ms": 1795300000000,
        "enabled": True,
        "disabled_reason": None,
        "disabled_at_ms": None,
        "failing_since_ms": None,
        "last_success_ms": 1795386518385,
        "last_error": None,
        "secret": None,
    },
}
"""By the title of the schema; what is not here goes by its name and type."""
