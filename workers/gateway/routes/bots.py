"""Bots into meetings and out of them, and what they say there."""

import asyncio
from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException

from common.errors import InvalidInput
from common.identity import parse_meeting
from common.streams.bots import Bot
from workers.gateway.access import Sender
from workers.gateway.bots import BotConflict, Wish, new_meeting_id
from workers.gateway.failures import FailureBody
from workers.gateway.gateway import Gateway, Here, LedBot, SeenBot
from workers.gateway.meetstream import KeyRefused, NotConfigured, VendorBusy, VendorForgot, VendorUnavailable
from workers.gateway.speech import speech_from
from workers.gateway.views import BotView

router = APIRouter(
    prefix="/v1/meetings",
    tags=["bots"],
    responses={"4XX": {"model": FailureBody}, "5XX": {"model": FailureBody}},
)

RECORDINGS = ("audio/wav", "audio/x-wav", "audio/flac", "audio/ogg", "audio/mpeg")

_SAYABLE = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["text"],
                "additionalProperties": False,
                "properties": {"text": {"type": "string", "minLength": 1, "maxLength": 2000}},
            },
            "example": {"text": "The notes are ready."},
        },
        **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in RECORDINGS},
    },
}

IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=200, description="The same key again sends no second bot."),
]


class BotRequest(BaseModel):
    """Which meeting to send a bot to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    meeting_link: str = Field(
        max_length=2000, pattern=r"^https://\S+$", description="Of Google Meet, Zoom or Teams."
    )
    meeting: str | None = Field(None, description="What to call it here; otherwise a new name.")
    bot_name: str | None = Field(None, min_length=1, max_length=100, description="What others see.")
    bot_message: str = Field(
        "", max_length=500, description="What it writes into the chat when it has joined."
    )
    join_at: AwareDatetime | None = Field(None, description="When to join; otherwise at once.")


class Message(BaseModel):
    """Something to write into the chat of a meeting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(min_length=1, max_length=2000)


@router.post("", status_code=201, response_model=BotView)
async def send_bot(
    wanted: BotRequest, sender: Sender, gateway: Here, idempotency_key: IdempotencyKey = None
) -> Response:
    """Send a bot into a meeting, whose results are here from its first audio on."""
    meeting = parse_meeting(sender.tenant, wanted.meeting or new_meeting_id(sender.tenant, idempotency_key))
    record = await gateway.results.meeting(meeting)
    if record is not None and record.ended:
        raise BotConflict(f"meeting {meeting.id!r} has ended: name another one")
    wish = Wish(
        link=wanted.meeting_link,
        name=wanted.bot_name,
        greeting=wanted.bot_message,
        join_at=wanted.join_at,
    )
    bot = await gateway.bots.send(meeting, wish, idempotency_key)
    return _json(_view(bot), 201, {"Location": f"/v1/meetings/{meeting.id}"})


@router.get("/{meeting_id}/bot", response_model=BotView)
async def get_bot(bot: SeenBot, gateway: Here) -> Response:
    """The bot of a meeting, with MeetStream's word for what it is doing."""
    status = await _vendor_status(bot, gateway)
    return _json(_view(bot, status=status, can_speak=await gateway.bots.can_speak(bot)))


@router.delete("/{meeting_id}/bot", status_code=204, response_class=Response)
async def call_bot_back(bot: LedBot, gateway: Here) -> Response:
    """Let the bot leave; the meeting ends here as its audio does."""
    await gateway.bots.call_back(bot)
    return Response(status_code=204)


@router.post(
    "/{meeting_id}/say", status_code=202, response_class=Response, openapi_extra={"requestBody": _SAYABLE}
)
async def say(request: Request, bot: LedBot, gateway: Here) -> Response:
    """Write into the meeting's chat (`{"text": …}`), or say something aloud (a recording of up to a minute).

    Hubbub has no voice of its own: send what a speech synthesiser made.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        await gateway.bots.write(bot, _message(await request.body()).text)
    elif kind in RECORDINGS:
        pieces = await asyncio.to_thread(speech_from, await request.body())
        await gateway.bots.speak(bot, pieces)
    else:
        raise HTTPException(
            415, f"content-type {kind[:64]!r}: want application/json or {', '.join(RECORDINGS)}"
        )
    return Response(status_code=202)


@router.delete("/{meeting_id}/say", status_code=202, response_class=Response)
async def be_silent(bot: LedBot, gateway: Here) -> Response:
    """Take back what the bot was to say and has not said yet."""
    await gateway.bots.be_silent(bot)
    return Response(status_code=202)


async def _vendor_status(bot: Bot, gateway: Gateway) -> str | None:
    """Nothing where MeetStream cannot be asked: what is known here is worth an answer."""
    try:
        return await gateway.bots.status(bot) or None
    except (NotConfigured, KeyRefused, VendorBusy, VendorForgot, VendorUnavailable):
        return None


def _message(body: bytes) -> Message:
    try:
        return Message.model_validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise InvalidInput(
            "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in problems)
        ) from error


def _view(bot: Bot, *, status: str | None = None, can_speak: bool = False) -> BotView:
    return BotView(
        meeting=bot.meeting.id,
        bot_id=bot.id or None,
        bot_name=bot.name,
        asked_at_ms=bot.asked_at_ms,
        status=status,
        can_speak=can_speak,
    )


def _json(view: BotView, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(view), status, headers, media_type="application/json")
