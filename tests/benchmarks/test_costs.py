import json

import pytest

from benchmarks.capacity import arguments, check, plans
from benchmarks.capacity_model import Costs
from benchmarks.costs import Taken, costs, margins_ms
from benchmarks.live import Spoken
from common.identity import Speaker
from common.results import Transcript
from common.settings import load_settings

POOLS = ("ingest", "vad", "asr", "emitter", "keyword", "sentiment", "gateway", "jobs")
REDIS = ("processors", "commands", "in_bytes", "out_bytes", "result_bytes")


def transcript(text, end_ms, *, start_ms=0):
    return Transcript(
        id=f"{start_ms}/{end_ms}",
        tenant="default",
        meeting="weekly",
        track="ann",
        speaker=Speaker("ann", "Ann"),
        start_ms=start_ms,
        end_ms=end_ms,
        utterance=str(start_ms),
        status="partial",
        text=text,
        stable="",
    )


def test_a_margin_lies_between_the_text_that_shows_a_word_and_the_one_before():
    words = [Spoken("red", 400), Spoken("green", 900), Spoken("blue", 1600)]
    results = [
        transcript("red", 500),
        transcript("red grey", 1000),
        transcript("red green", 1200),
        transcript("blue", 1900, start_ms=1300),
    ]
    assert margins_ms(results, words) == pytest.approx([350 - 400, 1100 - 900, 1750 - 1600])


def taken(meetings, load):
    by_pool = dict.fromkeys(POOLS, 0.01 + meetings * load)
    return vars(Taken(meetings, 32, by_pool, by_pool, dict.fromkeys(REDIS, 1 + meetings * load)))


@pytest.fixture
def measured():
    parts = {
        "rest": taken(0, 0),
        "silent": taken(2, 0.002),
        "several": taken(4, 0.02),
        "one": taken(1, 0.3)
        | {"heard": {"partial_ms": 90, "margins_ms": [0, 100, 400], "utterance_ms": 4000}},
        "batches": {name: {"first_ms": 40.0, "further_ms": 15.0} for name in ("partial", "final", "quick")},
    }
    return Costs.read(json.loads(json.dumps(costs(parts))))


def test_what_a_meeting_costs_is_what_it_adds_to_a_system_at_rest(measured):
    assert measured.processors["vad"].idle == pytest.approx(0.01)
    assert measured.processors["vad"].silent == pytest.approx(0.002)
    assert measured.processors["vad"].speaking == pytest.approx(0.02)
    assert measured.processors["emitter"].speaking == pytest.approx(0.3)
    assert measured.redis.commands.speaking == pytest.approx(0.02)
    assert measured.transit_ms == 50


def test_what_was_measured_leads_to_a_plan(measured, options):
    small, large = plans(measured, options, load_settings())
    assert small.processes["ingest"] == 1
    assert large.processes["emitter"] > 1
    assert large.processors > 1000 * len(POOLS) * (0.2 * 0.002 + 0.8 * 0.02)


@pytest.fixture
def options(monkeypatch):
    monkeypatch.setattr("sys.argv", ["capacity", "--costs", "costs.json", "--meetings", "2", "1000"])
    return arguments()


def test_each_measured_point_is_set_beside_its_prediction(measured):
    clocks = {"word": [200, 500, 900], "partial": [150, 300, 400], "final": [900, 1000, 1100]}
    live = [{"meetings": n, "level": level, "latency": clocks} for n, level in ((1, 0), (4, 1), (16, 2))]
    compared = check(measured, live, processors=2)
    assert [(row.meetings, row.clock) for row in compared[:4]] == [
        (1, "word"),
        (1, "partial"),
        (1, "final"),
        (4, "word"),
    ]
    assert compared[0].measured_ms == (200, 500)
    assert all(0 < row.predicted_ms[0] <= row.predicted_ms[1] for row in compared[:6])
