"""The errors Hubbub raises on purpose."""


class HubbubError(Exception):
    """Anything Hubbub refuses or gives up on; its text is one clear line for a person."""


class InvalidInput(HubbubError):
    """Bytes or names from outside that break the protocol; names the value that was wrong."""


class InvalidMessage(HubbubError):
    """A stream entry that is not a message of a known type and version."""


class SettingsError(HubbubError):
    """Configuration that cannot work; lists every problem at once."""


class EngineError(HubbubError):
    """A model that cannot be loaded, or that returned something unusable."""


class ShardMismatch(HubbubError):
    """The shard count configured here differs from the one fixed in Redis."""


class Backlogged(HubbubError):
    """Redis or a pool behind it cannot take more audio now."""
