import socket

import pytest

from common.errors import HubbubError
from common.ports import reserved_port


def listen(port: int, *, share: bool) -> socket.socket:
    return socket.create_server(("127.0.0.1", port), reuse_port=share)


def test_a_held_port_is_for_those_who_share_it_and_nobody_else() -> None:
    with reserved_port("127.0.0.1", 0) as port:
        with pytest.raises(OSError, match="in use"):
            listen(port, share=False)
        for _ in range(2):
            with listen(port, share=True), socket.create_connection(("127.0.0.1", port), timeout=2):
                pass


def test_a_port_that_somebody_has_is_refused_by_number() -> None:
    with listen(0, share=True) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(HubbubError, match=str(port)), reserved_port("127.0.0.1", port):
            pass
