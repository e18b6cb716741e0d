"""Colours of moods that people with any kind of colour vision can tell apart.

Polarity goes from orange over a light grey to blue, arousal from light to dark violet: ends of
ColorBrewer's PuOr and Purples (Harrower & Brewer 2003).
"""

Colour = tuple[int, int, int]

NEGATIVE: Colour = (202, 91, 10)
NEUTRAL: Colour = (226, 226, 226)
POSITIVE: Colour = (33, 102, 172)
CALM: Colour = (239, 237, 245)
EXCITED: Colour = (74, 20, 134)


def polarity_colour(value: float) -> Colour:
    """Of -1 (bad) to 1 (good)."""
    return _between(NEUTRAL, POSITIVE if value > 0 else NEGATIVE, min(1.0, abs(value)))


def arousal_colour(value: float) -> Colour:
    """Of 0 (calm) to 1 (excited)."""
    return _between(CALM, EXCITED, min(1.0, max(0.0, value)))


def as_hex(colour: Colour) -> str:
    """As web pages write it."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _between(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue
