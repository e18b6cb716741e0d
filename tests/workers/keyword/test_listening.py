"""Which candidates are looked at together, when, and with how much audio."""

from common.audio import ms_to_samples, samples_to_ms
from workers.engines.spotter import Spotted
from workers.keyword.listening import Listening

NOTICED_MS = 55
Asked = tuple[str, list[str], int]


class Noticing:
    """Notices each phrase a little after its end, once that was pushed."""

    def __init__(self, **end_ms: int) -> None:
        self._coming = sorted((end, phrase) for phrase, end in end_ms.items())
        self._samples = 0
        self.over = False

    def push(self, pcm: bytes) -> None:
        self._samples += len(pcm) // 2

    def finish(self) -> None:
        self.over = True

    def take(self) -> list[Spotted]:
        new = [one for one in self._coming if ms_to_samples(one[0] + NOTICED_MS) <= self._samples]
        self._coming = self._coming[len(new) :]
        return [
            Spotted(phrase, ms_to_samples(end - 400), ms_to_samples(end), ms_to_samples(end + NOTICED_MS))
            for end, phrase in new
        ]


def looks(noticing: Noticing, *, chunk_ms: int = 100) -> list[Asked]:
    """What is asked of two seconds: the look, the phrases, and up to when there is audio."""
    listening = Listening("u", 0, noticing)
    inquiries = []
    for _ in range(2000 // chunk_ms):
        listening.push(bytes(2 * ms_to_samples(chunk_ms)))
        inquiries += listening.inquiries()
    return [
        (one.look, [c.phrase for c in one.candidates], samples_to_ms(one.start + len(one.pcm) // 2))
        for one in inquiries
    ]


def test_a_phrase_is_scored_twice_and_read_twice_if_need_be() -> None:
    assert looks(Noticing(mute=1000)) == [
        ("first", ["mute"], 1060),
        ("second", ["mute"], 1110),
        ("third", ["mute"], 1110),
        ("last", ["mute"], 1230),
    ]


def test_phrases_at_the_same_place_are_read_together() -> None:
    assert looks(Noticing(mute=1000, deadline=1004, agenda=1070)) == [
        ("first", ["mute", "deadline"], 1060),
        ("second", ["mute", "deadline"], 1110),
        ("third", ["mute", "deadline"], 1110),
        ("first", ["agenda"], 1130),
        ("second", ["agenda"], 1180),
        ("last", ["mute", "deadline", "agenda"], 1230),
    ]


def test_a_phrase_after_another_is_read_for_itself() -> None:
    asked = looks(Noticing(mute=1000, deadline=1130))
    assert ("last", ["mute"], 1230) in asked
    assert ("third", ["deadline"], 1240) in asked


def test_how_the_audio_comes_changes_nothing() -> None:
    phrases = {"mute": 1000, "deadline": 1030, "agenda": 1200}
    assert (
        looks(Noticing(**phrases))
        == looks(Noticing(**phrases), chunk_ms=20)
        == looks(Noticing(**phrases), chunk_ms=500)
    )
