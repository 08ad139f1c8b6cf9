"""The recipes for several machines: the compose file and the Kubernetes objects are whole, safe, and fit together."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from speechagents.controllers.discovery import SERVER_VARIABLE
from speechagents.listeners.openai_transcriptions import SERVER_VARIABLE as TRANSCRIPTION_VARIABLE
from speechagents.serving.settings import DEFAULT_PORT
from speechagents.serving.wall import HEALTH
from speechagents.voices.openai_speech import SERVER_VARIABLE as SPEECH_VARIABLE
from tests.cluster.deploy_schemas import COMPOSE, KUBERNETES, KUSTOMIZATION
from tests.cluster.recipes import (
    BRAINS,
    DEPLOY,
    README,
    Machine,
    commands,
    compose,
    container,
    load,
    objects,
    options,
    pods,
    pyproject,
    serving,
)
from tests.json_schema import schema_complaints

# Compose


def test_compose_has_every_field_it_needs_and_no_unknown_one() -> None:
    assert schema_complaints(compose(), COMPOSE) == []


def test_what_a_service_refers_to_is_there() -> None:
    found = compose()
    services = found["services"]
    for name, service in services.items():
        assert {one["source"] for one in service.get("configs", ())} <= found["configs"].keys(), name
        assert set(service.get("secrets", ())) <= found["secrets"].keys(), name
        assert {one.partition(":")[0] for one in service.get("volumes", ())} <= found["volumes"].keys(), name
        assert service.get("depends_on", {}).keys() <= services.keys(), name
    for brain in BRAINS:
        for config in found["configs"].values():
            assert (DEPLOY / config["file"].replace("${BRAIN:-gpu-24gb}", brain)).is_file()


def test_a_service_depends_only_on_what_is_started_with_it() -> None:
    services = compose()["services"]
    for name, service in services.items():
        for other in service.get("depends_on", {}):
            with_it = set(services[other].get("profiles", ()))
            assert not with_it or set(service["profiles"]) <= with_it, f"{name} without {other}"


def test_whatever_runs_for_long_is_looked_after_and_started_again() -> None:
    services = compose()["services"]
    lasting = {name for name, service in services.items() if service.get("restart")}
    assert lasting == services.keys() - {"driver", "weights"}
    for name in lasting:
        assert services[name]["healthcheck"]["test"][0] == "CMD", name


def test_nobody_but_who_hands_over_a_folder_is_root() -> None:
    roots = {name for name, service in compose()["services"].items() if service["user"].startswith("0:")}
    assert roots == {"weights"}
    weights = compose()["services"]["weights"]
    assert (weights["network_mode"], weights["entrypoint"][0]) == ("none", "chown")


def test_only_the_web_app_is_seen_from_outside() -> None:
    services = compose()["services"]
    assert {name for name, service in services.items() if "ports" in service} == {"studio"}
    assert services["studio"]["ports"][0].endswith(f":{DEFAULT_PORT}")
    assert services["studio"]["healthcheck"]["test"][-1] == f"http://127.0.0.1:{DEFAULT_PORT}{HEALTH}"


@pytest.mark.parametrize(
    ("service", "script", "variable"),
    [
        ("brain", "serve-gpu-24gb.sh", SERVER_VARIABLE),
        ("speech", "serve-speech.sh", SPEECH_VARIABLE),
        ("ears", "serve-transcriptions.sh", TRANSCRIPTION_VARIABLE),
    ],
)
def test_a_model_server_in_a_container_is_that_of_its_script(service: str, script: str, variable: str) -> None:
    found, port = compose(), serving()[script]
    one = found["services"][service]
    assert (
        found["configs"][one["configs"][0]["source"]]["file"].replace("${BRAIN:-gpu-24gb}", "gpu-24gb") == f"./{script}"
    )
    assert one["command"] == [one["configs"][0]["target"]]
    assert one["expose"] == [str(port)]
    assert f"http://127.0.0.1:{port}/health" in one["healthcheck"]["test"][-1]
    assert f"# {variable}=http://{service}:{port}/v1" in (DEPLOY / "env.example").read_text("utf-8").splitlines()
    assert variable in found["services"]["studio"]["environment"]
    # What a worker speaks or hears with is looked for where the worker is.
    assert variable in found["services"]["ray-worker"]["environment"]


def test_ray_is_found_where_it_listens(tmp_path: Path) -> None:
    head = options(Machine(tmp_path).run("ray-head.sh"))
    port, client, dashboard = (head[f"--{name}"] for name in ("port", "ray-client-server-port", "dashboard-port"))
    services = compose()["services"]
    assert services["ray-head"]["expose"] == [port, dashboard, client]
    assert services["ray-worker"]["environment"]["RAY_HEAD"] == f"ray-head:{port}"
    assert f":{dashboard}/" in services["ray-head"]["healthcheck"]["test"][-1]
    assert {one["containerPort"] for one in container("ray-head")["ports"]} == {int(port), int(dashboard), int(client)}
    for _, arguments in commands():
        for word in arguments:
            if word.startswith("ray://"):
                assert word.endswith(f":{client}")


def test_the_environment_file_names_all_that_is_asked_for_and_gives_no_secret() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+):-", (DEPLOY / "compose.yaml").read_text("utf-8")))
    asked |= {one["environment"] for one in compose()["secrets"].values()}
    text = (DEPLOY / "env.example").read_text("utf-8")
    assert set(re.findall(r"^(?:# )?([A-Z_]+)=", text, re.MULTILINE)) == asked
    assert "\nRAY_AUTH_TOKEN=\n" in text


# Kubernetes


@pytest.mark.parametrize(("kind", "name"), list(objects()))
def test_an_object_has_every_field_it_needs_and_no_unknown_one(kind: str, name: str) -> None:
    assert schema_complaints(objects()[kind, name], KUBERNETES[kind]) == []


def test_no_pod_is_given_a_secret_in_plain_text() -> None:
    for name in pods():
        names = [one["name"] for one in container(name).get("env", ())]
        assert not [one for one in names if re.search("TOKEN|PASSWORD|SECRET|KEY", one)], name


def test_kustomize_is_told_of_files_that_are_there() -> None:
    found = load("kustomization.yaml")
    assert schema_complaints(found, KUSTOMIZATION) == []
    named = [*found["resources"], *(file for one in found["configMapGenerator"] for file in one["files"])]
    assert [name for name in named if not (DEPLOY / name).is_file()] == []
    assert found["namespace"] == objects()["RayJob", "read-book"]["metadata"]["namespace"]
    assert ("Namespace", found["namespace"]) in objects()


def test_volumes_are_claimed_mounted_and_shared_by_nobody() -> None:
    claims = []
    for name, pod in pods().items():
        volumes = {one["name"]: one for one in pod.get("volumes", ())}
        mounted = {one["name"] for one in pod["containers"][0].get("volumeMounts", ())}
        assert mounted == volumes.keys(), name
        claims += [
            one["persistentVolumeClaim"]["claimName"] for one in volumes.values() if "persistentVolumeClaim" in one
        ]
    assert sorted(claims) == sorted({name for kind, name in objects() if kind == "PersistentVolumeClaim"})


def test_the_brain_on_kubernetes_is_that_of_its_script_and_is_found() -> None:
    found = objects()
    deployment, service = found["Deployment", "brain"]["spec"], found["Service", "brain"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == labels == service["selector"]
    assert found["NetworkPolicy", "brain"]["spec"]["podSelector"]["matchLabels"] == labels
    vllm = container("vllm")
    script = Path(vllm["command"][1])
    generated = load("kustomization.yaml")["configMapGenerator"][0]
    assert generated["files"] == [script.name]
    assert {"name": "recipes", "mountPath": str(script.parent), "readOnly": True} in vllm["volumeMounts"]
    port = serving()[script.name]
    assert (vllm["ports"][0]["containerPort"], service["ports"][0]["port"]) == (port, port)
    for name in ("ray-head", "ray-worker"):
        assert {"name": SERVER_VARIABLE, "value": f"http://brain:{port}/v1"} in container(name)["env"]


def test_a_book_is_read_on_the_cluster_that_is_there() -> None:
    found = objects()
    job = found["RayJob", "read-book"]["spec"]
    (cluster,) = (name for kind, name in found if kind == "RayCluster")
    assert job["clusterSelector"] == {"ray.io/cluster": cluster}
    # The operator calls the service of a head so.
    assert f"--workers ray://{cluster}-head-svc:10001" in job["entrypoint"]
    written = shlex.split(job["entrypoint"])
    mounted = container("ray-head")["volumeMounts"][0]["mountPath"]
    assert all(word.startswith(f"{mounted}/") for word in written if word.startswith("/"))
    # A command has the name of its program on the image's path.
    assert tomllib.loads(pyproject())["project"]["scripts"].keys() == {written[0]}


def test_the_head_does_no_work_on_kubernetes_either() -> None:
    spec = objects()["RayCluster", "speechagents"]["spec"]
    assert spec["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    for group in spec["workerGroupSpecs"]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_ray_on_kubernetes_hears_only_those_it_must() -> None:
    policy = objects()["NetworkPolicy", "ray"]["spec"]
    assert policy["podSelector"]["matchLabels"] == {"ray.io/cluster": "speechagents"}
    others = policy["ingress"][1]
    ports = {one["containerPort"] for one in container("ray-head")["ports"]}
    assert {one["port"] for one in others["ports"]} == ports
    assert "--namespace ray-system" in README
