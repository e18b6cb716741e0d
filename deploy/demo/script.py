"""What is said in the bundled meeting, by whom, how, and after how long a silence."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a line is said, relative to the voice: factors of pitch, pitch range and duration; gain in dB."""

    mood: str
    pitch: float = 1.0
    pitch_range: float = 1.0
    duration: float = 1.0
    gain_db: float = 0.0


PLAIN = Delivery("neutral")
UPBEAT = Delivery("upbeat", pitch=1.12, pitch_range=1.5, duration=0.98, gain_db=3.0)
UNHAPPY = Delivery("unhappy", pitch=0.94, pitch_range=0.8, duration=1.1, gain_db=-1.5)


@dataclass(frozen=True, slots=True)
class Voice:
    """A speaker: the label a platform would send, and the synthesiser's voice."""

    id: str
    name: str
    engine: str
    duration: float = 1.0


@dataclass(frozen=True, slots=True)
class Line:
    """A turn. `gap_ms` is the silence before it; a negative one makes it overlap the turn before."""

    speaker: str
    gap_ms: int
    text: str
    delivery: Delivery = PLAIN
    keywords: tuple[str, ...] = ()


VOICES = (
    Voice("p-1", "Daniel Hale", "piper:joe"),
    Voice("p-2", "Zoë Martin", "flite:slt", duration=1.05),
    Voice("p-3", "Ross Keller", "flite:rms", duration=1.02),
    Voice("p-4", "Angus Baird", "flite:awb", duration=1.0),
)

LEAD_IN_MS = 1_000
LEAD_OUT_MS = 1_600

LINES = (
    Line("p-1", 0, "Good morning, everyone, and thank you for joining."),
    Line("p-2", 450, "Good morning! It is nice to see you all."),
    Line("p-3", 350, "Hello, everybody."),
    Line(
        "p-1",
        700,
        "We have three topics today: the spring launch, the customer survey, and the budget. "
        "Let's begin with the launch.",
    ),
    Line(
        "p-2",
        600,
        "Sure. The new search page went live on Monday, and it is working very well. Next slide, please.",
        keywords=("next slide",),
    ),
    Line(
        "p-2",
        1_900,
        "I have wonderful news! Our sales grew by forty percent in one week. "
        "That is our best week ever, and I am so proud of this team!",
        UPBEAT,
    ),
    Line("p-3", -260, "Oh, this is fantastic! Congratulations to all of you.", UPBEAT),
    Line("p-1", 500, "Excellent work. What made the difference?"),
    Line("p-2", 650, "People love how fast it is. The page now loads in less than a second."),
    Line(
        "p-1",
        800,
        "Perfect. Next slide. What did the customers tell us in the survey?",
        keywords=("next slide",),
    ),
    Line(
        "p-3",
        1_700,
        "I am afraid this part is bad. Many customers are angry about the payment problems. "
        "One of them said our support was terrible, and I think she is right.",
        UNHAPPY,
    ),
    Line(
        "p-4",
        -300,
        "Yes, I am very disappointed too. It was supposed to be fixed in March, and nothing happened.",
        UNHAPPY,
    ),
    Line("p-1", 900, "Thank you for being honest. How long would a proper fix take?"),
    Line("p-4", 700, "About two weeks, if nobody interrupts me."),
    Line(
        "p-1",
        600,
        "Then this is an action item for you, and the deadline is Friday.",
        keywords=("action item", "deadline"),
    ),
    Line(
        "p-4",
        550,
        "Agreed. I will follow up with the finance team this afternoon.",
        keywords=("follow up",),
    ),
    Line("p-3", 600, "Should we also call the customers who are unhappy?"),
    Line(
        "p-2",
        500,
        "Good idea. Let's schedule a call with them for Thursday.",
        keywords=("let's schedule",),
    ),
    Line(
        "p-1",
        800,
        "The last topic is the budget. Are there any questions about the numbers?",
        keywords=("any questions",),
    ),
    Line(
        "p-1", 2_600, "It seems there are none, so we are done early. Thanks, everyone, and have a great day."
    ),
    Line("p-2", 500, "Thank you, Daniel. Goodbye!"),
    Line("p-3", 400, "See you all on Thursday."),
)
