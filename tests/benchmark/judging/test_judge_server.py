"""A judge's server: whatever goes wrong has a kind, nothing waits for ever, and nothing costs more than it may."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from speechagents.benchmark.judging.judge_server import GIVE_UP, Answer, JudgeServer, Question
from speechagents.benchmark.judging.opinions import FailureKind
from speechagents.benchmark.judging.purse import Cost, Purse
from speechagents.controllers.controller import Usage
from speechagents.errors import ControllerError, SettingsError
from tests.controllers.asking import Waits, prompt
from tests.controllers.fault_server import (
    PATIENCE_S,
    FaultServer,
    Line,
    Received,
    complains,
    completion,
    drips,
    drops_at_once,
    drops_midway,
    free_ports,
    hangs,
    never_ends,
    says,
    sends,
)
from tests.controllers.fault_server import Answer as Act

MakeServer = Callable[..., JudgeServer]


@pytest.fixture
def connect(server: FaultServer, waits: Waits) -> Iterator[MakeServer]:
    made: list[JudgeServer] = []

    def build(**options: object) -> JudgeServer:
        chosen = {
            "base_url": server.url,
            "model": "tiny",
            "key_variable": "",
            "concurrency": 4,
            "timeout_s": PATIENCE_S,
            "attempts": 2,
            "sleep": waits.sleep,
            **options,
        }
        made.append(JudgeServer(**chosen))  # type: ignore[arg-type]
        return made[-1]

    yield build
    for one in made:
        one.close()


def questions(count: int) -> list[Question[int]]:
    return [Question(number, prompt(f"question {number}"), seed=number) for number in range(count)]


def ask(judges: JudgeServer, count: int = 1, tokens: int = 0) -> dict[int, Answer]:
    return dict(judges.answers(questions(count), Purse(tokens)))


def proven(connect: MakeServer, **options: object) -> JudgeServer:
    """One whose server has answered before."""
    judges = connect(**options)
    assert ask(judges)[0].text == "fine"
    return judges


# What goes wrong


@pytest.mark.parametrize(
    ("act", "kind", "final"),
    [
        (says("anything"), None, True),
        (sends(completion(None, refusal="I will not.")), FailureKind.REFUSED, True),
        (
            sends({"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]}),
            FailureKind.REFUSED,
            True,
        ),
        (sends({"choices": [{"message": {"content": ""}, "finish_reason": "length"}]}), FailureKind.MALFORMED, True),
        (says(""), FailureKind.MALFORMED, True),
        (sends({"choices": [{"message": 3}]}), FailureKind.MALFORMED, True),
        (sends({"error": {"message": "overloaded"}}), FailureKind.UNREACHABLE, False),
        (sends({"choices": []}), FailureKind.UNREACHABLE, False),
        (sends([]), FailureKind.UNREACHABLE, False),
        (complains(400, "too long"), FailureKind.REFUSED, False),
        (complains(402, "no money"), FailureKind.REFUSED, False),
        (complains(403), FailureKind.REFUSED, False),
        (complains(413), FailureKind.REFUSED, False),
        (complains(429), FailureKind.UNREACHABLE, False),
        (complains(500, "out of memory"), FailureKind.UNREACHABLE, False),
        (complains(503, "loading"), FailureKind.UNREACHABLE, False),
        (sends(b"", status=307, headers={"Location": "http://127.0.0.1:9/"}), FailureKind.REFUSED, False),
        (sends(b"<html>Good evening</html>", kind="text/html"), FailureKind.MALFORMED, False),
        (sends(b'{"choices": ['), FailureKind.MALFORMED, False),
        (never_ends, FailureKind.MALFORMED, False),
        (drops_midway, FailureKind.UNREACHABLE, False),
        (drops_at_once, FailureKind.UNREACHABLE, False),
    ],
)
def test_every_fault_has_a_kind(
    server: FaultServer, connect: MakeServer, act: Act, kind: FailureKind | None, final: bool
) -> None:
    judges = proven(connect)
    server.otherwise = act
    answer = ask(judges)[0]
    assert (answer.kind, answer.final) == (kind, final)
    assert bool(answer.reason) == (kind is not None)
    server.otherwise = says("fine")
    assert ask(judges)[0].text == "fine", "one failure harms no other question"


def test_who_never_answers_and_who_never_ends_is_timed_out(server: FaultServer, connect: MakeServer) -> None:
    judges = proven(connect, timeout_s=0.3, attempts=1)
    for act in (hangs(server), drips(b"HTTP/1.1 200 Fine\r\nContent-Type: application/json\r\n\r\n")):
        server.answers.append(act)
        answer = ask(judges)[0]
        assert (answer.kind, answer.final) == (FailureKind.TIMED_OUT, False)
        assert "0.3 s" in answer.reason


def test_a_server_that_goes_away_is_unreachable(connect: MakeServer) -> None:
    with FaultServer() as leaving:
        judges = proven(connect, base_url=leaving.url)
    assert ask(judges)[0].kind is FailureKind.UNREACHABLE


def test_troubles_that_pass_are_outlived(server: FaultServer, connect: MakeServer, waits: Waits) -> None:
    server.answers.extend([complains(503), says("at last")])
    assert ask(connect())[0].text == "at last"
    assert len(waits) == 1


@pytest.mark.parametrize("act", [complains(401), complains(404, "no such model")])
def test_a_server_that_never_worked_and_refuses_everything_is_told_at_once(
    server: FaultServer, connect: MakeServer, act: Act
) -> None:
    server.otherwise = act
    with pytest.raises(ControllerError):
        ask(connect(), 20)


def test_nobody_there_is_told_at_once(connect: MakeServer) -> None:
    (port,) = free_ports(1)
    with pytest.raises(ControllerError, match="is the server running"):
        ask(connect(base_url=f"http://127.0.0.1:{port}"), 20)


def test_after_many_troubles_in_a_row_nobody_is_asked_any_more(server: FaultServer, connect: MakeServer) -> None:
    judges = proven(connect, concurrency=2)
    server.otherwise = drops_at_once
    found = ask(judges, 30)
    kinds = [answer.kind for answer in found.values()]
    assert len(found) == 30
    assert GIVE_UP <= kinds.count(FailureKind.UNREACHABLE) <= GIVE_UP + 1
    assert kinds.count(FailureKind.UNASKED) == 30 - kinds.count(FailureKind.UNREACHABLE)
    assert "troubles in a row" in found[29].reason


def test_a_good_answer_now_and_then_keeps_it_going(server: FaultServer, connect: MakeServer) -> None:
    judges = proven(connect, concurrency=1, attempts=1)
    for _ in range(6):
        server.answers.extend([*[drops_at_once] * (GIVE_UP - 1), says("fine")])
    assert FailureKind.UNASKED not in {answer.kind for answer in ask(judges, 6 * GIVE_UP).values()}


def test_options_out_of_range_are_refused(connect: MakeServer) -> None:
    for options in ({"concurrency": 0}, {"timeout_s": 0.0}, {"attempts": 0}, {"base_url": "nonsense"}):
        with pytest.raises(SettingsError):
            connect(**options)


# Many at once


def test_as_many_are_asked_together_as_allowed_and_no_more(server: FaultServer, connect: MakeServer) -> None:
    pair = threading.Barrier(2)

    def with_another(line: Line) -> None:
        pair.wait(PATIENCE_S)
        says("together")(line)

    server.otherwise = with_another
    assert {answer.text for answer in ask(connect(concurrency=2), 8).values()} == {"together"}
    assert server.most_at_once == 2


def test_answers_come_as_they_are_ready(server: FaultServer, connect: MakeServer) -> None:
    go_on = threading.Event()

    def waits_for_it(line: Line) -> None:
        assert go_on.wait(PATIENCE_S)
        says("late")(line)

    server.rule = lambda received: waits_for_it if received.asked == "question 0" else None
    answers = connect(concurrency=2).answers(questions(4), Purse(0))
    assert [next(answers)[0] for _ in range(3)] == [1, 2, 3]
    go_on.set()
    assert [(tag, answer.text) for tag, answer in answers] == [(0, "late")]


def test_questions_are_drawn_when_there_is_room(server: FaultServer, connect: MakeServer) -> None:
    drawn: list[int] = []

    def drawing() -> Iterator[Question[int]]:
        for question in questions(20):
            drawn.append(question.tag)
            yield question

    answers = connect(concurrency=2).answers(drawing(), Purse(0))
    next(answers)
    assert len(drawn) <= 4
    assert len(list(answers)) == 19


def test_closing_the_iterator_breaks_off_what_is_under_way(server: FaultServer, connect: MakeServer) -> None:
    server.rule = lambda received: says("zero") if received.asked == "question 0" else hangs(server)
    answers = connect(concurrency=2).answers(questions(10), Purse(0))
    assert next(answers)[1].text == "zero"
    answers.close()
    assert len(server.received) <= 3


def test_what_is_answered_already_is_not_asked(server: FaultServer, connect: MakeServer) -> None:
    known = Answer("known", final=True)
    asked = [Question(0, prompt("x"), 0, known), Question(1, prompt("y"), 0), Question(2, prompt("z"), 0, known)]
    answers = dict(connect().answers(asked, Purse(0)))
    assert [answers[tag].text for tag in range(3)] == ["known", "fine", "known"]
    assert [received.asked for received in server.received] == ["y"]


# What it may cost


def test_a_budget_is_never_passed(server: FaultServer, connect: MakeServer) -> None:
    server.otherwise = says("fine", tokens=(20, 100))
    most = Cost.of(prompt("question 0")).most
    purse = Purse(4 * most)
    found = dict(connect(concurrency=2).answers(questions(20), purse))
    paid = [answer for answer in found.values() if answer.kind is None]
    assert len(server.received) == len(paid) == 4
    assert purse.spent == 4 * 120 <= purse.tokens
    assert {answer.reason for answer in found.values() if answer.kind} == {
        f"the budget of {purse.tokens} tokens is used up"
    }


def test_what_was_set_aside_and_not_used_is_used_for_others(server: FaultServer, connect: MakeServer) -> None:
    server.otherwise = says("fine", tokens=(10, 2))
    most = Cost.of(prompt("question 0")).most
    found = ask(connect(concurrency=4), 20, tokens=most + 15 * 12 + 1)
    assert sum(answer.kind is None for answer in found.values()) == 16


def test_what_failed_costs_nothing_but_what_came_too_late_does(server: FaultServer, connect: MakeServer) -> None:
    judges = proven(connect, attempts=1, timeout_s=0.3)
    server.answers.append(drops_at_once)
    purse = Purse(0)
    list(judges.answers(questions(1), purse))
    assert purse.spent == 0
    server.answers.append(hangs(server))
    list(judges.answers(questions(1), purse))
    assert purse.spent == Cost.of(prompt("question 0")).asking


def test_usage_is_what_the_server_counts(server: FaultServer, connect: MakeServer) -> None:
    server.otherwise = says("fine", tokens=(31, 4))
    assert ask(connect())[0].usage == Usage(31, 4)


# What the server takes


def no_schema(received: Received) -> Act | None:
    form = received.json.get("response_format", {}).get("type")
    return complains(400, "response_format is not supported") if form else None


def test_a_server_without_schemas_is_asked_without_and_not_told_twice(server: FaultServer, connect: MakeServer) -> None:
    server.rule = no_schema
    judges = connect(concurrency=1)
    assert {answer.text for answer in ask(judges, 3).values()} == {"fine"}
    forms = [received.json.get("response_format", {}).get("type") for received in server.received]
    assert forms == ["json_schema", "json_object", None, None, None]


def test_seed_and_temperature_are_sent(server: FaultServer, connect: MakeServer) -> None:
    ask(connect(concurrency=1), 3)
    assert [received.json["seed"] for received in server.received] == [0, 1, 2]
    assert {received.json["temperature"] for received in server.received} == {0.5}


@pytest.mark.parametrize(
    ("act", "hears"),
    [
        (lambda received: says("A tone.", tokens=(60 if received.sounds else 20, 3)), True),
        (lambda _: says("What sound?", tokens=(20, 3)), False),
        (lambda received: complains(400, "audio is not supported") if received.sounds else None, False),
    ],
)
def test_whether_it_hears_is_found_out_once(
    server: FaultServer, connect: MakeServer, act: Callable[[Received], Act | None], hears: bool
) -> None:
    server.rule = act
    judges = connect()
    assert [judges.hears, judges.hears] == [hears, hears]
    assert len(server.received) <= 2


def test_the_first_model_is_taken_where_none_is_named(server: FaultServer, connect: MakeServer) -> None:
    judges = connect(model="")
    assert judges.model == "tiny"
    ask(judges)
    assert len(server.listed) == 1
    assert server.received[0].json["model"] == "tiny"
