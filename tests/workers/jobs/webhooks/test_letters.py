"""What is sent: matching, bodies, text for chats, signatures."""

from dataclasses import replace

import orjson
import pytest
from conftest import ANN, final

from common.errors import InvalidInput
from common.identity import Speaker
from common.results import Activity, Highlight, Keyword, Result, Status, to_json
from common.stage import Entry, EntryId, Stream
from common.webhooks import Delivery, Subscription, event_names, new_secret, secret_bytes
from workers.jobs.webhooks.body import body, line
from workers.jobs.webhooks.matching import Matcher, delivery_id, event_of, wants
from workers.jobs.webhooks.signature import Letter, headers, sign

SUBSCRIPTION = Subscription(
    id="wh_1", tenant="default", url="https://example.org/", created_at_ms=5000, secret=new_secret()
)
COMMON = {
    "tenant": "default",
    "meeting": "weekly",
    "track": "ann",
    "speaker": ANN,
    "start_ms": 0,
    "end_ms": 9,
}


def keyword(phrase: str, category: str) -> Keyword:
    return Keyword(
        id="k", utterance="u", phrase=phrase, category=category, source="acoustic", score=0.9, **COMMON
    )


def subscribed(*events: str, **changes: object) -> Subscription:
    return replace(SUBSCRIPTION, events=events or SUBSCRIPTION.events, **changes)


ACTIVITY = Activity(id="a", state="speaking", utterance="u", **COMMON)
PARTIAL = replace(final(1), status="partial")


@pytest.mark.parametrize(
    ("subscription", "result", "wanted"),
    [
        (subscribed(), final(1), True),
        (subscribed(), PARTIAL, False),
        (subscribed("transcript"), final(1), True),
        (subscribed("transcript"), PARTIAL, False),
        (subscribed("transcript.partial"), PARTIAL, True),
        (subscribed("transcript.partial"), final(1), False),
        (subscribed("keyword"), final(1), False),
        (subscribed("activity.silent"), ACTIVITY, False),
        (subscribed("activity"), ACTIVITY, True),
        (subscribed(meetings=("week*",)), final(1), True),
        (subscribed(meetings=("monthly", "daily-*")), final(1), False),
        (subscribed("keyword", phrases=("Next Slide",)), keyword("next slide", "command"), True),
        (subscribed("keyword", phrases=("next slide",)), keyword("budget", "topic"), False),
        (subscribed("keyword", categories=("command",)), keyword("next slide", "command"), True),
        (subscribed("keyword", categories=("task",)), keyword("next slide", "command"), False),
        (subscribed("transcript", phrases=("next slide",)), final(1), True),
    ],
)
def test_what_a_subscription_wants(subscription: Subscription, result: Result, wanted: bool) -> None:
    assert wants(subscription, result) is wanted


def test_every_event_has_a_name_that_can_be_subscribed_to() -> None:
    status = Status(id="s", event="gap", **COMMON)
    for result in (final(1), PARTIAL, ACTIVITY, keyword("a b", "c"), status):
        assert event_of(result) in event_names()
    assert {"transcript.final", "highlight.action_item", "keyword.acoustic"} <= event_names()


def test_a_tenant_is_sent_its_own_results_since_it_asked() -> None:
    others = replace(SUBSCRIPTION, id="wh_2", tenant="acme")
    entries = [
        Entry(EntryId(0, Stream.RESULTS, "4999-7"), final(1)),
        Entry(EntryId(0, Stream.RESULTS, "5000-0"), final(2)),
        Entry(EntryId(0, Stream.RESULTS, "6000-0"), final(3, tenant="acme")),
    ]
    found = Matcher([SUBSCRIPTION, others]).deliveries(entries, 7000)
    assert [(name, each.entry) for name, each in found] == [("wh_1", "5000-0"), ("wh_2", "6000-0")]


def test_the_key_follows_from_subscription_and_result_alone() -> None:
    keys = {
        delivery_id("wh_1", final(1)),
        delivery_id("wh_2", final(1)),
        delivery_id("wh_1", final(2)),
        delivery_id("wh_1", final(1, meeting="other")),
    }
    assert len(keys) == 4
    assert delivery_id("wh_1", replace(final(1), emitted_at_ms=99)) in keys


DELIVERY = Delivery(
    id="msg_1",
    event="transcript.final",
    meeting="weekly",
    shard=0,
    entry="1-0",
    made_at_ms=1_760_000_000_123,
    since_ms=0,
)


def test_the_body_is_the_result_with_its_event_and_time() -> None:
    data = to_json(final(1))
    content = orjson.loads(body(DELIVERY, data, "json"))
    assert content == {
        "type": "transcript.final",
        "timestamp": "2025-10-09T08:53:20.123000+00:00",
        "data": orjson.loads(data),
    }
    assert body(replace(DELIVERY, tries=3), data, "json") == body(DELIVERY, data, "json")


def test_text_for_chats_carries_no_markup_links_or_mentions() -> None:
    nasty = "<!channel> <https://evil.example|click> & @everyone\n*now*"
    spoken = replace(final(1), text=nasty, speaker=Speaker("x", "<@U123>\r\nroot"))
    content = orjson.loads(body(DELIVERY, to_json(spoken), "slack"))
    assert content["mrkdwn"] is False
    text = content["text"]
    assert "\n" not in text
    assert not set(text) & set("<>")
    assert "@everyone" not in text
    assert "&amp;" in text
    assert text.startswith("[weekly 0:00:01] &lt;@")


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (keyword("next slide", "command"), '[weekly 0:00:00] Ann: "next slide" (command)'),
        (
            Highlight(id="h", kind="action_item", text="Send it", utterance="u", **COMMON),
            "[weekly 0:00:00] Ann: action item: Send it",
        ),
        (
            Highlight(
                id="h",
                kind="action_item",
                text="Send it",
                utterance="u",
                owner="<@U1>",
                due="by Friday",
                **COMMON,
            ),
            "[weekly 0:00:00] Ann: action item: Send it (owner &lt;@\u2060U1&gt;, due by Friday)",
        ),
        (
            Status(id="s", event="gap", reason="backlog", **{**COMMON, "speaker": Speaker("", "")}),
            "[weekly 0:00:00] gap backlog",
        ),
        (ACTIVITY, "[weekly 0:00:00] Ann: activity speaking"),
    ],
)
def test_a_line_for_every_kind(result: Result, text: str) -> None:
    assert line(result) == text


def test_signatures_are_those_of_standard_webhooks() -> None:
    """The example that its libraries are tested with."""
    letter = Letter("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}')
    signature = sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", letter, 1614265330)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_a_secret_is_replaced_both_sign() -> None:
    letter, old, new = Letter("msg_1", b"{}"), new_secret(), new_secret()
    changed = replace(SUBSCRIPTION, secret=new, old_secret=old, old_secret_until_ms=1000)
    sent = headers(letter, changed.secrets(999), 7)["webhook-signature"].split(" ")
    assert sent == [sign(new, letter, 7), sign(old, letter, 7)]
    assert headers(letter, changed.secrets(1000), 7)["webhook-signature"] == sign(new, letter, 7)


def test_secrets_stay_out_of_what_is_printed() -> None:
    assert SUBSCRIPTION.secret not in repr(SUBSCRIPTION)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!", "whsec_" + "QUFB" * 7, "QUFB" * 8])
def test_weak_secrets_are_refused(secret: str) -> None:
    with pytest.raises(InvalidInput, match="secret"):
        secret_bytes(secret)
