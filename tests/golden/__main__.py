"""`python -m tests.golden` records the specimens anew, where a format changed on purpose.

A message between stages has one form a version: whatever changes it needs a new VERSION. A result may
gain a field that readers can do without; each form that was ever written stays recorded, a line each.
"""

from pathlib import Path

from common.messages import VERSION, pack
from common.results import SCHEMA_VERSION, to_json
from tests.golden.specimens import MESSAGES, RESULTS

HERE = Path(__file__).parent


def record() -> None:
    """Recordings of other versions, and older forms of results, stay as they are."""
    messages, results = HERE / f"messages-v{VERSION}", HERE / f"results-v{SCHEMA_VERSION}"
    for folder in (messages, results):
        folder.mkdir(exist_ok=True)
    for name, message in MESSAGES.items():
        (messages / f"{name}.msgpack").write_bytes(pack(message))
    for name, result in RESULTS.items():
        forms = results / f"{name}.jsonl"
        line = to_json(result) + b"\n"
        if not forms.exists() or line not in forms.read_bytes().splitlines(keepends=True)[-1:]:
            forms.open("ab").write(line)


if __name__ == "__main__":
    record()
