from dataclasses import replace

import pytest
from scripted_meeting import ANN, BOB, MEI, STARTED_AT_MS, spread, utterance_results

from common.identity import Speaker
from common.results import Transcript
from workers.gateway.exports import EXPORTS
from workers.gateway.exports.cues import MAX_CHARACTERS, MAX_MS, cues
from workers.gateway.transcript import TranscriptDocument, Utterances

HOSTILE = (
    "<img src=x onerror=alert(1)>\n\n00:00:09.000 --> 00:00:10.000\u2028{\\an8}*[x](javascript:y)*\u202etxt"
)


def line(speaker: Speaker, start_ms: int, text: str, status: str = "final") -> Transcript:
    words = spread(text, start_ms)
    return Transcript(
        id=f"t{start_ms}",
        tenant="default",
        meeting="standup",
        track=speaker.id,
        speaker=speaker,
        utterance=f"u{start_ms}",
        start_ms=start_ms,
        end_ms=words[-1].end_ms,
        status=status,
        text=text,
        stable=text,
        words=words if status == "final" else (),
    )


def document(*lines: Transcript, ended: bool = True) -> TranscriptDocument:
    return TranscriptDocument(
        meeting="standup", started_at_ms=STARTED_AT_MS, ended=ended, as_of="7-0", lines=lines, open=()
    )


def export(extension: str, *lines: Transcript) -> str:
    return EXPORTS[extension][1](document(*lines))


TALK = (
    line(ANN, 800, "Is R&D < 5% done?"),
    line(BOB, 3_723_004, "Yes."),
    replace(line(MEI, 3_724_000, "unknown", "lost"), text="", words=()),
)


def test_webvtt_has_voices_and_word_times() -> None:
    assert export("vtt", *TALK) == (
        "WEBVTT\n\n"
        "00:00:00.800 --> 00:00:02.170\n"
        "<v Ann Abel>Is <00:00:01.080>R&amp;D <00:00:01.360>&lt; <00:00:01.640>5% <00:00:01.920>done?\n\n"
        "01:02:03.004 --> 01:02:03.254\n<v Bob Okoro>Yes.\n\n"
        "01:02:04.000 --> 01:02:04.250\n<v Mei Lin>[not transcribed]\n"
    )


def test_subrip_counts_cues_and_names_speakers() -> None:
    assert export("srt", *TALK) == (
        "1\n00:00:00,800 --> 00:00:02,170\nAnn Abel: Is R&D \u2039 5% done?\n\n"
        "2\n01:02:03,004 --> 01:02:03,254\nBob Okoro: Yes.\n\n"
        "3\n01:02:04,000 --> 01:02:04,250\nMei Lin: [not transcribed]\n"
    )


def test_text_is_a_line_per_utterance() -> None:
    assert export("txt", *TALK) == (
        "[00:00:00] Ann Abel: Is R&D < 5% done?\n"
        "[01:02:03] Bob Okoro: Yes.\n"
        "[01:02:04] Mei Lin: [not transcribed]\n"
    )


def test_markdown_joins_what_a_speaker_says_in_one_turn() -> None:
    assert export(
        "md", line(ANN, 0, "First."), line(ANN, 2000, "See www.x.y at a_b."), line(BOB, 9000, "Yes.")
    ) == (
        "# standup\n\n*2025-10-09 08:53 UTC*\n\n"
        "**Ann Abel** (00:00:00): First. See www\\.x.y at a\\_b.\n\n"
        "**Bob Okoro** (00:00:09): Yes.\n"
    )


@pytest.mark.parametrize("extension", EXPORTS)
def test_a_speakers_name_cannot_break_out_of_its_line(extension: str) -> None:
    hostile = line(Speaker("h", HOSTILE), 1000, "Hello.")
    plain = line(Speaker("h", "Ann"), 1000, "Hello.")
    written, expected = export(extension, hostile), export(extension, plain)
    assert written.count("\n") == expected.count("\n")
    assert "\u202e" not in written
    if extension in {"vtt", "srt"}:
        assert written.count("-->") == expected.count("-->")


@pytest.mark.parametrize("extension", EXPORTS)
def test_a_spoken_text_cannot_break_out_of_its_line(extension: str) -> None:
    said = replace(line(ANN, 1000, "x"), text=HOSTILE, words=())
    assert export(extension, said).count("\n") == export(extension, line(ANN, 1000, "x")).count("\n")


@pytest.mark.parametrize("extension", ["vtt", "srt", "md"])
def test_tags_in_names_and_words_lose_their_meaning(extension: str) -> None:
    written = export(extension, line(Speaker("h", "<b>Eve</b>"), 0, "<script>alert(1)</script> {\\an8}"))
    assert "<b>" not in written.replace("\\<b", "")
    assert "<script>" not in written.replace("\\<script", "")
    assert "{" not in written or extension != "srt"


def test_long_utterances_become_cues_that_can_be_read() -> None:
    talk = line(ANN, 0, " ".join(f"word{i}" for i in range(60)))
    found = cues([talk])
    assert [word for cue in found for word in cue.words] == list(talk.words)
    assert all(len(cue.text) <= MAX_CHARACTERS and cue.end_ms - cue.start_ms <= MAX_MS for cue in found)


def test_cues_are_in_order_of_start_though_people_talk_at_once() -> None:
    long = line(ANN, 0, " ".join(f"word{i}" for i in range(60)))
    starts = [cue.start_ms for cue in cues([long, line(BOB, 3000, "Yes, yes.")])]
    assert starts == sorted(starts)


def test_a_final_text_is_not_taken_back() -> None:
    first, *partials, final = [r for r in utterance_results(1) if isinstance(r, Transcript)]
    utterances = Utterances()
    for result in (first, final, *partials):
        utterances.add(result)
    assert utterances.settled() == (final,)
    assert utterances.open() == ()


def test_a_deferred_utterance_is_replaced_when_it_is_transcribed() -> None:
    deferred = line(ANN, 0, "?", "deferred")
    late = replace(deferred, status="final", text="Hello.", backfilled=True)
    utterances = Utterances()
    utterances.add(deferred)
    assert utterances.settled() == (deferred,)
    utterances.add(late)
    assert utterances.settled() == (late,)
