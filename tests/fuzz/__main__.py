"""`python -m tests.fuzz --seconds N [--target X] [--seed S]`: exit code 1 where something was found.

Each finding is written to the corpus, where the tests try it from then on.
"""

import argparse
import sys
from hashlib import sha256

from tests.fuzz.run import CORPUS, GROWTH_BYTES, Outcome, fuzz
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Targets one after the other."""
    parser = argparse.ArgumentParser(prog="tests.fuzz")
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--target", choices=sorted(TARGETS))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    chosen = [asked.target] if asked.target else sorted(TARGETS)
    return max(_one(name, fuzz(name, seed=asked.seed, seconds=asked.seconds)) for name in chosen)


def _one(name: str, outcome: Outcome) -> int:
    sys.stdout.write(
        f"{name:17} {outcome.cases:9,} cases, {outcome.refused / outcome.cases:4.0%} refused, "
        f"slowest {outcome.slowest_s * 1000:6.1f} ms, grown {outcome.grown_bytes / 1024:6.0f} KiB, "
        f"{len(outcome.findings)} findings\n"
    )
    for finding in outcome.findings:
        path = CORPUS / name / sha256(finding.data).hexdigest()[:16]
        path.write_bytes(finding.data)
        sys.stdout.write(f"  {path.name}: {finding.why}\n")
    return 1 if outcome.findings or outcome.grown_bytes > GROWTH_BYTES else 0


if __name__ == "__main__":
    sys.exit(main())
