"""One person's live session: what its client asks for, and what is done about it.

Owns the meaning of client events, the opening of a scene and the person's ear. Does not know sockets and resuming
(`sessions`, `socket`), how a scene is played (`play`) or where productions lie: the scene is opened by a function that
it is given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from speechagents.audio import Audio
from speechagents.drama import clean_name
from speechagents.errors import ListenerError, SpeechAgentsError
from speechagents.listeners.listener import ChecksLanguage, Listener, StreamingListener
from speechagents.listeners.vad import SileroVad
from speechagents.live import drama_events, server_events
from speechagents.live.client_events import (
    AppendAudio,
    CancelResponse,
    ClearAudio,
    ClearOutput,
    CommitAudio,
    CreateItem,
    CreateResponse,
    OpenScene,
    PauseScene,
    Playback,
    PlayScene,
    PushToTalk,
    RetrieveItem,
    ServerVad,
    TruncateItem,
    UpdateSession,
)
from speechagents.live.conversation import Conversation
from speechagents.live.drama_events import RoleView, SceneView
from speechagents.live.ear import Ear
from speechagents.live.endpointing import TurnDetection, TurnDetector
from speechagents.live.outbox import Outbox
from speechagents.live.pcm16 import RATE_HZ
from speechagents.live.play import Play, Threads
from speechagents.live.scene import LiveScene
from speechagents.live.sessions import Attached, Detached, SessionInput
from speechagents.live.timing import Clock
from speechagents.live.wire import WireError

MODEL: Final = "speechagents-stage"
"""What a session calls its model before a scene, and so a controller, is chosen."""

_DEFAULT_VAD: Final = ServerVad()
_TUNING_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Hearing:
    """How sessions hear people.

    Attributes:
        vad: Tells voice from silence; its weights are shared.
        listener: Understands; None if nothing here can.
        deaf: Why nothing can, with the remedy; empty if there is a listener.
        threads: Where the work is done.
    """

    vad: SileroVad
    listener: Listener | None
    deaf: str
    threads: Executor


@dataclass(frozen=True, slots=True)
class Opened:
    """A scene that was opened for a session.

    Attributes:
        scene: Not yet entered.
        production: Id of the production that it becomes.
        afterwards: What is to be done once it was left; called in a thread.
    """

    scene: LiveScene
    production: str
    afterwards: Callable[[], None]


class StageSession:
    """A session. All methods are called in the event loop.

    Args:
        session_id: Its id, also for coming back.
        outbox: What the client is told.
        opens: Opens the scene that a client asks for; called in a thread, raises `SpeechAgentsError`.
        default: The scene for a client that asks for none.
        hearing: How the person is heard.
        threads: Where thinking and speaking are done.
        clock: Tells the time.
    """

    def __init__(
        self,
        session_id: str,
        outbox: Outbox,
        *,
        opens: Callable[[OpenScene], Opened],
        default: OpenScene,
        hearing: Hearing,
        threads: Threads,
        clock: Clock,
    ) -> None:
        self.id = session_id
        self.outbox = outbox
        self._opens = opens
        self._default = default
        self._hearing = hearing
        self._threads = threads
        self._clock = clock
        self._zero_s = clock.now_s()
        self._conversation = Conversation()
        self._detection: ServerVad | PushToTalk = _filled(_DEFAULT_VAD, _DEFAULT_VAD)
        self._play: Play | None = None
        self._ear: Ear | None = None
        self._left = ExitStack()
        self._person_paused = False
        self._is_attached = False
        self._closed = False
        outbox.put(server_events.session_created(self._view()))

    async def receive(self, event: SessionInput) -> None:
        """Do what the client asks for, one thing after the other.

        Raises:
            WireError: It cannot be done; the session goes on.
        """
        match event:
            case AppendAudio():
                play = await self._stage()
                if self._ear is not None and not play.is_over:
                    self._ear.hear(event.audio, self._clock.now_s() - self._zero_s)
            case CommitAudio():
                await self._stage()
                if self._ear is not None:
                    self._ear.commit()
            case ClearAudio():
                if self._ear is not None:
                    self._ear.forget()
                self.outbox.put(server_events.audio_cleared())
            case CreateItem():
                (await self._stage()).type(event.text, event.item_id or self._conversation.name("item"))
            case CreateResponse():
                self._let_speak(await self._stage(), event)
            case CancelResponse():
                self._cancel(event.response_id, event.event_id)
            case ClearOutput():
                if self._play is not None:
                    self._play.cancel()
            case TruncateItem():
                # What was played of a line was settled when it was cut; the client's own count comes by drama.playback.
                if self._play is not None:
                    self._play.played(event.item_id, event.audio_end_ms / 1000)
                self.outbox.put(server_events.item_truncated(event.item_id, event.audio_end_ms / 1000))
            case RetrieveItem():
                self._show(event)
            case UpdateSession():
                self._update(event)
            case OpenScene():
                if self._play is not None:
                    raise WireError(
                        "a scene is open already; leave, and open another one in a new session",
                        code="scene_already_open",
                        event_id=event.event_id,
                    )
                await self._open(event)
            case PauseScene() | PlayScene():
                self._person_paused = isinstance(event, PauseScene)
                paused = self._person_paused
                self.outbox.put(drama_events.scene_paused() if paused else drama_events.scene_playing())
                self._hold_or_go()
            case Playback():
                if self._play is not None:
                    self._play.played(event.item_id, event.played_ms / 1000)
            case Attached():
                self._is_attached = True
                if event.missed and self._play is not None:
                    self._catch_up(self._play)
                self._hold_or_go()
            case Detached():
                self._is_attached = False
                self._hold_or_go()
            case _:
                raise WireError("is not for a session", code="unsupported_event", event_id=event.event_id)

    async def close(self, reason: str) -> None:
        """End the session; what was played so far is a production."""
        del reason
        if self._closed:
            return
        self._closed = True
        if self._ear is not None:
            self._ear.close()
        if self._play is not None:
            await self._play.close()
        await asyncio.get_running_loop().run_in_executor(self._threads.thinking, self._left.close)

    async def _stage(self) -> Play:
        """The scene that is played; the default one for a client that has asked for none."""
        if self._play is None:
            await self._open(self._default)
        assert self._play is not None  # noqa: S101 - opened, or an error was raised
        return self._play

    async def _open(self, wanted: OpenScene) -> None:
        def enter() -> tuple[Opened, str]:
            opened = self._opens(wanted)
            self._left.callback(opened.afterwards)
            self._left.enter_context(opened.scene)
            return opened, self._deaf_to(opened.scene.scene.language)

        try:
            opened, deaf = await asyncio.get_running_loop().run_in_executor(self._threads.thinking, enter)
        except SpeechAgentsError as error:
            raise WireError(
                clean_name(str(error)), code="scene_refused", param="scene", event_id=wanted.event_id
            ) from error
        scene = opened.scene
        self._play = Play(scene, self.outbox, self._conversation, self._clock, self._threads)
        self._zero_s = self._play.zero_s
        self._listen(scene, deaf)
        self.outbox.put(drama_events.scene_opened(self._scene_view(opened, deaf)))
        self._catch_up(self._play)
        self._apply()
        self._hold_or_go()

    def _listen(self, scene: LiveScene, deaf: str) -> None:
        assert self._play is not None  # noqa: S101 - called once it is open
        if self._ear is not None:
            self._ear.close()
        listener = self._hearing.listener if not deaf else None
        hints, language = _hints(scene), scene.scene.language
        self._ear = Ear(
            TurnDetector(self._turn_detection(language), self._hearing.vad),
            listener,
            self._hearing.threads,
            self._play.hear,
            deaf=deaf,
            hints=hints,
            language=language,
        )
        if isinstance(listener, StreamingListener):
            self._hearing.threads.submit(_tune_in, listener, hints, language)

    def _catch_up(self, play: Play) -> None:
        """Tell all messages so far to a client that does not know them."""
        for message in play.scene.messages():
            play.show(message)

    def _deaf_to(self, language: str) -> str:
        """Why nobody understands the person in this language; empty if somebody does."""
        listener = self._hearing.listener
        if listener is None:
            return self._hearing.deaf
        if isinstance(listener, ChecksLanguage):
            try:
                listener.check_language(language)
            except ListenerError as error:
                return str(error)
        return ""

    def _turn_detection(self, language: str) -> TurnDetection:
        chosen = self._detection
        if isinstance(chosen, PushToTalk):
            # The client commits; a pause never ends an utterance.
            return TurnDetection(ends_by_itself=False, language=language)
        default = TurnDetection()
        return replace(
            default,
            language=language,
            threshold=default.threshold if chosen.threshold is None else chosen.threshold,
            prefix_padding_s=(
                default.prefix_padding_s if chosen.prefix_padding_ms is None else chosen.prefix_padding_ms / 1000
            ),
            silence_s=default.silence_s if chosen.silence_ms is None else chosen.silence_ms / 1000,
        )

    def _update(self, event: UpdateSession) -> None:
        if event.turn_detection is not None:
            wanted = event.turn_detection
            self._detection = _filled(wanted, self._detection) if isinstance(wanted, ServerVad) else wanted
            if self._play is not None:
                self._listen(self._play.scene, self._deaf_to(self._play.scene.scene.language))
                self._apply()
        self.outbox.put(server_events.session_updated(self._view()))

    def _apply(self) -> None:
        chosen = self._detection
        if self._play is None:
            return
        if isinstance(chosen, PushToTalk):
            self._play.turn_taking(answers=True, interrupts=True)
        else:
            self._play.turn_taking(answers=chosen.answers, interrupts=chosen.interrupts)

    def _hold_or_go(self) -> None:
        if self._play is None or self._closed:
            return
        if self._is_attached and not self._person_paused:
            self._play.go_on()
        else:
            self._play.pause()

    def _let_speak(self, play: Play, event: CreateResponse) -> None:
        if not event.role:
            play.urge()
        elif not play.call(event.role):
            raise WireError(
                f"no agent called {clean_name(event.role)!r} is on stage",
                code="role_not_found",
                param="response.metadata.role",
                event_id=event.event_id,
            )

    def _cancel(self, response_id: str, event_id: str) -> None:
        if self._play is None or not self._play.cancel(response_id):
            raise WireError(
                "nobody is speaking, or not in that response", code="response_cancel_not_active", event_id=event_id
            )

    def _show(self, event: RetrieveItem) -> None:
        item = self._conversation.find(event.item_id)
        if item is None:
            raise WireError(
                "there is no such item, or it is too old",
                code="item_not_found",
                param="item_id",
                event_id=event.event_id,
            )
        self.outbox.put(server_events.item_retrieved(item))

    def _view(self) -> dict[str, Any]:
        scene = self._play.scene if self._play is not None else None
        return server_events.session_view(
            self.id,
            self._detection,
            model=scene.controller if scene is not None else MODEL,
            instructions=scene.scene.background if scene is not None else "",
        )

    def _scene_view(self, opened: Opened, deaf: str) -> SceneView:
        scene = opened.scene
        brief = scene.scene
        listener = self._hearing.listener
        return SceneView(
            title=brief.title,
            setting=brief.setting,
            background=brief.background,
            language=brief.language,
            role=scene.person,
            roles=tuple(
                RoleView(
                    role.name,
                    role.profile,
                    "" if role.name == scene.person else scene.cast[role.name].voice.id,
                    role.name == scene.person,
                )
                for role in brief.roles
            ),
            controller=scene.controller,
            listener=deaf or (listener.identity if listener is not None else ""),
            production=opened.production,
        )


def _filled(wanted: ServerVad, before: ServerVad | PushToTalk) -> ServerVad:
    """What is wanted, with all numbers set: those that are not named stay as they were."""
    default = TurnDetection()
    base = ServerVad(default.threshold, round(1000 * default.prefix_padding_s), round(1000 * default.silence_s))
    if isinstance(before, ServerVad) and before.threshold is not None:
        base = before
    return replace(
        wanted,
        threshold=base.threshold if wanted.threshold is None else wanted.threshold,
        prefix_padding_ms=base.prefix_padding_ms if wanted.prefix_padding_ms is None else wanted.prefix_padding_ms,
        silence_ms=base.silence_ms if wanted.silence_ms is None else wanted.silence_ms,
    )


def _tune_in(listener: StreamingListener, hints: Sequence[str], language: str) -> None:
    """Let a recogniser start and learn the likely words before the person has said the first one."""
    with suppress(ListenerError):  # told when the person speaks
        hearer = listener.open(hints=hints, language=language)
        hearer.feed(Audio.silence(_TUNING_S, RATE_HZ))
        hearer.finish()


def _hints(scene: LiveScene) -> list[str]:
    """Names and words that the person is likely to say."""
    brief = scene.scene
    return [*(role.name for role in brief.roles), brief.title, brief.background, *brief.beats]
