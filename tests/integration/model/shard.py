"""A shard as a plain value: what the owner's scripts promise to make of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from common.stage import Stream

INPUT = {"asr": Stream.SPEECH, "keyword": Stream.SPEECH, "emitter": Stream.DEFERRED}
"""The pools of the model: two that share a stream, and one that reads on request."""


@dataclass
class LeaseModel:
    """Who holds a shard; `lasting` says that its time is not up, `token` counts the changes of hands."""

    owner: str | None = None
    token: int = 0
    sequence: int = 0
    lasting: bool = False

    def acquire(self, member: str) -> int | None:
        """The new token, or None where another holds it."""
        if self.owner is not None and self.lasting:
            return None
        self.owner, self.lasting, self.sequence = member, True, 0
        self.token += 1
        return self.token

    def renew(self, member: str, token: int) -> bool:
        held = (self.owner, self.token) == (member, token)
        self.lasting = self.lasting or held
        return held

    def release(self, member: str, token: int) -> None:
        if (self.owner, self.token) == (member, token):
            self.owner, self.lasting = None, False

    def judge(self, token: int, sequence: int) -> str:
        """The verdict on a commit."""
        if token != self.token:
            return "FENCED"
        if sequence == self.sequence:
            return "REPEATED"
        return "OK" if sequence == self.sequence + 1 else "FORGOTTEN"


@dataclass
class GroupModel:
    """How far a pool has come: entries count from 1, so `last` is also how many it was given."""

    last: int = 0
    pending: set[int] = field(default_factory=set)

    @property
    def needs_from(self) -> int:
        """The first entry that it still needs."""
        return min(self.pending, default=self.last + 1)


@dataclass(frozen=True)
class CommitModel:
    """A commit as values. `reads_to` is None where nothing was read."""

    pool: str
    token: int
    sequence: int
    outputs: Sequence[str] = ()
    reads_to: int | None = None
    held: Sequence[int] = ()
    acknowledged: Sequence[int] = ()
    watermarks: Mapping[str, int | None] = field(default_factory=dict)
    tally: int = 0


@dataclass
class ShardModel:
    """All of it. `added` and `cut` count the entries of a stream: those that came, those trimmed."""

    leases: dict[str, LeaseModel] = field(default_factory=lambda: {p: LeaseModel() for p in INPUT})
    groups: dict[str, GroupModel] = field(default_factory=lambda: {p: GroupModel() for p in INPUT})
    watermarks: dict[str, dict[str, int]] = field(default_factory=lambda: {p: {} for p in INPUT})
    added: dict[Stream, int] = field(default_factory=lambda: dict.fromkeys(INPUT.values(), 0))
    cut: dict[Stream, int] = field(default_factory=lambda: dict.fromkeys(INPUT.values(), 0))
    outputs: list[str] = field(default_factory=list)
    tally: int | None = None

    def commit(self, commit: CommitModel) -> str:
        """The verdict; nothing changes unless it is OK."""
        verdict = self.leases[commit.pool].judge(commit.token, commit.sequence)
        if verdict == "OK":
            self._apply(commit)
        return verdict

    def _apply(self, commit: CommitModel) -> None:
        group, kept = self.groups[commit.pool], self.cut[INPUT[commit.pool]]
        self.leases[commit.pool].sequence = commit.sequence
        self.outputs += commit.outputs
        if commit.reads_to is not None:
            group.last = commit.reads_to
            group.pending |= {entry for entry in commit.held if entry > kept}
        group.pending -= set(commit.acknowledged)
        for key, value in commit.watermarks.items():
            self.watermarks[commit.pool].pop(key, None)
            if value is not None:
                self.watermarks[commit.pool][key] = value
        if self.tally is not None:
            self.tally += commit.tally

    def pending(self, pool: str, token: int, after: int, count: int) -> list[int] | None:
        """Entries given before and not acknowledged; None where the shard has another owner."""
        if token != self.leases[pool].token:
            return None
        return sorted(entry for entry in self.groups[pool].pending if entry > after)[:count]

    def take(self, pool: str, token: int, count: int) -> list[int] | None:
        """New entries, which become pending."""
        if token != self.leases[pool].token:
            return None
        group = self.groups[pool]
        taken = list(range(group.last + 1, min(self.added[INPUT[pool]], group.last + count) + 1))
        group.last += len(taken)
        group.pending.update(taken)
        return taken

    def shelf(self) -> tuple[int, int] | None:
        """How many entries the emitter was not given yet, and the first of them."""
        group, added = self.groups["emitter"], self.added[INPUT["emitter"]]
        return (added - group.last, group.last + 1) if added > group.last else None

    def trim(self, stream: Stream) -> None:
        """Up to what the neediest group needs."""
        needed = min(g.needs_from for pool, g in self.groups.items() if INPUT[pool] is stream)
        self.cut[stream] = max(self.cut[stream], needed - 1)
