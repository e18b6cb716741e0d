"""What a live reader is told when its connection ends from here."""

from workers.gateway.fanout import Ending

EXPLANATIONS = {
    Ending.OVERFLOW: "this reader lags too far behind; nothing is lost: reconnect and go on from the last id",
    Ending.CLOSING: "this gateway is going down; reconnect and go on from the last id",
    Ending.UNAVAILABLE: "results cannot be read at the moment; reconnect and go on from the last id",
}
CLOSE_CODES = {Ending.OVERFLOW: 1013, Ending.CLOSING: 1012, Ending.UNAVAILABLE: 1013}
"""WebSocket close codes: 1012 is "service restart", 1013 "try again later"."""
