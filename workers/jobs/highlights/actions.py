"""Action items: somebody is to do something. Rules want a verb of work, and words that bind somebody.

Meetings are full of "we should" and "I'll see"; what matches is what one would write down.
"""

import re
from dataclasses import dataclass

from workers.jobs.highlights.due import due_words
from workers.jobs.highlights.wording import any_of, any_word, compiled, ignoring_case

_VERBS = any_word(
    """add address arrange assemble assign book build call cancel change chase check circulate clean close
    collect compile complete configure confirm contact coordinate create deliver deploy design document draft
    email e-mail escalate estimate file finalize finalise finish fix follow-up forward gather handle implement
    inform install investigate invite measure merge message migrate move notify order organize organise ping
    plan post prepare present print propose publish push record refactor release remind remove rename replace
    reproduce request research reschedule resolve respond restart revert review revise rewrite schedule send
    share ship submit summarize summarise test track transfer translate update upgrade upload verify write"""
)
_PHRASES = any_of(
    r"ask (?!you\b|me\b)", "find out", "follow up", "get back", "get in touch",
    r"get (?:the|a|an|you|them) \w+", "look (?:into|after|at) (?:it|that|this|the)", "make (?:a|the|sure|an)",
    "open (?:a|the|an)",
    "pick (?:it|that|this) up", "pull together", "put together", "reach out", "report back",
    "roll (?:back|out)", "run (?:the|a|it)", "set up", "sign off", "sort (?:out|it|that|this)", "sync with",
    "take (?:care of|ownership|over|it|that|this|the)", "talk to",
    "tell (?:the|them|him|her)", "turn (?:on|off|it)",
    "work (?:on|with)",
)  # fmt: skip
_WORK = ignoring_case(rf"{any_of(_VERBS, _PHRASES)}\b")
_LIGHT = r"(?i:(?:also|just|then|definitely|quickly|personally|please|actually|happily|go ahead and) )*"
_DO = _LIGHT + _WORK
_NOT_A_NAME = any_word(
    """I It This That These Those There The We You They He She What Who Which When Where Why How If So And But
    Or Then Now Yes Yeah Yep No OK Okay Well Sure Right Great Good Thanks Also Maybe Nobody Nothing Everyone
    Everybody Everything Someone Somebody Something Anyone Anybody One Our My Your Their His Her Its A An Let
    Please Because After Before People Users Customers Once Hopefully Perhaps Today Tomorrow Next Whoever Not
    All Some Most Only Either Neither Each Both Until While Alright Actually Basically Honestly Sorry Hi Hey
    Hello Nope Exactly Absolutely Perfect Cool Anyway First Second Finally Monday Tuesday Wednesday Thursday
    Friday Saturday Sunday January February March April June July August September October November
    December"""
)
_NAME = rf"(?P<name>(?!{_NOT_A_NAME}\b)[A-Z][\w'-]+(?: (?!{_NOT_A_NAME}\b)[A-Z][\w'-]+)?)"
_OPENING = r"(?i:so|and|okay|ok|then|thanks|great|also|alright|all right|right|good|cool|well)"
_BEGINNING = rf"(?:^|[,;:] |\b{_OPENING},? )(?:[Hh]ey )?"

_COMMITTED = re.compile(
    any_of(
        rf"(?:^|[,;:-] |\b(?i:and|so|then|but|ok|okay|sure|yes|yeah) )"
        rf"(?:I'll|I will|I'm going to|I am going to|I can|I'm gonna) {_DO}",
        r"\b(?i:let me) (?i:get back to|follow up|send|take (?:that|this|it))\b",
        r"\b(?:I'll|I can|I will) (?:take|own|handle|do|grab) (?:that|this|it)(?: one| on)?\b",
        r"\b(?i:leave) (?:that|this|it) (?:to|with) me\b",
        r"\b(?i:that's) on me\b",
    )
)
_ADDRESSED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_BEGINNING}{_NAME}, (?i:can|could|would|will) you {_DO}",
        rf"\b(?i:can|could|would|will) you {_DO}[^?]*, {_NAME}\?",
        rf"{_BEGINNING}{_NAME}, (?:(?:please|you'll|you will|you should|I need you to) )+{_DO}",
        rf"\b(?i:let's have|let's get|we'll have|I'll have|I'd like|we need) {_NAME} (?:to )?{_DO}",
        rf"{_BEGINNING}{_NAME} (?:will|is going to|is gonna) {_DO}",
        rf"{_BEGINNING}{_NAME} (?:should|needs to|has to|must) {_DO}",
        rf"\b(?i:assign|give|hand) (?:it|that|this|the \w+)(?: over)? to {_NAME}",
        rf"\b(?i:action item|action point|task|to-do|todo)s? (?:for|is for|goes to) {_NAME}",
        rf"\b(?i:action item|action point|to-do|todo)s?[,:] {_NAME}(?:,| to| will)? {_DO}",
        rf"{_BEGINNING}{_NAME} (?:takes|owns|is taking|will take) (?:it|that|this)(?: one| on)?\b",
    )
)
_REQUESTED = re.compile(
    r"(?:^|[,;] |\b(?:so|and|then) )"
    + any_of(
        "(?:can|could|would|will) you (?:please )?", "please ", "I need you to ",
        "you need to ", "you'll have to ", "don't forget to ", "remember to ", "make sure (?:that )?you ",
    )
    + _DO,
    re.IGNORECASE,
)  # fmt: skip
_PLANNED = re.compile(
    r"\b(?:we (?:need|have) to|we must|we should|we've got to|(?:somebody|someone) (?:has|needs) to|let's) "
    + _DO,
    re.IGNORECASE,
)
_NAMED_SO = re.compile(
    any_of(
        rf"\b(?:action item|action point|to-do|todo)s?(?: is)?[,:]? (?:\w+ )?(?:to )?{_WORK}",
        r"\b(?:that's|that is|this is|as) an action (?:item|point)\b",
        rf"\bnext steps? (?:is|are|would be) to {_WORK}",
    ),
    re.IGNORECASE,
)
_UNBOUND = compiled(
    (
        r"\b(?:if|unless|whenever|in case|imagine|suppose|assuming)\b",
        r"\b(?:wouldn't|won't|never|can't|couldn't|don't have to|didn't)\b",
        r"\b(?:not sure|used to|already|wish|not going to)\b",
        r"\b(?:would|should|could) have\b",
        r"\b(?:share|present) (?:my|your|the) (?:screen|slides)\b",
        r"\b(?:move|get|go|turn) (?:on|ahead)? ?(?:to|with) the next\b",
        r"\bthe (?:next|previous|last|first) (?:slide|topic|item|point|question)\b",
        r"\b(?:said|says|told me|promised|thought|hoped|asked) (?:that )?(?:he|she|they|I|we|you)\b",
        r"\b(?:mute|unmute|make sense|hear me|see my)\b",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Action:
    """What is to be done, by whom and by when as far as that was said; else empty."""

    owner: str
    due: str


NOBODYS = Action("", "")


def action_item(text: str, *, speaker: str) -> Action | None:
    """What a sentence of this speaker binds somebody to, if anything."""
    if _UNBOUND.search(text):
        return None
    due = due_words(text)
    owner = _owner(text, speaker)
    if owner is None and _binds_somebody(text, due):
        owner = ""
    return None if owner is None else Action(owner, due)


def _owner(text: str, speaker: str) -> str | None:
    for rule in _ADDRESSED:
        found = rule.search(text)
        if found:
            return found["name"]
    if not text.endswith("?") and _COMMITTED.search(text):
        return speaker
    return None


def _binds_somebody(text: str, due: str) -> bool:
    """Whether it is to be done, whoever does it. What all of us should do counts with a date alone."""
    if _NAMED_SO.search(text):
        return True
    if _REQUESTED.search(text):
        return bool(due) or not text.endswith("?")
    return bool(due) and not text.endswith("?") and bool(_PLANNED.search(text))
