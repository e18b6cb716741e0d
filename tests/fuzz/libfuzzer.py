"""`python -m tests.fuzz.libfuzzer TARGET …`: one target under atheris, which ends the process.

Its own process, since only modules that are imported under it are seen, and it never returns.
"""

import sys

import atheris

with atheris.instrument_imports(include=["common", "ingest"]):
    from tests.fuzz.run import try_one
    from tests.fuzz.targets import TARGETS


class Found(Exception):
    """What a target could not stand."""


def main() -> None:
    """All further arguments are libFuzzer's."""
    target = TARGETS[sys.argv[1]]

    def once(data: bytes) -> None:
        _, why = try_one(target, data)
        if why:
            raise Found(why)

    atheris.Setup([sys.argv[0], *sys.argv[2:]], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
