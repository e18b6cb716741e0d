"""By when something is to be done, in the words that were said."""

import re

from workers.jobs.highlights.wording import any_of, any_word

_DAY = any_word("monday tuesday wednesday thursday friday saturday sunday")
_MONTH = any_word("january february march april may june july august september october november december")
_ORDINAL = r"\d{1,2}(?:st|nd|rd|th)?"
_NUMBER = any_of(r"\d+", any_word("an a one two three four five six seven ten"), "a few", "a couple of")
_PERIOD = any_word("day week month quarter year sprint weekend")
_PART_OF_DAY = "(?: (?:morning|afternoon|evening|night|at noon|noon))?"
_HOUR = any_of(
    "noon", "midnight", "lunch", "lunchtime", r"\d{1,2}:\d\d(?:\s?[ap]\.?m\b)?", r"\d{1,2}\s?[ap]\.?m\b",
    r"\d{1,2} o'clock",
)  # fmt: skip
_EVENT = (
    r"(?:the|our|your) (?:next |first )?"
    + any_word("release launch demo meeting call review deadline go-live standup stand-up conference audit")
    + r"\b"
)
_DATE = any_of(
    rf"{_MONTH} (?:the )?{_ORDINAL}", rf"(?:the )?{_ORDINAL}(?: of)? {_MONTH}", r"the \d{1,2}(?:st|nd|rd|th)"
)
_END = "(?:the )?(?:end|middle|close) of " + any_of(
    "business", "play", f"(?:the |this |next )?{any_of(_PERIOD, _MONTH)}"
)
_NEXT = f"(?:this|next|coming) {any_of(_PERIOD, _DAY, 'morning', 'afternoon', 'evening')}"
_POINT = any_of(
    _END, r"EO[DW]\b", r"COB\b", _DATE, f"(?:this |next |coming )?{_DAY}{_PART_OF_DAY}",
    f"tomorrow{_PART_OF_DAY}",
    "tonight", "today", _NEXT, _MONTH, _EVENT, _HOUR,
)  # fmt: skip
_DUE = re.compile(
    r"\b"
    + any_of(
        f"{any_of('by', 'before', 'until', 'till', 'no later than', 'on')} {_POINT}(?: at {_HOUR})?",
        f"for (?:this |next )?{_DAY}{_PART_OF_DAY}",
        f"(?:deadline is|due|due on|due by) (?P<point>{_POINT})",
        f"(?:in|within) (?:the next )?{_NUMBER} (?:minute|hour|day|week|month)s?",
        f"(?:first thing )?{any_of('tomorrow' + _PART_OF_DAY, _NEXT)}",
        "(?:later )?(?:today|tonight)",
        f"first thing (?:on )?{_DAY}",
        "as soon as possible",
        r"asap\b",
        "(?:right )?after (?:this|the|our) (?:call|meeting)",
    ),
    re.IGNORECASE,
)  # fmt: skip


def due_words(text: str) -> str:
    """The first words that name a time to be met; empty where there are none."""
    found = _DUE.search(text)
    return (found["point"] or found.group()).strip(" ,.;") if found else ""
