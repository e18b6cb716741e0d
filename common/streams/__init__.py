"""The streams of a deployment: the only place that spells Redis keys and sends stream commands.

`FencedShard` is the owner's side (read, commit), `AudioLog` is the ingest side (append, meeting
records), `ResultLog` is the reader's side, `LeaseTable` says who owns what.
"""
