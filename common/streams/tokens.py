"""Where tokens are kept: each a hash that goes when it expires, listed in one sorted set."""

from collections.abc import Mapping

from common.clock import unix_ms
from common.streams import keys
from common.streams.client import Client
from common.tokens import Scope, Token, digest_of, id_of, new_text

_IN_USE = "tokens"
_NEVER = "+inf"


class TokenStore:
    """Makes, finds, lists and revokes tokens."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def create(
        self,
        tenant: str,
        scopes: frozenset[Scope],
        *,
        lifetime_s: int | None = None,
        note: str = "",
        max_meetings: int = 0,
    ) -> tuple[str, Token]:
        """Make a token; its text is in this answer and nowhere else."""
        text, now_ms = new_text(), unix_ms()
        token = Token(
            id=id_of(text),
            digest=digest_of(text),
            tenant=tenant,
            scopes=scopes,
            created_at_ms=now_ms,
            expires_at_ms=None if lifetime_s is None else now_ms + lifetime_s * 1000,
            note=note,
            max_meetings=max_meetings,
        )
        await self._redis.hset(keys.DEPLOYMENT, _IN_USE, "1")
        await self._put(token)
        return text, token

    async def in_use(self) -> bool:
        """Whether a token was ever made here. From then on nobody is let in without one."""
        return bool(await self._redis.hexists(keys.DEPLOYMENT, _IN_USE))

    async def find(self, token_id: str) -> Token | None:
        """A token that was not revoked and has not expired."""
        stored = await self._redis.hgetall(keys.token(token_id))
        return _parse(token_id, stored) if stored else None

    async def list(self) -> list[Token]:
        """All tokens that are good, by age."""
        await self._redis.zremrangebyscore(keys.TOKENS, "-inf", unix_ms())
        ids = [token_id.decode() for token_id in await self._redis.zrange(keys.TOKENS, 0, -1)]
        found = [token for token_id in ids if (token := await self.find(token_id)) is not None]
        return sorted(found, key=lambda token: token.created_at_ms)

    async def revoke(self, token_id: str) -> bool:
        """Make a token worth nothing, within seconds everywhere; False where there is none."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.delete(keys.token(token_id))
            pipeline.zrem(keys.TOKENS, token_id)
            gone, _ = await pipeline.execute()
        return bool(gone)

    async def _put(self, token: Token) -> None:
        expiry = token.expires_at_ms
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(keys.token(token.id), mapping=_fields(token))
            if expiry is not None:
                pipeline.pexpireat(keys.token(token.id), expiry)
            pipeline.zremrangebyscore(keys.TOKENS, "-inf", token.created_at_ms)
            pipeline.zadd(keys.TOKENS, {token.id: _NEVER if expiry is None else expiry})
            await pipeline.execute()


def _fields(token: Token) -> dict[str, str]:
    return {
        "digest": token.digest,
        "tenant": token.tenant,
        "scopes": ",".join(sorted(token.scopes)),
        "created_at_ms": str(token.created_at_ms),
        "expires_at_ms": "" if token.expires_at_ms is None else str(token.expires_at_ms),
        "note": token.note,
        "max_meetings": str(token.max_meetings),
    }


def _parse(token_id: str, stored: Mapping[bytes, bytes]) -> Token:
    text = {name.decode(): value.decode() for name, value in stored.items()}
    return Token(
        id=token_id,
        digest=text["digest"],
        tenant=text["tenant"],
        scopes=frozenset(map(Scope, text["scopes"].split(","))),
        created_at_ms=int(text["created_at_ms"]),
        expires_at_ms=int(text["expires_at_ms"]) if text["expires_at_ms"] else None,
        note=text["note"],
        max_meetings=int(text["max_meetings"]),
    )
