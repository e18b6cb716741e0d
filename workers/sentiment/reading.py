"""Sentiment results from an utterance's sound or words, before the moods are known.

What a source does not tell stays neutral: a tone has no polarity, a text no arousal.
"""

from collections.abc import Sequence

from common.results import Sentiment, Tone, Transcript
from workers.sentiment.baseline import arousal, tone
from workers.sentiment.mood import NEUTRAL
from workers.sentiment.utterance import OpenUtterance


def tone_reading(utterance: OpenUtterance, before: Sequence[Tone]) -> Sentiment | None:
    """How an utterance sounded, against the speaker's tones before; None where it is too short to say."""
    prosody = utterance.prosody()
    if prosody is None:
        return None
    figures = tone(prosody, before)
    return Sentiment(
        id=f"{utterance.id}/sentiment/tone",
        tenant=utterance.track.meeting.tenant,
        meeting=utterance.track.meeting.id,
        track=utterance.track.id,
        speaker=utterance.track.speaker,
        start_ms=utterance.start_ms,
        end_ms=utterance.end_ms,
        utterance=utterance.id,
        source="tone",
        polarity=NEUTRAL.polarity,
        arousal=arousal(figures),
        tone=figures,
        mood=NEUTRAL,
        meeting_mood=NEUTRAL,
    )


def text_reading(transcript: Transcript, polarity: float) -> Sentiment:
    """What the words of a final transcript say."""
    return Sentiment(
        id=f"{transcript.utterance}/sentiment/text",
        tenant=transcript.tenant,
        meeting=transcript.meeting,
        track=transcript.track,
        speaker=transcript.speaker,
        start_ms=transcript.start_ms,
        end_ms=transcript.end_ms,
        utterance=transcript.utterance,
        source="text",
        polarity=round(polarity, 3),
        arousal=NEUTRAL.arousal,
        tone=None,
        mood=NEUTRAL,
        meeting_mood=NEUTRAL,
    )
