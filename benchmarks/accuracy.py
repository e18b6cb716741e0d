"""Word error rate of the whole pipeline, beside faster-whisper on the same weights, in one run.

    python -m benchmarks.accuracy --manifest ../shared/speech/asr/manifest.jsonl --live 2

Rows: faster-whisper with beam 5 and full context on whole clips (the reference); `hubbub
transcribe` at the settings `full` and `busy`, without partial captions, as it runs by itself;
with `--live N`, the same files played in real time as N meetings, each with all files in another
order, at the quality the load allows. Words are counted after Whisper's English normaliser.
Processor time of the reference is that of its process while it transcribes; Hubbub's is that of
its emitter and asr processes meanwhile.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.wer import Clip, Row, count, faster_whisper, machine, measure, print_rows, read_clips
from common.audio import SAMPLE_RATE, ms_to_samples
from common.results import Transcript
from ingest.player.programme import compose
from ingest.player.recordings import find_clips, load
from ingest.transcribe import UNHURRIED
from tests.system.kit import HUBBUB, System, finals, play, running_system
from workers.engines.whisper_weights import BUNDLED, find_weights

PAUSE_MS = 2000
TRANSCRIBERS = ("asr", "emitter")


def transcribed(manifest: Path, clips: Sequence[Clip], quality: str, threads: int) -> Row:
    """What `hubbub transcribe --json` says, with the quality pinned."""
    with tempfile.TemporaryDirectory() as folder:
        pinned = {"HUBBUB_EMITTER__QUALITY": quality, "HUBBUB_EMITTER__THREADS": str(threads)}
        settings = UNHURRIED | pinned
        with running_system(Path(folder) / "log", **settings) as system:
            before = cpu_s(system)
            command = [str(HUBBUB), "transcribe", str(manifest), "--json", "--redis", system.redis]
            lines = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()
            used = cpu_s(system) - before
    texts = [json.loads(line)["text"] for line in lines]
    return Row(f"transcribe, {quality}", *count(clips, texts), [used])


def live(manifest: Path, clips: Sequence[Clip], meetings: int) -> list[Row]:
    """What meetings in real time came to, one row each."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, running_system(Path(folder) / "log") as system:
        flags = ["--meetings", str(meetings), "--format", "binary", "--pause-ms", str(PAUSE_MS)]
        if play(system, [manifest], "live", *flags).wait() != 0:
            raise SystemExit("hubbub simulate failed")
        for number in range(meetings):
            heard = finals(system.finished(f"live-{number}"))
            texts = by_clip(manifest, heard, number)
            rows.append(Row(f"live, meeting {number + 1} of {meetings}", *count(clips, texts), [0.0]))
    return rows


def by_clip(manifest: Path, heard: Sequence[Transcript], first: int) -> list[str]:
    """The text of each clip, where clip `first` was played first: of the finals that lie in it."""
    programme = compose([load(clip) for clip in find_clips([manifest])], rate=SAMPLE_RATE, pause_ms=PAUSE_MS)
    segments = programme.rotated(2 * first).segments
    texts: list[str] = []
    start = 0
    for clip, pause in zip(segments[::2], segments[1::2], strict=True):
        end = start + len(clip.pcm) + len(pause.pcm)
        texts.append(" ".join(f.text for f in heard if start <= middle(f) < end))
        start = end
    return [*texts[len(texts) - first :], *texts[: len(texts) - first]]


def middle(final: Transcript) -> int:
    """Pre-roll and padding reach into the pauses; the middle of an utterance does not."""
    return ms_to_samples(final.start_ms + final.end_ms) // 2


def cpu_s(system: System) -> float:
    """Processor time that the transcribing pools have used."""
    return sum(report.cpu_s for report in system.reports() if report.pool in TRANSCRIBERS)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--manifest", type=Path, required=True, help="JSON lines with file, text, set")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--live", type=int, default=0, metavar="N", help="also play as N live meetings")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    clips = read_clips(options.manifest)
    seconds = sum(len(clip.samples) for clip in clips) / SAMPLE_RATE
    reference = faster_whisper(str(find_weights(BUNDLED)), options.threads, word_times=False)
    rows = measure(clips, {"faster-whisper, beam 5, full context": reference}, rounds=1)
    for quality in ("full", "busy"):
        rows.append(transcribed(options.manifest, clips, quality, options.threads))
    if options.live:
        rows += live(options.manifest, clips, options.live)
    print(f"{len(clips)} clips, {seconds:.0f} s; {machine(options.threads)}\n")
    print_rows(rows, seconds)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) | {"wer": row.wer} for row in rows], indent=2))


if __name__ == "__main__":
    main()
