"""The bundled meeting, and `hubbub demo`, which plays it through the whole system."""

from ingest.demo.command import demo

__all__ = ["demo"]
