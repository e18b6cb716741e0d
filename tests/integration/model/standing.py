"""Streams with their groups anywhere: how far each came, what lies there, and what may be cut."""

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.shelves import ShelfBounds
from tests.integration.model.rig import Rig
from tests.integration.model.shard import INPUT, GroupModel, ShardModel

YEAR_MS = 31_536_000_000
ROOMY = ShelfBounds(max_bytes=2**40, max_age_ms=YEAR_MS)
NO_ROOM = ShelfBounds(max_bytes=1, max_age_ms=YEAR_MS)
NO_TIME = ShelfBounds(max_bytes=2**40, max_age_ms=0)


@st.composite
def shards(draw: st.DrawFn) -> ShardModel:
    """Entries in both streams, and every group somewhere on the way."""
    model = ShardModel()
    for stream in model.added:
        model.added[stream] = draw(st.integers(0, 9))
    for pool, stream in INPUT.items():
        last = draw(st.integers(0, model.added[stream]))
        pending = draw(st.sets(st.integers(1, last), max_size=3)) if last else set()
        model.groups[pool] = GroupModel(last, pending)
    return model


def check_streams(new_rig: Callable[[], Rig], search: settings) -> None:
    """Whatever stands where: what the scripts see and cut is what the model says."""

    @settings(search, suppress_health_check=list(HealthCheck))
    @given(shards())
    def check(model: ShardModel) -> None:
        rig = new_rig()
        try:
            _compare(rig, model)
        finally:
            rig.close()

    check()


def _compare(rig: Rig, model: ShardModel) -> None:
    for stream, count in model.added.items():
        rig.write(stream, count)
    for pool, group in model.groups.items():
        rig.stand(pool, group)
    for pool in ("asr", "keyword"):
        last = model.groups[pool].last
        assert rig.reached(pool) == (last, last)
    lies = model.shelf()
    for bounds, beyond in ((ROOMY, 0), (NO_ROOM, lies and lies[0]), (NO_TIME, lies and lies[0])):
        assert rig.shelf(bounds) == (lies and (lies[0], beyond, lies[1]))
    for pool, stream in INPUT.items():
        rig.trim(pool)
        model.trim(stream)
    assert rig.state() == rig.expected(model)
