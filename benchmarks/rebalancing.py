"""How many shards move when members of a pool come and go, and what it takes to find out which.

    python -m benchmarks.rebalancing

`sticky` is what members do, `by weight` what they do beside one of an older version: hand out all shards
again, by rendezvous hashing with a cap. One that restarts leaves, and comes when its shards have been taken.
One is replaced by another that has just come when it leaves. `decided` is the last decision of these.
"""

import argparse
import time
from collections.abc import Iterable

import msgpack

from benchmarks.machine import machine_line
from common.assignment import Standing, assign

SIZES = ((32, 4), (32, 12), (512, 32), (4096, 256))
Shares = dict[str, tuple[int, ...]]


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(prog="python -m benchmarks.rebalancing", description=__doc__).parse_args()
    print(machine_line(["msgpack"]))
    print(
        "| shards | members | | comes | goes | restarts | replaced | share | decided in, ms | said, bytes |"
    )
    print("|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|")
    for shards, members in SIZES:
        names = [f"worker-{i}" for i in range(members)]
        for sticky in (True, False):
            _print_row(shards, names, sticky=sticky)


def _print_row(shards: int, names: list[str], *, sticky: bool) -> None:
    before = _assigned(shards, dict.fromkeys(names, ()), (), sticky=True)
    comes = _assigned(shards, {**before, "new": ()}, (), sticky=sticky)
    goes = _assigned(shards, _without(before, names[0]), (), sticky=sticky)
    back = _assigned(shards, {**goes, "new": ()}, (), sticky=sticky)
    beside = _assigned(shards, {**before, "new": ()}, ("new",), sticky=sticky)
    began = time.perf_counter()
    instead = _assigned(shards, _without(beside, names[0]), ("new",), sticky=sticky)
    decided_ms = 1000 * (time.perf_counter() - began)
    counts = [
        _moved(before, comes),
        _moved(before, goes),
        _moved(before, goes) + _moved(goes, back),
        _moved(before, beside) + _moved(beside, instead),
        len(before[names[0]]),
    ]
    said = sum(len(name) + len(msgpack.packb(held)) + 1 for name, held in before.items()) if sticky else 0
    way = "sticky" if sticky else "by weight"
    moves = " | ".join(map(str, counts))
    print(f"| {shards} | {len(names)} | {way} | {moves} | {decided_ms:.1f} | {said or ''} |")


def _assigned(shards: int, held: Shares, newcomers: Iterable[str], *, sticky: bool) -> Shares:
    """Who holds what in the end; what a member takes comes behind what it had."""
    known = {name: Standing(shares, name in newcomers) for name, shares in held.items()}
    after = assign(shards, known if sticky else dict.fromkeys(held))
    return {
        name: (*(n for n in held[name] if n in share), *sorted(share.difference(held[name])))
        for name, share in after.items()
    }


def _without(held: Shares, name: str) -> Shares:
    return {other: shares for other, shares in held.items() if other != name}


def _moved(before: Shares, after: Shares) -> int:
    owners = {shard: name for name, shares in before.items() for shard in shares}
    return sum(owners.get(shard) != name for name, shares in after.items() for shard in shares)


if __name__ == "__main__":
    main()
