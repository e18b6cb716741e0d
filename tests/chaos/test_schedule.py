"""Seeds and the faults that they stand for."""

from tests.chaos.faults import DISTURBED, KINDS, POOL_FAULTS, schedule, steady


def test_a_seed_always_stands_for_the_same_faults() -> None:
    assert schedule(7, within_s=5, lease_s=2) == schedule(7, within_s=5, lease_s=1.5)


def test_two_hundred_seeds_bring_every_fault_to_every_pool() -> None:
    faults = [fault for seed in range(200) for fault in schedule(seed, within_s=5, lease_s=2)]
    assert {fault.kind for fault in faults} == set(KINDS)
    assert {(f.kind, f.pool) for f in faults if f.pool} == {(k, p) for k in POOL_FAULTS for p in DISTURBED}


def test_who_is_frozen_is_frozen_for_longer_than_a_lease() -> None:
    frozen = [
        fault.lasts_s
        for seed in range(100)
        for fault in schedule(seed, within_s=5, lease_s=2)
        if fault.kind == "freeze"
    ]
    assert min(frozen) > 2


def test_steady_faults_come_as_often_as_asked_and_only_in_their_time() -> None:
    faults = steady(3, between_s=(60, 660), every_s=10, lease_s=2)
    assert len(faults) == 60
    assert all(60 <= fault.at_s <= 660 for fault in faults)
    assert faults == steady(3, between_s=(60, 660), every_s=10, lease_s=2)


def test_no_kinds_are_no_faults() -> None:
    assert steady(3, between_s=(60, 660), every_s=10, lease_s=2, kinds=()) == ()
