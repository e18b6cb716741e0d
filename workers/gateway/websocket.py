"""Results over a WebSocket: a JSON message each, and a closing code that says why it ends."""

import asyncio

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from common.streams.result_log import StoredResult
from workers.gateway import metrics
from workers.gateway.endings import CLOSE_CODES, EXPLANATIONS
from workers.gateway.fanout import Ending
from workers.gateway.feed import Batch, Steps


async def serve_socket(websocket: WebSocket, steps: Steps, types: frozenset[str]) -> None:
    """Send until the reader leaves or is sent away; what it sends itself is ignored."""
    sending = asyncio.create_task(_send(websocket, steps, types))
    leaving = asyncio.create_task(_until_left(websocket))
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
    finally:
        sending.cancel()
        leaving.cancel()
        await asyncio.gather(sending, leaving, return_exceptions=True)


async def _send(websocket: WebSocket, steps: Steps, types: frozenset[str]) -> None:
    try:
        async for step in steps:
            if isinstance(step, Ending):
                await _send_away(websocket, step)
                return
            await _send_batch(websocket, step, types)
    except WebSocketDisconnect:
        return


async def _send_batch(websocket: WebSocket, batch: Batch, types: frozenset[str]) -> None:
    chosen = [result for result in batch.results if result.type in types]
    for result in chosen:
        await websocket.send_text(_message(result))
    if not chosen:
        await websocket.send_text(f'{{"id":"{batch.position}","type":"heartbeat"}}')
    metrics.DELIVERED.labels("websocket").inc(len(chosen))


def _message(result: StoredResult) -> str:
    return f'{{"id":"{result.id}","type":"{result.type}","result":{result.data.decode()}}}'


async def _send_away(websocket: WebSocket, ending: Ending) -> None:
    notice = {"type": ending.value, "reason": EXPLANATIONS[ending]}
    await websocket.send_text(orjson.dumps(notice).decode())
    await websocket.close(CLOSE_CODES[ending], ending.value)


async def _until_left(websocket: WebSocket) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass
