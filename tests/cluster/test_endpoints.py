"""A pool of real servers that misbehave: who is asked, who is asked next, and when all are given up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from speechagents.cluster.budget import BrokenOffError, Caps
from speechagents.cluster.endpoint import EndpointSpec
from speechagents.cluster.endpoints import ATTEMPTS, EndpointPool
from speechagents.cluster.figures import Account, Outcome, RunFigures
from speechagents.controllers.controller import Usage
from speechagents.controllers.language_model import Reply
from speechagents.errors import ClusterError
from tests.cluster.talking import pool_of, slowly, spec, wait_until
from tests.controllers.asking import prompt
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
    never_ends,
    says,
    sends,
)

Open = Callable[..., EndpointPool]


@pytest.fixture
def servers() -> Iterator[Sequence[FaultServer]]:
    """Three, which say their numbers."""
    with ExitStack() as running:
        made = [running.enter_context(FaultServer()) for _ in range(3)]
        for number, server in enumerate(made):
            server.otherwise = says(str(number))
        yield made


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens pools that are closed in the end."""
    pools: list[EndpointPool] = []

    def build(*specs: EndpointSpec, **options: object) -> EndpointPool:
        pools.append(pool_of(*specs, **options))  # type: ignore[arg-type]
        return pools[-1]

    yield build
    for pool in pools:
        pool.close()


def ask(pool: EndpointPool, *texts: str, account: Account | None = None) -> list[Reply]:
    model = pool.model(account or Account())
    return list(model.generate([prompt(text) for text in texts or ("Hello",)], seed=7))


def texts(replies: Sequence[Reply]) -> list[str]:
    return [reply.text for reply in replies]


# Who is asked


def test_requests_are_spread_by_how_busy_each_is(servers: Sequence[FaultServer], opened: Open) -> None:
    everybody = threading.Barrier(7)

    def with_all_others(number: int) -> Answer:
        def answer(line: Line) -> None:
            everybody.wait(PATIENCE_S)
            says(str(number))(line)

        return answer

    for number, server in enumerate(servers):
        server.otherwise = with_all_others(number)
    pool = opened(*(spec(server, concurrency=most) for server, most in zip(servers, (1, 2, 4), strict=True)))
    assert sorted(texts(ask(pool, *map(str, range(7))))) == ["0", "1", "1", "2", "2", "2", "2"]


def test_no_endpoint_has_more_at_once_than_it_takes(servers: Sequence[FaultServer], opened: Open) -> None:
    for server in servers:
        server.otherwise = slowly(says("done"), 0.01)
    pool = opened(*(spec(server, concurrency=most) for server, most in zip(servers, (1, 2, 3), strict=True)))
    assert texts(ask(pool, *map(str, range(40)))) == ["done"] * 40
    assert [server.most_at_once for server in servers] == [1, 2, 3]
    assert sum(len(server.received) for server in servers) == 40


def test_of_those_equally_busy_the_quicker_one_is_asked(servers: Sequence[FaultServer], opened: Open) -> None:
    slow, quick, _ = servers
    slow.otherwise = slowly(says("slow"), 0.2)
    pool = opened(spec(slow), spec(quick))
    ask(pool, "0", "1")
    assert texts([reply for _ in range(5) for reply in ask(pool)]) == ["1"] * 5


def test_replies_come_in_the_order_of_the_prompts_with_their_cost(servers: Sequence[FaultServer], opened: Open) -> None:
    account = Account()
    servers[0].rule = lambda received: slowly(says(received.asked, tokens=(7, 2)), (9 - int(received.asked)) / 100)
    pool = opened(spec(servers[0], "only", concurrency=10))
    replies = ask(pool, *map(str, range(10)), account=account)
    assert texts(replies) == [str(number) for number in range(10)]
    assert {reply.usage for reply in replies} == {Usage(7, 2)}
    assert (account.requests, account.tokens) == ({"only": 10}, 90)


def test_a_server_that_counts_no_tokens_is_estimated_for_the_budget(
    servers: Sequence[FaultServer], opened: Open
) -> None:
    servers[0].otherwise = sends({"choices": [{"message": {"content": "Good evening to you."}}]})
    account = Account()
    (reply,) = ask(opened(spec(servers[0])), account=account)
    assert reply.usage == Usage()
    assert 5 <= account.tokens <= 30


def test_what_a_server_takes_is_learned_once(servers: Sequence[FaultServer], opened: Open) -> None:
    server = servers[0]
    server.rule = lambda received: (
        complains(400, "response_format is not supported") if "response_format" in received.json else None
    )
    account = Account()
    pool = opened(spec(server, "a"))
    assert texts(ask(pool, account=account)) == ["0"]
    assert texts(ask(pool, account=account)) == ["0"]
    assert len(server.received) == account.requests["a"] == 4, "with a schema, with JSON, and twice without either"


def test_a_model_that_nobody_named_is_asked_for_once(servers: Sequence[FaultServer], opened: Open) -> None:
    pool = opened(spec(servers[0], model=""))
    ask(pool, "0", "1", "2")
    assert {received.json["model"] for received in servers[0].received} == {"tiny"}
    assert len(servers[0].listed) == 1


# What fails is tried elsewhere


@pytest.mark.parametrize(
    "fault",
    [
        complains(500, "out of memory"),
        complains(503),
        complains(400, "too long for me"),
        complains(413),
        drops_at_once,
        drops_midway,
        sends(b"<html>busy</html>", kind="text/html"),
        sends(b"{"),
        sends([1, 2]),
        says(""),
        never_ends,
    ],
)
def test_an_answer_that_fails_at_one_is_had_from_another(
    servers: Sequence[FaultServer], opened: Open, fault: Answer
) -> None:
    bad, good, _ = servers
    bad.otherwise = fault
    pool = opened(spec(bad), spec(good))
    assert texts(ask(pool)) == ["1"]
    assert (len(bad.received), len(good.received)) == (1, 1)


def test_an_endpoint_that_hangs_is_left_for_another(servers: Sequence[FaultServer], opened: Open) -> None:
    servers[0].otherwise = hangs(servers[0])
    pool = opened(spec(servers[0], timeout_s=0.3), spec(servers[1]))
    assert texts(ask(pool)) == ["1"]
    assert servers[0].wait_for_hang_ups(1)


def test_what_all_refuse_is_an_error_of_that_prompt_alone(servers: Sequence[FaultServer], opened: Open) -> None:
    for number, server in enumerate(servers):
        server.rule = in_turn(complains(400, "I will not"), says(f"said {number}"))
    pool = opened(*map(spec, servers))
    refused, answered = ask(pool, "0", "1")
    assert "status 400: I will not" in refused.error
    assert answered.text.startswith("said")
    assert sum(len(server.received) for server in servers) == 4, "each was asked once for what it refuses"


def test_a_prompt_that_breaks_every_server_is_given_up_and_the_servers_are_not(
    servers: Sequence[FaultServer], opened: Open
) -> None:
    for server in servers:
        server.rule = in_turn(complains(500), says("well"))
    figures = RunFigures("abc")
    pool = opened(*(spec(server, name) for server, name in zip(servers, "abc", strict=True)), figures=figures)
    assert "500" in ask(pool, "0")[0].error
    assert sum(len(server.received) for server in servers) == ATTEMPTS
    assert texts(ask(pool, *["1"] * 6)) == ["well"] * 6
    assert all(one.up for one in figures.endpoints.values())


def test_a_lone_server_that_breaks_down_is_asked_again(servers: Sequence[FaultServer], opened: Open) -> None:
    servers[0].answers.extend([complains(500), drops_at_once, complains(502)])
    assert texts(ask(opened(spec(servers[0])))) == ["0"]


# Endpoints that are out of order


def test_a_dead_endpoint_is_left_alone_and_nobody_suffers(servers: Sequence[FaultServer], opened: Open) -> None:
    figures = RunFigures("ab")
    pool = opened(spec(free_ports(1)[0], "a"), spec(servers[1], "b"), figures=figures)
    assert texts(ask(pool, *map(str, range(30)))) == ["1"] * 30
    dead = figures.endpoints["a"]
    assert not dead.up
    assert "no connection" in dead.why
    assert dead.outcomes[Outcome.UNREACHABLE] <= 8, "no more than were given to it at first"


def test_requests_wait_for_an_endpoint_that_comes_back(opened: Open) -> None:
    (port,) = free_ports(1)
    pool = opened(spec(port), patience_s=PATIENCE_S)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(ask, pool, "a", "b", "c")
        time.sleep(0.3)
        assert not waiting.done()
        with FaultServer(port=port) as server:
            server.otherwise = says("back")
            assert texts(waiting.result(PATIENCE_S)) == ["back"] * 3


def test_one_probe_at_a_time_goes_to_an_endpoint_that_rests(servers: Sequence[FaultServer], opened: Open) -> None:
    server = servers[0]
    everybody = threading.Barrier(4)
    probing = threading.Event()

    def turns_all_away(line: Line) -> None:
        everybody.wait(PATIENCE_S)
        complains(429, headers={"Retry-After": "0.5"})(line)

    def first_alone(line: Line) -> None:
        time.sleep(0.1)
        probing.set()
        says("probe")(line)

    def others(line: Line) -> None:
        assert probing.is_set(), "others wait for the probe's answer"
        says("after")(line)

    server.answers.extend([*[turns_all_away] * 4, first_alone])
    server.otherwise = others
    assert sorted(texts(ask(opened(spec(server, concurrency=4)), *"abcd"))) == ["after", "after", "after", "probe"]


def test_one_that_asks_for_rest_gets_it_while_others_go_on(servers: Sequence[FaultServer], opened: Open) -> None:
    tired, fresh, _ = servers
    tired.answers.append(complains(429, "slow down", headers={"Retry-After": "0.5"}))
    figures = RunFigures(["tired", "fresh"])
    pool = opened(spec(tired, "tired", concurrency=1), spec(fresh, "fresh", concurrency=1), figures=figures)
    began_s = time.monotonic()
    assert texts(ask(pool)) == ["1"]
    rested_s = None
    while rested_s is None and time.monotonic() < began_s + PATIENCE_S:
        assert set(texts(ask(pool, "a", "b"))) <= {"0", "1"}
        if len(tired.received) > 1:
            rested_s = time.monotonic() - began_s
    assert rested_s is not None
    assert rested_s >= 0.5, "not before it was up"
    assert figures.endpoints["tired"].outcomes[Outcome.LIMITED] == 1
    assert figures.endpoints["fresh"].outcomes[Outcome.LIMITED] == 0


def test_rest_is_no_attempt_of_the_request(servers: Sequence[FaultServer], opened: Open) -> None:
    servers[0].answers.extend([complains(429, headers={"Retry-After": "0"})] * (3 * ATTEMPTS))
    assert texts(ask(opened(spec(servers[0])))) == ["0"]


# All are given up


def test_if_nobody_answers_for_too_long_the_pool_is_given_up_with_each_reason(
    servers: Sequence[FaultServer], opened: Open
) -> None:
    servers[0].otherwise = complains(429, "quota", headers={"Retry-After": "100"})
    dead = spec(free_ports(1)[0], "dead")
    pool = opened(dead, spec(servers[0], "tired"), patience_s=0.4)
    began_s = time.monotonic()
    with pytest.raises(ClusterError, match=r"no endpoint has answered for .*dead: no connection.*tired: .*429: quota"):
        ask(pool)
    assert 0.4 <= time.monotonic() - began_s < PATIENCE_S
    with pytest.raises(ClusterError, match="no endpoint has answered"):
        ask(pool)


@pytest.mark.parametrize(("status", "remedy"), [(401, "check its key"), (404, "does it have that model")])
def test_a_wrong_key_or_model_is_told_at_once_if_there_is_no_other(
    servers: Sequence[FaultServer], opened: Open, status: int, remedy: str
) -> None:
    servers[0].otherwise = complains(status, "no")
    pool = opened(spec(servers[0], "a"), patience_s=1_000.0)
    with pytest.raises(ClusterError, match=rf"no endpoint can be used \(a: .*status {status}.*{remedy}"):
        ask(pool)
    assert len(servers[0].received) == 1


def test_one_with_a_wrong_key_is_not_asked_again_while_others_go_on(
    servers: Sequence[FaultServer], opened: Open
) -> None:
    servers[0].otherwise = complains(401)
    pool = opened(spec(servers[0], concurrency=1), spec(servers[1]))
    assert texts(ask(pool, *map(str, range(20)))) == ["1"] * 20
    assert len(servers[0].received) == 1


def test_a_key_that_runs_out_lets_the_endpoint_rest_only(servers: Sequence[FaultServer], opened: Open) -> None:
    pool = opened(spec(servers[0]))
    assert texts(ask(pool)) == ["0"]
    servers[0].answers.append(complains(401))
    assert texts(ask(pool)) == ["0"], "it may have been renewed"


# Budget and end


def test_nothing_is_sent_beyond_the_budget(servers: Sequence[FaultServer], opened: Open) -> None:
    pool = opened(*map(spec, servers), caps=Caps(requests=5))
    with pytest.raises(BrokenOffError, match="the budget of 5 requests is spent"):
        ask(pool, *map(str, range(12)))
    assert sum(len(server.received) for server in servers) <= 5


def test_closing_breaks_off_what_waits_and_what_is_under_way(servers: Sequence[FaultServer], opened: Open) -> None:
    servers[0].otherwise = hangs(servers[0])
    figures = RunFigures("a")
    pool = opened(spec(servers[0], "a", concurrency=1), figures=figures)
    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(ask, pool, text) for text in "ab"]
        assert wait_until(lambda: servers[0].received)
        pool.close()
        for one in asked:
            with pytest.raises(BrokenOffError, match="the run ends"):
                one.result(PATIENCE_S)
    with pytest.raises(BrokenOffError, match="the run ends"):
        ask(pool)
    assert servers[0].wait_for_hang_ups(1)
    assert figures.endpoints["a"].outcomes[Outcome.BROKEN_OFF] == 1
    assert figures.endpoints["a"].in_flight == 0


def test_whoever_leaves_gives_the_place_to_others(servers: Sequence[FaultServer], opened: Open) -> None:
    server = servers[0]
    server.answers.append(hangs(server))
    pool = opened(spec(server, concurrency=1))
    leaving, staying = (pool.start(prompt(text), seed=1, account=Account()) for text in "ab")
    assert wait_until(lambda: server.received)
    leaving.cancel()
    assert staying.result(PATIENCE_S).text == "0"
    assert server.wait_for_hang_ups(1)


def test_figures_agree_with_what_the_servers_saw(servers: Sequence[FaultServer], opened: Open) -> None:
    servers[0].answers.extend([complains(500), complains(400), says("")])
    servers[1].answers.extend([complains(429, headers={"Retry-After": "0"}), drops_at_once])
    figures = RunFigures("abc")
    account = Account()
    pool = opened(*(spec(server, name) for server, name in zip(servers, "abc", strict=True)), figures=figures)
    ask(pool, *map(str, range(60)), account=account)
    for name, server in zip("abc", servers, strict=True):
        one = figures.endpoints[name]
        assert one.requests == account.requests[name] == len(server.received)
        assert sum(one.classes) == one.outcomes[Outcome.ANSWERED]
        assert one.usage.tokens_in == 12 * one.outcomes[Outcome.ANSWERED]
        assert one.in_flight == 0


def test_a_pool_hears_nothing_and_names_its_models(servers: Sequence[FaultServer], opened: Open) -> None:
    model = opened(spec(servers[0], model="b"), spec(servers[1], model="a")).model(Account())
    assert not model.hears
    assert model.identity == "endpoints 1 a, b"
    assert servers[0].connections == 0
