from random import Random

from hypothesis import given
from hypothesis import strategies as st

from common.assignment import Standing, assign

names = st.lists(st.text("abcdef0123456789-", min_size=1, max_size=8), min_size=1, max_size=8, unique=True)
shards = st.integers(1, 40)


@st.composite
def pools(draw: st.DrawFn) -> tuple[int, dict[str, Standing]]:
    """Members that hold any of the shards, each shard at most one of them, in any order."""
    count, members = draw(shards), draw(names)
    held: dict[str, list[int]] = {member: [] for member in members}
    order = list(range(count))
    Random(draw(st.integers(0, 2**32))).shuffle(order)
    for shard, holder in enumerate(draw(st.lists(st.sampled_from([None, *members]), max_size=count))):
        if holder is not None:
            held[holder].append(order[shard])
    return count, {name: Standing(tuple(held[name]), draw(st.booleans())) for name in members}


def silent(*members: str) -> dict[str, Standing | None]:
    return dict.fromkeys(members)


def moved(members: dict[str, Standing], after: dict[str, set[int]]) -> int:
    """How many shards change hands, those not counted that nobody held."""
    return sum(len(set(standing.held) - after[name]) for name, standing in members.items())


@given(pools())
def test_every_shard_has_one_member(pool: tuple[int, dict[str, Standing]]) -> None:
    count, members = pool
    after = assign(count, members)
    assert sorted(shard for share in after.values() for shard in share) == list(range(count))


@given(pools())
def test_counts_differ_by_at_most_one_and_no_fewer_shards_could_move(
    pool: tuple[int, dict[str, Standing]],
) -> None:
    count, members = pool
    members = {name: Standing(standing.held) for name, standing in members.items()}
    after = assign(count, members)
    assert max(map(len, after.values())) - min(map(len, after.values())) <= 1
    fewer, larger = divmod(count, len(members))
    most = sorted((len(standing.held) for standing in members.values()), reverse=True)
    beyond = [max(0, held - fewer - (i < larger)) for i, held in enumerate(most)]
    assert moved(members, after) == sum(beyond)


@given(pools())
def test_newcomers_take_nothing_from_anybody(pool: tuple[int, dict[str, Standing]]) -> None:
    count, members = pool
    after = assign(count, members)
    held = {shard for standing in members.values() for shard in standing.held}
    for name, standing in members.items():
        if standing.newcomer:
            assert held & after[name] <= set(standing.held)


@given(pools())
def test_what_is_in_order_stays_as_it_is(pool: tuple[int, dict[str, Standing]]) -> None:
    count, members = pool
    members = {name: Standing(standing.held) for name, standing in members.items()}
    after = assign(count, members)
    assert assign(count, {name: Standing(tuple(share)) for name, share in after.items()}) == after


@given(pools())
def test_members_agree_whatever_order_they_see_each_other_in(pool: tuple[int, dict[str, Standing]]) -> None:
    count, members = pool
    assert assign(count, members) == assign(count, dict(reversed(members.items())))


def test_what_came_last_goes_first() -> None:
    after = assign(4, {"first": Standing((2, 0, 3, 1)), "second": Standing()})
    assert after == {"first": {2, 0}, "second": {3, 1}}


def test_a_shard_that_two_say_they_hold_is_taken_from_neither() -> None:
    after = assign(4, {"first": Standing((0, 1)), "second": Standing((1, 2))})
    assert 1 in after["first"]
    assert 1 in after["second"]


@given(shards, names.filter(lambda names: len(names) > 1))
def test_beside_a_member_that_says_nothing_all_do_as_it_does(count: int, members: list[str]) -> None:
    by_weight = assign(count, silent(*members))
    counts = [len(share) for share in by_weight.values()]
    assert sorted(shard for share in by_weight.values() for shard in share) == list(range(count))
    assert max(counts) - min(counts) <= 1
    mixed = {**silent(*members), members[0]: Standing(tuple(range(count)))}
    assert assign(count, mixed) == by_weight


def test_members_of_older_versions_are_understood() -> None:
    """This is what one that says nothing of what it holds computes for the same members."""
    theirs = {"worker-0": {2, 3, 6}, "worker-1": {5, 7}, "worker-2": {0, 1, 4}}
    assert assign(8, silent("worker-0", "worker-1", "worker-2")) == theirs


def test_nobody_holds_anything_where_nobody_is() -> None:
    assert assign(8, {}) == {}
