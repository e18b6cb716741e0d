"""A conversation as results on a stream, and a shard in memory that can be made to crash."""

from dataclasses import dataclass, field, replace

from common.commit import OwnedShard
from common.identity import Meeting, Speaker
from common.results import Activity, Highlight, Mood, Result, Sentiment, Status, Tone, Transcript
from common.settings import HighlightSettings
from common.stage import Acknowledge, Append, Entry, EntryId, Stream
from common.streams.leases import Lease
from workers.jobs.highlights.stage import HighlightStage

MEETING = Meeting("default", "weekly")
STARTED_MS = 1_760_000_000_000
CALM = Mood(0, 0.5)


def _common(who: str, start_ms: int, end_ms: int, meeting: Meeting) -> dict:
    return {
        "tenant": meeting.tenant,
        "meeting": meeting.id,
        "track": who.lower(),
        "speaker": Speaker(who.lower(), who),
        "start_ms": start_ms,
        "end_ms": end_ms,
        "emitted_at_ms": STARTED_MS + end_ms,
    }


def speaks(who: str, at_s: float, *, meeting: Meeting = MEETING) -> Activity:
    """Somebody begins to speak."""
    at_ms = round(at_s * 1000)
    utterance = f"{who}-{at_ms}"
    return Activity(
        id=f"{utterance}/activity/speaking", state="speaking", utterance=utterance,
        **_common(who, at_ms, at_ms, meeting),
    )  # fmt: skip


def says(
    who: str, at_s: float, text: str, *, meeting: Meeting = MEETING, status: str = "final"
) -> Transcript:
    """What he said, a third of a second a word."""
    at_ms = round(at_s * 1000)
    utterance = f"{who}-{at_ms}"
    return Transcript(
        id=f"{utterance}/transcript/{status}", status=status, text=text, stable=text, utterance=utterance,
        **_common(who, at_ms, at_ms + 333 * len(text.split()), meeting),
    )  # fmt: skip


def feels(said: Transcript, polarity: float) -> Sentiment:
    """What the words of an utterance say."""
    return Sentiment(
        id=f"{said.utterance}/sentiment/text", source="text", polarity=polarity, arousal=0.5, tone=None,
        mood=CALM, meeting_mood=CALM, utterance=said.utterance,
        **_common(said.speaker.name, said.start_ms, said.end_ms, MEETING),
    )  # fmt: skip


def sounds(said: Transcript, *, arousal: float, energy_z: float) -> Sentiment:
    """How an utterance sounds."""
    tone = Tone(180, 60, -20, 2000, 4, 0.5, energy_z, 0.5)
    return replace(
        feels(said, 0), id=f"{said.utterance}/sentiment/tone", source="tone", arousal=arousal, tone=tone
    )


def ends(at_s: float) -> Status:
    """The meeting is over."""
    at_ms = round(at_s * 1000)
    common = _common("", at_ms, at_ms, MEETING)
    return Status(id="ended", event="meeting_ended", started_at_ms=STARTED_MS, **{**common, "track": ""})


@dataclass
class Shard:
    """Delivers entries page by page, and commits what comes back, all or none."""

    page: int = 1000
    entries: list[Entry] = field(default_factory=list)
    done: set[EntryId] = field(default_factory=set)
    found: list[Highlight] = field(default_factory=list)
    read: int = 0
    now_ms: int = STARTED_MS
    owned: OwnedShard = field(default_factory=lambda: _owned({}))
    stage: HighlightStage = field(default_factory=lambda: HighlightStage(HighlightSettings()))

    def put(self, *results: Result) -> None:
        """Each at the time it was emitted, or right after the one before."""
        for result in results:
            self.now_ms = max(self.now_ms, result.emitted_at_ms)
            entry_id = EntryId(0, Stream.RESULTS, f"{self.now_ms}-{len(self.entries)}")
            self.entries.append(Entry(entry_id, result))

    def run(self, crashes: dict[int, str] | None = None) -> list[Highlight]:
        """Read all there is; `crashes` says at which turn the process dies before or after its commit."""
        turn = 0
        while self.read < len(self.entries):
            self.turn((crashes or {}).get(turn, ""))
            turn += 1
        return self.found

    def turn(self, crash: str = "") -> None:
        page = self.entries[self.read : self.read + self.page]
        step = self.stage.process(page, self.now_ms)
        if crash != "before":
            self.read += len(page)
            self._commit(step.effects)
        if crash:
            self._take_over()

    def tick(self, after_s: float) -> None:
        """Time passes and nothing comes."""
        self.now_ms += round(after_s * 1000)
        self._commit(self.stage.process([], self.now_ms).effects)

    @property
    def pending(self) -> list[Entry]:
        return [entry for entry in self.entries[: self.read] if entry.id not in self.done]

    def _commit(self, effects) -> None:
        reached = {}
        for effect in effects:
            if isinstance(effect, Acknowledge):
                assert effect.entry not in self.done
                self.done.add(effect.entry)
            elif isinstance(effect, Append) and self.owned.is_new(effect.at):
                self.found.append(effect.message)
                reached[effect.at.key] = effect.at.value
        self.owned.watermarks.update(reached)

    def _take_over(self) -> None:
        """Another process replays what is pending."""
        self.owned = _owned(self.owned.watermarks)
        self.stage = HighlightStage(HighlightSettings())
        self._commit(self.stage.process(self.pending, self.now_ms).effects)


def _owned(watermarks: dict[str, int]) -> OwnedShard:
    return OwnedShard(Lease(0, 1), watermarks=dict(watermarks), reached={}, replaying={})


def highlights(*results: Result) -> list[tuple[str, str]]:
    """Kind and text of what is found in a conversation."""
    shard = Shard()
    shard.put(*results)
    return [(one.kind, one.text) for one in shard.run()]
