"""WhisperLive in an environment of its own, and its server."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

VERSION = "0.10.0"
PACKAGES = (
    # Of what the package asks for, what its server imports on a CPU; its other requirements are the
    # microphone client's, the other backends', and two gigabytes of CUDA libraries.
    "torch==2.13.0",
    "faster-whisper==1.2.0",
    "tokenizers==0.20.3",
    "onnxruntime>=1.20,<2",
    "numpy>=1.26.4,<2.5",
    "websockets",
    "fastapi",
    "uvicorn",
    "python-multipart",
)
SERVER = """
import sys
from whisper_live.server import TranscriptionServer
port, weights, clients = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
TranscriptionServer().run(
    "127.0.0.1", port, backend="faster_whisper", faster_whisper_custom_model_path=weights,
    single_model=True, max_clients=clients, batch_enabled=True, batch_max_size=8, batch_window_ms=50,
    batch_max_queue_wait_s=60.0, batch_max_admissions_per_s=1000.0,
)
"""
"""What `run_server.py` of its repository does, which is not in the wheel. Batch mode as the README has it;
the last two settings let every client in, where the defaults would turn some away under load."""
SETTINGS = "batch mode, 8 windows, 50 ms, greedy; int8; admission limits raised to let all clients in"
READY_WITHIN_S = 120


@dataclass(frozen=True)
class Server:
    """Where WhisperLive serves, as which process."""

    url: str
    pid: int


def environment(folder: Path) -> Path:
    """The Python of an environment with WhisperLive in it, made if it is not there."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    found = subprocess.run([python, "-c", "import whisper_live.server"], capture_output=True, check=False)
    if found.returncode:
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, *PACKAGES], check=True)
        subprocess.run([*install, "--no-deps", f"whisper-live=={VERSION}"], check=True)
    return python


@contextmanager
def running_server(python: Path, weights: Path, log: Path, *, clients: int) -> Iterator[Server]:
    """Its server on a free port until the block ends, with all processors for its model."""
    port = free_port()
    threads = {"OMP_NUM_THREADS": str(os.cpu_count())}
    command = [str(python), "-c", SERVER, str(port), str(weights), str(clients)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **threads}
        )
        try:
            wait_for(port, process, log)
            yield Server(f"ws://127.0.0.1:{port}", process.pid)
        finally:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Until something listens there; raises SystemExit with the end of the log where nothing will."""
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"WhisperLive does not serve: {log.read_text()[-2000:]}") from error
            time.sleep(0.2)
        else:
            return
