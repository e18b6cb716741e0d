"""Questions that want an answer, and what does for one."""

from collections.abc import Sequence

from workers.jobs.highlights.actions import action_item
from workers.jobs.highlights.sentences import Sentence
from workers.jobs.highlights.wording import compiled

MIN_WORDS = 4

_MANNERS = compiled(
    (
        r"\b(?:any|other|more) (?:other |more |further )?(?:questions?|comments?|thoughts|feedback)\b",
        r"\banything else\b|\bany(?:one|body) else\b|\bhow (?:are|is) (?:you|everyone|everybody|it going)\b",
        r"\b(?:can|could|do) (?:you|everyone|everybody|anyone)(?: all| guys)? (?:hear|see|read)\b",
        r"\b(?:is|are) (?:everyone|everybody|we all|we|you) (?:here|ready|on mute|muted|back|there)\b",
        r"\bam I (?:audible|muted|on mute|back)\b|\b(?:shall|should|can|could|may) (?:we|I) "
        r"(?:start|begin|move on|continue|go on|get started|share)\b",
        r"\b(?:right|okay|ok|yeah|yes|no|correct|huh|eh|you know|make sense|sound good)\?$",
        r"\b(?:is|are|was|were|does|do|did|wo|ca|have|has)n't (?:it|that|you|we|they|he|she)\?$",
        r"\b(?:you know what|guess what|what's up|how about that|who knows|why not|so what)\b",
        r"\b(?:could|can|would) you (?:please )?(?:repeat|say that|speak up|mute|unmute|go back|hold on)\b",
        r"\b(?:sorry|pardon|excuse me|what do you mean)\b",
    )
)
_NO_ANSWER = compiled(
    (
        r"\b(?:I|we) (?:really |actually |honestly )?(?:don't|do not|wouldn't) (?:really |actually )?know\b",
        r"\b(?:I|we) have no (?:idea|clue)\b|^(?:no|not a) (?:idea|clue)\b|\b(?:nobody|no one) knows\b",
        r"\b(?:I'm|we're|I am|we are) not (?:really |quite |entirely )?sure\b|^not sure\b",
        r"\b(?:good|great|interesting|excellent) question\b",
        r"\b(?:let's|we (?:can|could|should)) (?:take|park|come back to|discuss) (?:it|that|this)\b",
        r"\b(?:we'll|we will|I'd|I would) have to (?:see|check|find out|look|ask)\b|\bhard to (?:say|tell)\b",
        r"\b(?:we|I) (?:still )?need to (?:find|figure) (?:that |this |it )?out\b",
        r"\bremains? (?:open|to be seen)\b",
    )
)
_FILLERS = frozenset(
    ("um", "uh", "hmm", "hm", "mm", "oh", "ah", "er", "erm", "well", "so", "okay", "ok", "sorry", "pardon")
)
_CONFIRMED = compiled((r"^(?:yes|yeah|yep|yup|no|nope|sure|definitely|exactly|correct|absolutely)\b",))


def question_in(said: Sequence[Sentence]) -> Sentence | None:
    """The question that an utterance ends with, if it wants an answer.

    What is followed by the speaker's own statement was no question to the others; courtesies
    and requests are none either.
    """
    asked = None
    for sentence in reversed(said):
        if not sentence.text.endswith("?"):
            break
        if _wants_answer(sentence.text):
            asked = sentence
    return asked


def is_answer(text: str) -> bool:
    """Whether what somebody else says next may answer. A question back does not, nor "no idea"."""
    words = [word for word in text.lower().replace(",", " ").rstrip(".!?").split() if word not in _FILLERS]
    if not words or _NO_ANSWER.search(text):
        return False
    return not text.endswith("?") or bool(_CONFIRMED.search(text))


def _wants_answer(text: str) -> bool:
    if len(text.split()) < MIN_WORDS or _MANNERS.search(text):
        return False
    return action_item(text, speaker="") is None
