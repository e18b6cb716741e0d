"""`python -m tests.fuzz --seconds N [--target X] [--seed S]`: exit code 1 where something was found.

Each finding is written to the corpus, where the tests try it from then on.
"""

import argparse
import sys
from collections.abc import Sequence
from hashlib import sha256

from tests.fuzz.guided import fuzz_guided, is_available
from tests.fuzz.run import CORPUS, GROWTH_BYTES, Finding, fuzz
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Targets one after the other."""
    parser = argparse.ArgumentParser(prog="tests.fuzz")
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--target", choices=sorted(TARGETS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--engine", choices=["mutation", "atheris"], default="mutation", help="atheris is guided by coverage"
    )
    asked = parser.parse_args()
    if asked.engine == "atheris" and not is_available():
        parser.error("atheris is not installed: pip install atheris")
    chosen = [asked.target] if asked.target else sorted(TARGETS)
    one = _mutated if asked.engine == "mutation" else _guided
    return max([one(name, seed=asked.seed, seconds=asked.seconds) for name in chosen])


def _mutated(name: str, *, seed: int, seconds: float) -> int:
    outcome = fuzz(name, seed=seed, seconds=seconds)
    sys.stdout.write(
        f"{name:17} {outcome.cases:9,} cases, {outcome.refused / outcome.cases:4.0%} refused, "
        f"slowest {outcome.slowest_s * 1000:6.1f} ms, grown {outcome.grown_bytes / 1024:6.0f} KiB, "
        f"{len(outcome.findings)} findings\n"
    )
    _keep(name, outcome.findings)
    return 1 if outcome.findings or outcome.grown_bytes > GROWTH_BYTES else 0


def _guided(name: str, *, seed: int, seconds: float) -> int:
    outcome = fuzz_guided(name, seed=seed, seconds=seconds)
    sys.stdout.write(
        f"{name:17} {outcome.cases:9,} cases, "
        f"{outcome.reached[0]:3} places reached by the corpus, {outcome.reached[1]:3} in the end, "
        f"at most {outcome.peak_mb:4} MiB, {len(outcome.findings)} findings\n"
    )
    _keep(name, outcome.findings)
    return 1 if outcome.findings else 0


def _keep(name: str, findings: Sequence[Finding]) -> None:
    sys.stdout.flush()
    for finding in findings:
        path = CORPUS / name / sha256(finding.data).hexdigest()[:16]
        path.write_bytes(finding.data)
        sys.stdout.write(f"  {path.name}: {finding.why}\n")


if __name__ == "__main__":
    sys.exit(main())
