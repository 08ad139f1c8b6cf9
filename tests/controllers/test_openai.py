"""A model behind a server."""

import asyncio
import gc
import threading
import weakref
from types import MappingProxyType

import pytest

from speechagents.controllers.controller import Usage
from speechagents.controllers.language_model import Part, Prompt, PromptMessage, Reply, Speaker
from speechagents.controllers.openai import OpenAIModel
from speechagents.errors import ControllerError, SettingsError
from tests.controllers.asking import SCHEMA, Make, Waits, ask, prompt
from tests.controllers.fault_server import (
    PATIENCE_S,
    Answer,
    FaultServer,
    Line,
    complains,
    drops_at_once,
    drops_midway,
    free_ports,
    hangs,
    in_turn,
    says,
    sends,
)

# What is sent, and what comes back


def test_a_prompt_becomes_one_request_and_its_answer_a_reply_with_its_cost(
    server: FaultServer, model: OpenAIModel
) -> None:
    server.answers.append(says("Good evening.", tokens=(31, 4)))
    assert ask(model, seed=7) == Reply("Good evening.", Usage(31, 4))
    (request,) = server.received
    assert request.path == "/v1/chat/completions"
    assert request.json == {
        "model": "tiny",
        "messages": [{"role": "system", "content": "Rules."}, {"role": "user", "content": "Hello"}],
        "temperature": 0.5,
        "max_tokens": 123,
        "seed": 7,
        "stream": False,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA},
        },
    }


def test_the_same_prompt_and_seed_send_the_same_bytes(server: FaultServer, model: OpenAIModel) -> None:
    ask(model, seed=2**62 + 5)
    ask(model, seed=2**62 + 5)
    assert server.received[0].body == server.received[1].body
    assert 0 <= server.received[0].json["seed"] < 2**31


def test_parts_of_a_message_are_joined_as_they_are_and_a_schema_may_be_any_mapping(
    server: FaultServer, model: OpenAIModel
) -> None:
    message = PromptMessage(Speaker.USER, (Part("One\n"), Part("two \ud83d")))
    schema = MappingProxyType({"type": "object", "properties": MappingProxyType({})})
    (reply,) = model.generate([Prompt((message,), schema)], seed=1)
    assert reply.text == "fine"
    sent = server.received[0].json
    assert sent["messages"] == [{"role": "user", "content": "One\ntwo \ud83d"}]
    assert sent["response_format"]["json_schema"]["schema"] == {"type": "object", "properties": {}}


def test_nothing_is_sent_for_no_prompts_nor_before_the_model_is_used(server: FaultServer, make: Make) -> None:
    assert list(make(hears=None).generate([], seed=1)) == []
    assert server.connections == 0


def test_the_connection_stays_open_between_calls(server: FaultServer, model: OpenAIModel) -> None:
    ask(model)
    ask(model)
    assert (len(server.received), server.connections) == (2, 1)


# Trying again


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504])
def test_troubles_that_pass_are_outlived(server: FaultServer, model: OpenAIModel, waits: Waits, status: int) -> None:
    server.answers.extend([complains(status, "busy"), complains(status, "busy"), says("at last")])
    assert ask(model).text == "at last"
    assert len(waits) == 2
    assert len({request.body for request in server.received}) == 1, "the same request each time"


@pytest.mark.parametrize("drop", [drops_midway, drops_at_once])
def test_a_dropped_connection_is_tried_again(
    server: FaultServer, model: OpenAIModel, waits: Waits, drop: Answer
) -> None:
    server.answers.extend([drop, says("at last")])
    assert ask(model).text == "at last"
    assert len(waits) == 1


@pytest.mark.parametrize("drop", [drops_midway, drops_at_once])
def test_a_connection_that_always_drops_is_given_up(server: FaultServer, model: OpenAIModel, drop: Answer) -> None:
    server.otherwise = drop
    assert "connection broke" in ask(model).error
    assert len(server.received) == 4


def test_a_trouble_that_does_not_pass_is_told_in_the_servers_words(server: FaultServer, model: OpenAIModel) -> None:
    server.otherwise = complains(503, "loading\x07 the model")
    assert ask(model).error == "the server answers with status 503: loading the model"
    assert len(server.received) == 4


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 413, 418, 501])
def test_what_a_server_refuses_is_not_asked_for_again(
    server: FaultServer, model: OpenAIModel, waits: Waits, status: int
) -> None:
    assert ask(model).text == "fine"
    server.answers.append(complains(status, "no"))
    assert f"status {status}" in ask(model).error
    assert (len(server.received), waits) == (2, [])
    assert ask(model).text == "fine"


def test_a_server_is_left_alone_for_as_long_as_it_asks_within_reason(
    server: FaultServer, model: OpenAIModel, waits: Waits
) -> None:
    clock = "Sat, 01 Mar 2025 12:00:00 GMT"
    server.answers.extend(
        [
            complains(429, headers={"Retry-After": "11"}),
            complains(429, headers={"Retry-After": "Sat, 01 Mar 2025 12:00:17 GMT", "Date": clock}),
            complains(429, headers={"Retry-After": "86400"}),
            says("at last"),
        ]
    )
    assert ask(model).text == "at last"
    assert waits == [11.0, 17.0, 30.0]


def test_waits_follow_from_the_seed_and_differ_between_prompts(server: FaultServer, make: Make, waits: Waits) -> None:
    server.otherwise = complains(500)
    one = make(hears=False, concurrency=1)
    for seed in (7, 7, 8):
        list(one.generate([prompt("a"), prompt("b")], seed=seed))
    rows = [tuple(waits[start : start + 3]) for start in range(0, 18, 3)]
    assert rows[0:2] == rows[2:4]
    assert len(set(rows)) == 4


def test_a_redirect_is_not_followed(server: FaultServer, model: OpenAIModel) -> None:
    with FaultServer() as elsewhere:
        target = {"Location": f"{elsewhere.url}/chat/completions"}
        server.answers.append(sends(b"", status=307, headers=target))
        assert "redirects" in ask(model).error
        assert elsewhere.connections == 0


# Many at once


def test_replies_come_in_the_order_of_the_prompts_whatever_the_order_of_the_answers(
    server: FaultServer, make: Make
) -> None:
    done = [threading.Event() for _ in range(5)]

    def after_the_next(number: int) -> Answer:
        def answer(line: Line) -> None:
            if number < 4:
                assert done[number + 1].wait(PATIENCE_S)
            says(f"answer {number}")(line)
            done[number].set()

        return answer

    server.rule = in_turn(*(after_the_next(number) for number in range(5)))
    replies = make(hears=False, concurrency=5).generate([prompt(str(number)) for number in range(5)], seed=1)
    assert [reply.text for reply in replies] == [f"answer {number}" for number in range(5)]


def test_as_many_are_asked_together_as_allowed_and_no_more(server: FaultServer, make: Make) -> None:
    pair = threading.Barrier(2)

    def with_another(line: Line) -> None:
        pair.wait(PATIENCE_S)
        says("together")(line)

    server.otherwise = with_another
    replies = list(make(hears=False, concurrency=2).generate([prompt("x")] * 6, seed=1))
    assert [reply.text for reply in replies] == ["together"] * 6
    assert server.most_at_once == 2


def test_who_is_told_to_wait_keeps_its_place(server: FaultServer, make: Make) -> None:
    server.answers.append(complains(429, headers={"Retry-After": "5"}))

    async def long_enough_for_others(seconds: float) -> None:
        await asyncio.sleep(0.05)

    model = make(hears=False, concurrency=1, sleep=long_enough_for_others)
    list(model.generate([prompt("0"), prompt("1"), prompt("2")], seed=1))
    assert [request.asked for request in server.received] == ["0", "0", "1", "2"]


def test_a_reply_is_given_out_before_later_ones_are_there(server: FaultServer, make: Make) -> None:
    go_on = threading.Event()

    def waits_for_it(line: Line) -> None:
        assert go_on.wait(PATIENCE_S)
        says("late")(line)

    server.rule = in_turn(says("early"), waits_for_it)
    replies = make(hears=False).generate([prompt("0"), prompt("1")], seed=1)
    assert next(replies).text == "early"
    go_on.set()
    assert next(replies).text == "late"


def test_one_failing_prompt_harms_no_other(server: FaultServer, model: OpenAIModel) -> None:
    server.rule = in_turn(says("zero"), complains(400, "no"), drops_midway, sends(b"{"), says("four"))
    replies = list(model.generate([prompt(str(number)) for number in range(5)], seed=1))
    assert [reply.text for reply in replies] == ["zero", "", "", "", "four"]
    assert [bool(reply.error) for reply in replies] == [False, True, True, True, False]


def test_closing_the_iterator_breaks_off_what_is_under_way_and_never_asks_the_rest(
    server: FaultServer, make: Make
) -> None:
    hanging = threading.Semaphore(0)

    def hangs_and_says_so(line: Line) -> None:
        hanging.release()
        hangs(server)(line)

    server.rule = in_turn(says("zero"), *[hangs_and_says_so] * 5)
    model = make(hears=False, concurrency=2)
    replies = model.generate([prompt(str(number)) for number in range(6)], seed=1)
    assert next(replies).text == "zero"
    assert hanging.acquire(timeout=PATIENCE_S)
    assert hanging.acquire(timeout=PATIENCE_S)
    replies.close()  # type: ignore[attr-defined]
    assert server.wait_for_hang_ups(2)
    model.close()
    assert sorted(request.asked for request in server.received) == ["0", "1", "2"]


def test_closing_the_model_ends_those_who_wait_for_it_and_it_can_be_used_again(
    server: FaultServer, model: OpenAIModel
) -> None:
    hanging = threading.Event()

    def hangs_and_says_so(line: Line) -> None:
        hanging.set()
        hangs(server)(line)

    server.answers.append(hangs_and_says_so)
    outcome: list[str] = []

    def work() -> None:
        try:
            ask(model)
        except ControllerError as error:
            outcome.append(str(error))

    waiting = threading.Thread(target=work)
    waiting.start()
    assert hanging.wait(PATIENCE_S)
    model.close()
    waiting.join(PATIENCE_S)
    assert outcome == ["the server was closed while it was answering"]
    assert ask(model).text == "fine"


def test_a_model_that_nobody_holds_leaves_no_thread_and_no_connection(server: FaultServer, waits: Waits) -> None:
    before = set(threading.enumerate())
    model = OpenAIModel(base_url=server.url, model="tiny", hears=False, key_variable="")
    assert ask(model).text == "fine"
    gone = weakref.ref(model)
    own = [thread for thread in threading.enumerate() if thread.name == "model-server" and thread not in before]
    assert len(own) == 1
    del model
    gc.collect()
    assert gone() is None
    assert not own[0].is_alive()


def test_several_threads_may_use_one_model(server: FaultServer, make: Make) -> None:
    server.rule = lambda received: says(f"to {received.asked}")
    model = make(hears=False, concurrency=2)
    texts: dict[str, str] = {}

    def work(name: str) -> None:
        texts[name] = ask(model, name).text

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert texts == {str(number): f"to {number}" for number in range(8)}
    assert server.most_at_once <= 2


# A server that cannot be used at all


def test_a_server_that_is_not_there_is_named_with_what_to_do(make: Make, waits: Waits) -> None:
    (port,) = free_ports(1)
    model = make(base_url=f"http://127.0.0.1:{port}", hears=False)
    with pytest.raises(ControllerError, match=rf"127.0.0.1:{port}/v1: no connection .* is the server running"):
        ask(model)
    assert len(waits) == 3


def test_a_server_that_goes_away_later_is_an_error_of_each_prompt(waits: Waits) -> None:
    with FaultServer() as server:
        model = OpenAIModel(base_url=server.url, model="tiny", hears=False, key_variable="", sleep=waits.sleep)
        assert ask(model).text == "fine"
    with model:
        assert "no connection" in ask(model).error


@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_key_is_asked_for_by_the_name_of_its_variable(server: FaultServer, make: Make, status: int) -> None:
    server.otherwise = complains(status, "no")
    with pytest.raises(ControllerError, match="into the environment variable SPEECHAGENTS_API_KEY"):
        ask(make(hears=False))
    with pytest.raises(ControllerError, match="into the environment variable MY_KEY"):
        ask(make(hears=False, key_variable="MY_KEY"))
    with pytest.raises(ControllerError, match="key_variable"):
        ask(make(hears=False, key_variable=""))


def test_a_wrong_key_is_named_by_its_variable(server: FaultServer, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-made-up-0123456789")
    server.otherwise = complains(401, "Incorrect API key provided: sk-made-****6789")
    with pytest.raises(ControllerError, match="check the key in the environment variable MY_KEY") as caught:
        ask(make(hears=False, key_variable="MY_KEY"))
    assert "6789" not in str(caught.value)


def test_a_model_that_is_not_there_is_answered_with_those_that_are(server: FaultServer, make: Make) -> None:
    server.otherwise = complains(404, "model 'huge' not found")
    with pytest.raises(ControllerError, match="it has no model 'huge'; it has: tiny, large"):
        ask(make(model="huge", hears=False))
    with pytest.raises(ControllerError, match="lists the model 'tiny', but has no chat completions"):
        ask(make(hears=False))
    server.models = complains(404)
    with pytest.raises(ControllerError, match="does the base URL end in /v1"):
        ask(make(model="huge", hears=False))


def test_the_first_model_of_the_list_is_taken_when_none_is_named(server: FaultServer, make: Make) -> None:
    model = make(model="", hears=False)
    assert ask(model).text == "fine"
    assert server.received[0].json["model"] == "tiny"
    assert model.identity == make(model="tiny").identity
    assert len(server.listed) == 1


@pytest.mark.parametrize(
    ("models", "error"),
    [
        (sends({"data": []}), "lists no models"),
        (complains(404), "does the base URL end in /v1"),
        (complains(401), "SPEECHAGENTS_API_KEY"),
        (sends(b"<html>", kind="text/html"), "not JSON"),
    ],
)
def test_a_server_without_models_is_told(server: FaultServer, make: Make, models: Answer, error: str) -> None:
    server.models = models
    with pytest.raises(ControllerError, match=error):
        ask(make(model="", hears=False))


def test_an_error_that_ends_everything_breaks_off_the_other_requests(server: FaultServer, make: Make) -> None:
    server.rule = in_turn(complains(403, "no"), hangs(server))
    with pytest.raises(ControllerError, match="status 403"):
        list(make(hears=False).generate([prompt("0"), prompt("1")], seed=1))
    server.rule = in_turn(says("fine"))
    assert ask(make(hears=False), "0").text == "fine"


# Making one


def test_the_identity_is_the_model_and_not_where_it_runs(make: Make) -> None:
    assert make(base_url="http://localhost:1/v1").identity == make(base_url="http://localhost:2/v1").identity
    assert make(model="tiny").identity != make(model="large").identity


@pytest.mark.parametrize(
    "options",
    [
        {"concurrency": 0},
        {"concurrency": 100_000},
        {"timeout_s": 0},
        {"timeout_s": float("nan")},
        {"attempts": 0},
        {"max_answer_bytes": 10},
        {"base_url": ""},
        {"base_url": "localhost:11434"},
    ],
)
def test_options_out_of_range_are_refused(make: Make, options: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        make(**options)
