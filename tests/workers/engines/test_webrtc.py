import numpy as np
import webrtcvad

from workers.engines.webrtc import FRAME, WebrtcVad


def test_frames_do_not_depend_on_how_audio_is_cut() -> None:
    rng = np.random.default_rng(5)
    loudness = np.repeat(rng.choice([0, 5, 3000], 50), FRAME)
    pcm = (rng.normal(size=50 * FRAME) * loudness).astype("<i2").tobytes()
    reference = webrtcvad.Vad(2)
    whole = [reference.is_speech(pcm[at : at + 640], 16_000) for at in range(0, len(pcm), 640)]
    vad, found = WebrtcVad(2), []
    for at in range(0, len(pcm), 1300):
        found += vad.frames(pcm[at : at + 1300])
    assert found == whole
    assert 0 < sum(whole) < 50
