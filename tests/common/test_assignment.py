from hypothesis import given
from hypothesis import strategies as st

from common.assignment import assign

members = st.lists(st.text("abcdef0123456789-", min_size=1, max_size=8), min_size=1, max_size=12, unique=True)
shards = st.integers(1, 128)


@given(shards, members)
def test_every_shard_has_one_member_and_counts_differ_by_at_most_one(shards: int, members: list[str]) -> None:
    held = assign(shards, members)
    assert sorted(shard for share in held.values() for shard in share) == list(range(shards))
    counts = [len(held[member]) for member in members]
    assert max(counts) - min(counts) <= 1


@given(shards, members)
def test_members_agree_whatever_order_they_see_each_other_in(shards: int, members: list[str]) -> None:
    assert assign(shards, members) == assign(shards, members[::-1])


def test_a_newcomer_takes_its_share_and_few_shards_move_otherwise() -> None:
    before = assign(64, [f"worker-{i}" for i in range(7)])
    after = assign(64, [f"worker-{i}" for i in range(8)])
    moved = sum(len(before[member] - after[member]) for member in before)
    assert len(after["worker-7"]) == 8
    assert moved <= 2 * 8


@given(members.filter(lambda names: len(names) > 1))
def test_who_leaves_costs_the_others_little_more_than_their_new_shards(members: list[str]) -> None:
    before, after = assign(32, members), assign(32, members[1:])
    moved = sum(len(before[member] - after[member]) for member in members[1:])
    assert moved <= 3 * len(before[members[0]]) + 1


def test_nobody_holds_anything_where_nobody_is() -> None:
    assert assign(8, []) == {}
