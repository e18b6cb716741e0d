"""What a live reader is told when its connection ends from here."""

from workers.gateway.fanout import Ending

EXPLANATIONS = {
    Ending.OVERFLOW: "this reader lags too far behind; nothing is lost: reconnect and go on from the last id",
    Ending.CLOSING: "this gateway is going down; reconnect and go on from the last id",
    Ending.UNAVAILABLE: "results cannot be read at the moment; reconnect and go on from the last id",
    Ending.REVOKED: "the token of this reader is not good any more",
}
CLOSE_CODES = {Ending.OVERFLOW: 1013, Ending.CLOSING: 1012, Ending.UNAVAILABLE: 1013, Ending.REVOKED: 1008}
"""WebSocket close codes: 1008 is "policy", 1012 "service restart", 1013 "try again later"."""
