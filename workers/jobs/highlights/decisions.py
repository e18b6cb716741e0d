"""Decisions: what the meeting says it has settled."""

from workers.jobs.highlights.wording import any_of, any_word, compiled

_SETTLED = any_word("decided agreed settled chosen opted")
_GOING_WITH = any_of("go with", "stick with", "stay with", "proceed with")
_DECISION = compiled(
    (
        rf"\bwe(?:'ve| have)?(?: all| now| just)? {_SETTLED}(?: that| to| on| for| against|,)",
        r"\bwe(?:'re| are) (?:going|sticking|staying) with\b",
        rf"\b(?:we'll|we will|let's) {_GOING_WITH}\b",
        r"\blet's go ahead (?:with|and)\b",
        r"\b(?:the|our|final) (?:final )?decision (?:is|was)\b",
        r"\b(?:it|that)(?:'s| is| was) (?:decided|settled|agreed)\b",
        r"\b(?:it|that|this) (?:has been|is now) (?:decided|approved|agreed)\b",
        r"\b(?:proposal|budget|plan|design|request) (?:is|has been|was) (?:approved|accepted|rejected)\b",
        r"\bdecision made\b",
        r"\bwe(?:'re| are) (?:all )?(?:agreed|in agreement) (?:that|on|to)\b",
        r"^(?:(?:ok|okay|so|then|great|all right|alright|good|fine|right),? )*(?:agreed|decided|settled)"
        r"(?: then)?[,:;.-]+ (?:so |then )?(?:we|let's|it|the|no)\b",
    )
)
_OPEN = any_of(
    "haven't", "hasn't", "not", "never", "didn't", "isn't", "until", "once", "before", "after", "if",
    "unless", "whether", "when", "should", "need to", "have to", "must", "might", "may", "could", "would",
    "can't", "cannot", "wish", "wait", "assuming", "suppose", "maybe", "perhaps", "why", "what", "how",
)  # fmt: skip
_UNDECIDED = compiled(
    (
        rf"\b{_OPEN} (?:[\w']+ ){{0,4}}?(?:decid|agree|settl|approv|go with|going with|stick with|decision)",
        rf"\blet's {_GOING_WITH} (?:\w+ ){{0,2}}(?:first|next|questions?|agenda|presentation|demo)\b",
        r"\b(?:agreed|decided) to disagree\b",
        r"\bthe decision (?:is|was) (?:still|not|up to|yours|theirs|pending|hard|open|about)\b",
    )
)


def is_decision(text: str) -> bool:
    """Whether a sentence says that something is settled now."""
    return not text.endswith("?") and bool(_DECISION.search(text)) and not _UNDECIDED.search(text)
