"""Webhooks of a tenant: what is posted where, and what became of it. For tokens with the scope `admin`."""

from functools import partial
from typing import Annotated

import orjson
from fastapi import APIRouter, Body, Path, Query, Response

from common.webhooks import Subscription
from workers.gateway.access import Admin
from workers.gateway.failures import FailureBody
from workers.gateway.gateway import Gateway, Here
from workers.gateway.webhook_views import (
    DeliveryList,
    DeliveryQuery,
    DeliveryView,
    Repeated,
    SecretRequest,
    SecretView,
    WebhookList,
    WebhookPatch,
    WebhookRequest,
    WebhookView,
    changed,
    new_subscription,
)

router = APIRouter(
    prefix="/v1/webhooks",
    tags=["webhooks"],
    responses={"4XX": {"model": FailureBody}, "5XX": {"model": FailureBody}},
)

Document = WebhookList | WebhookView | SecretView | DeliveryList | DeliveryView | Repeated
WebhookId = Annotated[str, Path(max_length=64, examples=["wh_8c1f6a0d2b9e47f3a5d0c6e1"])]
DeliveryId = Annotated[str, Path(max_length=64, examples=["msg_9b2e4f7a1c3d5e6f8091a2b3c4d5e6f7"])]

_CREATE_EXAMPLES = {
    "finals of some meetings": {
        "value": {
            "url": "https://example.org/hooks/hubbub",
            "events": ["transcript.final", "highlight"],
            "meetings": ["weekly-*"],
        }
    },
    "commands to a chat": {
        "value": {
            "url": "https://hooks.slack.com/services/T0/B0/x",
            "events": ["keyword"],
            "categories": ["command"],
            "format": "slack",
        }
    },
}
NewWebhook = Annotated[WebhookRequest, Body(openapi_examples=_CREATE_EXAMPLES)]


@router.get("", response_model=WebhookList)
async def list_webhooks(who: Admin, gateway: Here) -> Response:
    """All webhooks, with how they do."""
    found = [await _view(gateway, each) for each in await gateway.webhooks.list(who)]
    return _json(WebhookList(tuple(found)))


@router.post("", status_code=201, response_model=WebhookView)
async def create_webhook(wanted: NewWebhook, who: Admin, gateway: Here) -> Response:
    """Have results posted to an address from now on. The answer shows the secret, once."""
    made = await gateway.webhooks.create(who, new_subscription(wanted))
    if wanted.enabled is False:
        await gateway.webhooks.disable(who, made.id)
    view = await _view(gateway, made, secret=made.secret)
    return _json(view, 201, {"Location": f"/v1/webhooks/{made.id}"})


@router.get("/{webhook_id}", response_model=WebhookView)
async def get_webhook(webhook_id: WebhookId, who: Admin, gateway: Here) -> Response:
    """A webhook, with how it does and why it is disabled, if it is."""
    return _json(await _view(gateway, await gateway.webhooks.find(who, webhook_id)))


@router.patch("/{webhook_id}", response_model=WebhookView)
async def change_webhook(patch: WebhookPatch, webhook_id: WebhookId, who: Admin, gateway: Here) -> Response:
    """Change what is given; the rest stays. Enabling one that failed begins anew with what waits."""
    found = await gateway.webhooks.change(who, webhook_id, partial(changed, patch=patch))
    if patch.enabled is not None:
        act = gateway.webhooks.enable if patch.enabled else gateway.webhooks.disable
        await act(who, webhook_id)
    return _json(await _view(gateway, found))


@router.delete("/{webhook_id}", status_code=204, response_class=Response)
async def delete_webhook(webhook_id: WebhookId, who: Admin, gateway: Here) -> Response:
    """Post nothing more there, and forget its deliveries."""
    await gateway.webhooks.delete(who, webhook_id)
    return Response(status_code=204)


@router.post("/{webhook_id}/secret", response_model=SecretView)
async def replace_secret(
    webhook_id: WebhookId, who: Admin, gateway: Here, wanted: SecretRequest | None = None
) -> Response:
    """Sign with another secret, shown once. For a day, both sign."""
    secret = wanted.secret if wanted else ""
    found = await gateway.webhooks.replace_secret(who, webhook_id, secret)
    return _json(SecretView(secret=found.secret, old_until_ms=found.old_secret_until_ms))


@router.post("/{webhook_id}/test", response_model=DeliveryView)
async def test_webhook(webhook_id: WebhookId, who: Admin, gateway: Here) -> Response:
    """Post an event `test`, and say what came of the first attempt within five seconds."""
    return _json(DeliveryView.of(await gateway.webhooks.test(who, webhook_id)))


@router.get("/{webhook_id}/deliveries", response_model=DeliveryList)
async def list_deliveries(
    webhook_id: WebhookId, wanted: Annotated[DeliveryQuery, Query()], who: Admin, gateway: Here
) -> Response:
    """Deliveries with their attempts, the newest first, for as long as results are kept."""
    found = await gateway.webhooks.deliveries(
        who, webhook_id, state=wanted.state, after=wanted.after, limit=wanted.limit
    )
    following = found[-1].id if len(found) == wanted.limit else None
    return _json(DeliveryList(deliveries=tuple(map(DeliveryView.of, found)), next=following))


@router.get("/{webhook_id}/deliveries/{delivery_id}", response_model=DeliveryView)
async def get_delivery(webhook_id: WebhookId, delivery_id: DeliveryId, who: Admin, gateway: Here) -> Response:
    """A delivery with its attempts."""
    return _json(DeliveryView.of(await gateway.webhooks.delivery(who, webhook_id, delivery_id)))


@router.post("/{webhook_id}/deliveries/{delivery_id}/redeliver", status_code=202, response_model=DeliveryView)
async def redeliver(webhook_id: WebhookId, delivery_id: DeliveryId, who: Admin, gateway: Here) -> Response:
    """Send a finished delivery once more, under the same `webhook-id`."""
    return _json(DeliveryView.of(await gateway.webhooks.repeat(who, webhook_id, delivery_id)), 202)


@router.post("/{webhook_id}/redeliver", status_code=202, response_model=Repeated)
async def redeliver_dead(webhook_id: WebhookId, who: Admin, gateway: Here) -> Response:
    """Send all dead letters once more, as after an outage of the receiver."""
    return _json(Repeated(await gateway.webhooks.repeat_dead(who, webhook_id)), 202)


async def _view(gateway: Gateway, subscription: Subscription, *, secret: str | None = None) -> WebhookView:
    standing, disabled = await gateway.webhooks.standing(subscription)
    return WebhookView.of(subscription, standing, disabled, secret=secret)


def _json(document: Document, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(document), status, headers, media_type="application/json")
