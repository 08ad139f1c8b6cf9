"""What servers take, and what they answer."""

from collections.abc import Callable

import pytest

from speechagents.controllers.controller import Usage
from speechagents.controllers.language_model import Reply
from speechagents.controllers.openai import OpenAIModel
from tests.controllers.asking import ask, prompt
from tests.controllers.fault_server import Answer, FaultServer, Received, complains, completion, sends


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (sends({"choices": []}), "no choice"),
        (sends({}), "no choice"),
        (sends([]), "no JSON object"),
        (sends("fine"), "no JSON object"),
        (sends(None), "no JSON object"),
        (sends({"choices": "fine"}), "no choice"),
        (sends({"choices": [None]}), "no choice"),
        (sends({"choices": [{"message": None}]}), "no message"),
        (sends({"choices": [{"text": "fine"}]}), "no message"),
        (sends(completion(None)), "empty"),
        (sends(completion("  \n")), "empty"),
        (sends(completion(17)), "empty"),
        (sends(completion([{"type": "image"}, 3])), "empty"),
        (sends(completion(None, refusal="I will\x1b[2J not.")), "refuses: I will [2J not."),
        (sends({"choices": [{"message": {"content": ""}, "finish_reason": "length"}]}), "token limit"),
        (sends({"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]}), "content filter"),
        (sends({"error": {"message": "upstream is gone"}}), "upstream is gone"),
        (sends(b'{"choices": [{"mess'), "broken JSON"),
        (sends(b""), "broken JSON"),
        (sends(b"\xff\xfe\xfa"), "broken JSON"),
        (sends(b'{"a":' * 50_000), "broken JSON"),
        (sends(b"[" + b"9" * 10_000 + b"]"), "broken JSON"),
        (sends(b"<html>Sign in</html>", kind="text/html"), "text/html, not JSON"),
        (sends(b"data: {}\n\n", kind="text/event-stream"), "not JSON"),
        (sends(completion("fine"), headers={"Content-Encoding": "gzip"}), "packs"),
        (sends(b"", status=204), "broken JSON"),
    ],
)
def test_an_answer_without_usable_text_is_an_error_and_not_asked_for_again(
    server: FaultServer, model: OpenAIModel, answer: Answer, error: str
) -> None:
    server.answers.append(answer)
    reply = ask(model)
    assert reply.text == ""
    assert error in reply.error
    assert len(server.received) == 1
    assert ask(model).text == "fine", "the next prompt is unharmed"


def test_text_in_parts_is_joined_and_halves_of_characters_are_replaced(server: FaultServer, model: OpenAIModel) -> None:
    server.answers.append(sends(completion([{"type": "text", "text": "Good "}, {"type": "text", "text": "day\ud83d"}])))
    assert ask(model).text == "Good day?"


@pytest.mark.parametrize(
    "usage", [None, "many", [], {"prompt_tokens": -1, "completion_tokens": 1e99}, {"prompt_tokens": True}]
)
def test_a_cost_that_makes_no_sense_counts_as_none(server: FaultServer, model: OpenAIModel, usage: object) -> None:
    server.answers.append(sends({**completion("fine"), "usage": usage}))
    assert ask(model) == Reply("fine", Usage())


def refuses_formats(*kinds: str) -> Callable[[Received], Answer | None]:
    """A server that takes no such response format, and says so as LM Studio does."""

    def rule(received: Received) -> Answer | None:
        kind = received.json.get("response_format", {}).get("type")
        if kind in kinds:
            return sends({"error": f"'response_format.type' must not be '{kind}'"}, status=400)
        return None

    return rule


def formats(server: FaultServer) -> list[str | None]:
    return [request.json.get("response_format", {}).get("type") for request in server.received]


def test_a_server_without_schemas_is_asked_for_json_of_any_kind_from_then_on(
    server: FaultServer, model: OpenAIModel
) -> None:
    server.rule = refuses_formats("json_schema")
    assert [ask(model).text, ask(model).text] == ["fine", "fine"]
    assert formats(server) == ["json_schema", "json_object", "json_object"]


def test_a_server_without_formats_is_asked_for_none_from_then_on(server: FaultServer, model: OpenAIModel) -> None:
    server.rule = refuses_formats("json_schema", "json_object")
    assert [ask(model).text, ask(model).text] == ["fine", "fine"]
    assert formats(server) == ["json_schema", "json_object", None, None]


def test_a_prompt_without_a_schema_asks_for_no_format(server: FaultServer, model: OpenAIModel) -> None:
    list(model.generate([prompt("Hello", schema={})], seed=1))
    assert formats(server) == [None]


def test_giving_up_fields_in_vain_is_forgotten(server: FaultServer, model: OpenAIModel) -> None:
    refusal = complains(400, "your prompt has no good schema, temperature or seed")
    server.answers.extend([refusal] * 5)
    assert "status 400" in ask(model).error
    assert len(server.received) == 5
    ask(model)
    assert server.received[-1].json == server.received[0].json


@pytest.mark.parametrize(
    ("message", "given_up", "instead"),
    [
        (
            "Unsupported parameter: 'max_tokens' is not supported here. Use 'max_completion_tokens' instead.",
            "max_tokens",
            "max_completion_tokens",
        ),
        ("Unsupported value: 'temperature' does not support 0.5 with this model.", "temperature", None),
        ('[{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs"}]', "seed", None),
    ],
)
def test_a_field_that_a_server_does_not_take_is_given_up_from_then_on(
    server: FaultServer, model: OpenAIModel, message: str, given_up: str, instead: str | None
) -> None:
    server.rule = lambda received: complains(400, message) if given_up in received.json else None
    assert [ask(model).text, ask(model).text] == ["fine", "fine"]
    first, *later = [request.json for request in server.received]
    assert given_up in first
    assert len(later) == 2
    assert all(given_up not in sent for sent in later)
    assert all(sent.get(instead or "") == (123 if instead else None) for sent in later)


def test_a_limit_that_is_too_high_is_no_reason_to_name_it_otherwise(server: FaultServer, model: OpenAIModel) -> None:
    server.answers.append(complains(400, "max_tokens is too large: 123. This model has a context of 100 tokens."))
    assert "too large" in ask(model).error
    assert len(server.received) == 1


def test_a_server_that_refuses_everything_for_every_reason_is_not_asked_for_ever(
    server: FaultServer, model: OpenAIModel
) -> None:
    server.otherwise = complains(
        422, "unsupported: max_tokens, max_completion_tokens, response_format, seed, temperature"
    )
    assert "status 422" in ask(model).error
    assert len(server.received) == 6
