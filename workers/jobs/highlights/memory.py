"""What is remembered of a meeting's last two minutes, and what follows from it.

Whether a question was answered, and whether an utterance was a strong moment, is known only from
what comes after. So the results that such verdicts rest on are held, and stay unacknowledged,
until they are too old to matter. Old is told by the ids of entries, not by the clock: a replay
sees the same entries in the same order, and comes to the same verdicts at the same entry.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from common.messages import Message
from common.results import Activity, Highlight, Result, Sentiment, Status, Transcript
from common.settings import HighlightSettings
from common.stage import EntryId
from workers.jobs.highlights.finding import bound_and_settled, highlight
from workers.jobs.highlights.questions import is_answer, question_in
from workers.jobs.highlights.sentences import Sentence, sentences

HOLD_MS = 120_000
MAX_HELD = 2000
OVERLAP_MS = 500
"""So early may somebody answer: while the question is not over."""


Holdable = Transcript | Activity | Sentiment | Status


@dataclass(frozen=True, slots=True)
class Held:
    """A result, and where it stands."""

    entry: EntryId
    result: Holdable


@dataclass(frozen=True, slots=True)
class Question:
    """One that wants an answer, and the utterance that it ends."""

    said: Transcript
    sentence: Sentence


class Verdict(Enum):
    """What became of a question."""

    ANSWERED = auto()
    WAITING = auto()
    OPEN = auto()


class MeetingMemory:
    """Takes the results of one meeting in the order of the stream."""

    def __init__(self, settings: HighlightSettings) -> None:
        self._settings = settings
        self._held: deque[Held] = deque()
        self._questions: list[Question] = []
        self._told: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._held)

    def take(self, held: Held) -> list[Highlight]:
        """Remember a result; what follows from it and those before."""
        self._held.append(held)
        found: list[Highlight] = []
        result = held.result
        if isinstance(result, Transcript) and result.status == "final":
            found += bound_and_settled(result)
            found += self._strong(result.utterance)
            self._note_question(result)
        elif isinstance(result, Sentiment):
            found += self._strong(result.utterance)
        return [*found, *self._left_open()]

    def forget(self, before_ms: int) -> list[EntryId]:
        """Let go of what is older than that, by its entry's id, and of what is too much."""
        gone: list[EntryId] = []
        while self._held and (len(self._held) > MAX_HELD or added_ms(self._held[0].entry) < before_ms):
            dropped = self._held.popleft()
            gone.append(dropped.entry)
            utterance = getattr(dropped.result, "utterance", "")
            if isinstance(dropped.result, Transcript):
                self._told.discard(utterance)
                self._questions = [q for q in self._questions if q.said.utterance != utterance]
        return gone

    # Strong moments

    def _strong(self, utterance: str) -> Iterator[Highlight]:
        """An utterance with its text, and a tone or a polarity beyond the ordinary; once."""
        parts = [held.result for held in self._held if getattr(held.result, "utterance", "") == utterance]
        said = next((part for part in parts if isinstance(part, Transcript) and part.status == "final"), None)
        moods = [part for part in parts if isinstance(part, Sentiment)]
        if said is None or utterance in self._told or not any(map(self._is_beyond_ordinary, moods)):
            return
        if len(said.text.split()) >= self._settings.strong_words:
            self._told.add(utterance)
            yield highlight(said, Sentence(said.text, said.start_ms, said.end_ms), "strong_moment")

    def _is_beyond_ordinary(self, mood: Sentiment) -> bool:
        if mood.tone is not None:
            loud = mood.tone.energy_z >= self._settings.strong_energy_z
            return loud and mood.arousal >= self._settings.strong_arousal
        return abs(mood.polarity) >= self._settings.strong_polarity

    # Questions

    def _note_question(self, said: Transcript) -> None:
        """Of a backfilled text, what was said around it may be long forgotten."""
        asked = None if said.backfilled else question_in(sentences(said))
        if asked is not None:
            self._questions.append(Question(said, asked))

    def _left_open(self) -> list[Highlight]:
        """The questions whose time is over; those that were answered are forgotten."""
        found, waiting = [], []
        for question in self._questions:
            verdict = self._verdict(question)
            if verdict is Verdict.OPEN:
                found.append(highlight(question.said, question.sentence, "question"))
            elif verdict is Verdict.WAITING:
                waiting.append(question)
        self._questions = waiting
        return found

    def _verdict(self, question: Question) -> Verdict:
        replies = list(self._replies(question))
        concluded = {reply.utterance for reply in replies if isinstance(reply, Transcript)}
        for reply in replies:
            # A text that is not there may be the answer.
            if isinstance(reply, Transcript) and (reply.status != "final" or is_answer(reply.text)):
                return Verdict.ANSWERED
        if any(reply.utterance not in concluded for reply in replies) or not self._is_over(question):
            return Verdict.WAITING
        return Verdict.OPEN

    def _replies(self, question: Question) -> Iterator[Transcript | Activity]:
        """What others began to say in time; of a single mixed track, whatever was said next."""
        said = question.said
        alone = all(held.result.track in (said.track, "") for held in self._held)
        until_ms = said.end_ms + self._settings.answer_s * 1000
        for held in self._held:
            reply = held.result
            if isinstance(reply, Transcript | Activity) and reply.utterance != said.utterance:
                of_others = alone or reply.track != said.track
                if of_others and said.end_ms - OVERLAP_MS < reply.start_ms <= until_ms:
                    yield reply

    def _is_over(self, question: Question) -> bool:
        """Whether the meeting went on, or ended, without an answer."""
        until_ms = question.said.end_ms + self._settings.answer_s * 1000
        return any(
            held.result.start_ms > until_ms if not isinstance(held.result, Status) else True
            for held in self._held
        )


def added_ms(entry: EntryId) -> int:
    """When an entry was put on its stream (Unix time), by the clock of Redis."""
    return int(entry.id.partition("-")[0])


def holdable(message: Message | Result) -> Holdable | None:
    """A result that a verdict may rest on; None of others."""
    match message:
        case Transcript():
            return None if message.status == "partial" else message
        case Activity():
            return message if message.state == "speaking" else None
        case Status():
            return message if message.event == "meeting_ended" else None
        case Sentiment():
            return message
        case _:
            return None
