"""Schemas of the files under assets/deploy, for `tests.json_schema`: the fields that are used, and no others.

Written down from the Compose specification, the Kubernetes API (1.34) and KubeRay's resources (1.7). They are stricter
than those: a field that nobody knows is a mistake here, and so is what the recipes must not have, such as a volume that
is a folder of the host.
"""

from __future__ import annotations

from typing import Any, Final

TEXT: Final = {"type": "string", "minLength": 1}
TEXTS: Final = {"type": "array", "items": TEXT, "minItems": 1}
STRINGS: Final = {"type": "object", "additionalProperties": {"type": "string"}}


def _object(required: str = "", **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def _array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1}


def _one_of(*values: Any) -> dict[str, Any]:
    return {"enum": list(values)}


# With a tag, which is not `latest`.
IMAGE: Final = {"type": "string", "pattern": r"^[a-z0-9][a-z0-9./-]*:(?!latest$)[A-Za-z0-9._-]+$"}
DURATION: Final = {"type": "string", "pattern": r"^[0-9]+(ms|s|m|h)$"}
BYTES: Final = {"type": "string", "pattern": r"^([0-9]+[kKmMgG][bB]?|\$\{[A-Z_]+:-[0-9]+[KMG]\})$"}

_LIMITS: Final = _object(
    "cpus memory pids",
    cpus={"type": "string", "pattern": r"^([0-9.]+|\$\{[A-Z_]+:-[0-9.]+\})$"},
    memory=BYTES,
    pids={"type": "integer", "minimum": 1},
)
_GPU: Final = _object(
    "driver capabilities device_ids", driver=_one_of("nvidia"), capabilities=_array(_one_of("gpu")), device_ids=TEXTS
)
_SERVICE: Final = _object(
    "image user cap_drop security_opt deploy",
    image=IMAGE,
    build=_object("context dockerfile", context=TEXT, dockerfile=TEXT, args=STRINGS),
    user={"type": "string", "pattern": r"^[0-9]+:[0-9]+$"},
    init={"type": "boolean"},
    restart=_one_of("unless-stopped"),
    profiles=TEXTS,
    cap_drop=_array(_one_of("ALL")),
    cap_add=_array(_one_of("CHOWN")),
    security_opt=_array(_one_of("no-new-privileges:true")),
    network_mode=_one_of("none"),
    # What is published is published to this machine alone.
    ports=_array({"type": "string", "pattern": r"^127\.0\.0\.1:(\$\{[A-Z_]+:-[0-9]+\}|[0-9]+):[0-9]+$"}),
    expose=_array({"type": "string", "pattern": "^[0-9]+$"}),
    environment=STRINGS,
    # A named volume and where it is seen; never a folder of the host.
    volumes=_array({"type": "string", "pattern": r"^[a-z]+:/[a-z/.]+$"}),
    configs=_array(_object("source target", source=TEXT, target={"type": "string", "pattern": "^/"})),
    secrets=TEXTS,
    command=TEXTS,
    entrypoint=TEXTS,
    shm_size=BYTES,
    depends_on={
        "type": "object",
        "additionalProperties": _object(
            "condition", condition=_one_of("service_started", "service_healthy", "service_completed_successfully")
        ),
    },
    healthcheck=_object(
        "test interval timeout start_period retries",
        test=TEXTS,
        interval=DURATION,
        timeout=DURATION,
        start_period=DURATION,
        retries={"type": "integer", "minimum": 1},
    ),
    deploy=_object(
        "resources",
        replicas={"type": ["integer", "string"]},
        resources=_object("limits", limits=_LIMITS, reservations=_object("devices", devices=_array(_GPU))),
    ),
)
_NAME: Final = {"type": "string", "pattern": r"^[a-z0-9][a-z0-9._-]*$"}
COMPOSE: Final = _object(
    "name services",
    name=_NAME,
    services={"type": "object", "propertyNames": _NAME, "additionalProperties": _SERVICE},
    configs={"type": "object", "additionalProperties": _object("file", file={"type": "string", "pattern": r"^\./"})},
    # A secret comes from the environment of whoever starts this, not from a file that could be committed.
    secrets={"type": "object", "additionalProperties": _object("environment", environment=TEXT)},
    volumes={"type": "object", "additionalProperties": {"type": "null"}},
)

# Kubernetes

_LABELS: Final = {"type": "object", "propertyNames": TEXT, "additionalProperties": {"type": "string"}}
_OBJECT_NAME: Final = {"type": "string", "pattern": "^[a-z]([a-z0-9-]*[a-z0-9])?$", "maxLength": 63}
_METADATA: Final = _object("name", name=_OBJECT_NAME, namespace=_OBJECT_NAME, labels=_LABELS)
_PORT: Final = {"type": "integer", "minimum": 1, "maximum": 65_535}
_QUANTITY: Final = {"type": "string", "pattern": "^[0-9]+(m|Ki|Mi|Gi|Ti)?$"}
_QUANTITIES: Final = {"type": "object", "required": ["cpu", "memory"], "additionalProperties": _QUANTITY}
_RESOURCES: Final = _object("requests limits", requests=_QUANTITIES, limits=_QUANTITIES)
_CONTAINED: Final = _object(
    "allowPrivilegeEscalation runAsNonRoot capabilities seccompProfile",
    allowPrivilegeEscalation=_one_of(False),
    runAsNonRoot=_one_of(True),
    capabilities=_object("drop", drop=_array(_one_of("ALL"))),
    seccompProfile=_object("type", type=_one_of("RuntimeDefault")),
)
_SECONDS: Final = {"type": "integer", "minimum": 1}
_PROBE: Final = _object(
    exec=_object("command", command=TEXTS),
    httpGet=_object("path port", path={"type": "string", "pattern": "^/"}, port={"type": ["string", "integer"]}),
    initialDelaySeconds=_SECONDS,
    periodSeconds=_SECONDS,
    timeoutSeconds=_SECONDS,
    failureThreshold=_SECONDS,
)
_CONTAINER: Final = _object(
    "name image resources securityContext readinessProbe livenessProbe",
    name=_OBJECT_NAME,
    image=IMAGE,
    command=TEXTS,
    env=_array(_object("name value", name=TEXT, value={"type": "string"})),
    ports=_array(_object("name containerPort", name=_OBJECT_NAME, containerPort=_PORT)),
    resources=_RESOURCES,
    securityContext=_CONTAINED,
    volumeMounts=_array(
        _object(
            "name mountPath",
            name=_OBJECT_NAME,
            mountPath={"type": "string", "pattern": "^/"},
            readOnly={"type": "boolean"},
        )
    ),
    readinessProbe=_PROBE,
    livenessProbe=_PROBE,
    startupProbe=_PROBE,
)
# Kinds of volumes that are not the node's own folders.
_VOLUME: Final = _object(
    "name",
    name=_OBJECT_NAME,
    configMap=_object("name", name=_OBJECT_NAME),
    persistentVolumeClaim=_object("claimName", claimName=_OBJECT_NAME),
    emptyDir=_object(medium=_one_of("Memory"), sizeLimit=_QUANTITY),
)
_USER: Final = {"type": "integer", "minimum": 1}
_POD_TEMPLATE: Final = _object(
    "spec",
    metadata=_object(labels=_LABELS),
    spec=_object(
        "containers securityContext",
        containers=_array(_CONTAINER),
        volumes=_array(_VOLUME),
        restartPolicy=_one_of("Always", "OnFailure", "Never"),
        securityContext=_object(
            "runAsUser runAsGroup fsGroup", runAsUser=_USER, runAsGroup={"type": "integer"}, fsGroup={"type": "integer"}
        ),
        automountServiceAccountToken={"type": "boolean"},
        enableServiceLinks={"type": "boolean"},
        terminationGracePeriodSeconds=_SECONDS,
    ),
)
# Ray's own options are all text, numbers too.
_START: Final = {
    "type": "object",
    "propertyNames": {"pattern": "^[a-z-]+$"},
    "additionalProperties": {"type": "string"},
}
_COUNT: Final = {"type": "integer", "minimum": 0}


def _kind(version: str, kind: str, **properties: Any) -> dict[str, Any]:
    return _object(
        " ".join(["apiVersion kind metadata", *properties]),
        apiVersion=_one_of(version),
        kind=_one_of(kind),
        metadata=_METADATA,
        **properties,
    )


_PEER: Final = _object(podSelector=_object(matchLabels=_LABELS), namespaceSelector=_object(matchLabels=_LABELS))
KUBERNETES: Final[dict[str, dict[str, Any]]] = {
    "Namespace": _kind("v1", "Namespace"),
    "PersistentVolumeClaim": _kind(
        "v1",
        "PersistentVolumeClaim",
        spec=_object(
            "accessModes resources",
            accessModes=_array(_one_of("ReadWriteOnce", "ReadWriteMany")),
            resources=_object("requests", requests=_object("storage", storage=_QUANTITY)),
        ),
    ),
    "Service": _kind(
        "v1",
        "Service",
        spec=_object(
            "selector ports",
            selector=_LABELS,
            ports=_array(_object("name port targetPort", name=_OBJECT_NAME, port=_PORT, targetPort=_OBJECT_NAME)),
        ),
    ),
    "Deployment": _kind(
        "apps/v1",
        "Deployment",
        spec=_object(
            "selector template",
            replicas=_COUNT,
            strategy=_object("type", type=_one_of("Recreate", "RollingUpdate")),
            selector=_object("matchLabels", matchLabels=_LABELS),
            template=_POD_TEMPLATE,
        ),
    ),
    "NetworkPolicy": _kind(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        spec=_object(
            "podSelector policyTypes ingress",
            podSelector=_object("matchLabels", matchLabels=_LABELS),
            policyTypes=_array(_one_of("Ingress", "Egress")),
            ingress=_array(
                _object(
                    "from",
                    **{"from": _array(_PEER)},
                    ports=_array(_object("protocol port", protocol=_one_of("TCP", "UDP"), port=_PORT)),
                )
            ),
        ),
    ),
    "RayCluster": _kind(
        "ray.io/v1",
        "RayCluster",
        spec=_object(
            "rayVersion headGroupSpec workerGroupSpecs",
            rayVersion={"type": "string", "pattern": r"^[0-9]+\.[0-9]+\.[0-9]+$"},
            authOptions=_object("mode", mode=_one_of("token")),
            headGroupSpec=_object(
                "rayStartParams template",
                serviceType=_one_of("ClusterIP"),
                rayStartParams=_START,
                template=_POD_TEMPLATE,
            ),
            workerGroupSpecs=_array(
                _object(
                    "groupName minReplicas maxReplicas rayStartParams template",
                    groupName=_OBJECT_NAME,
                    replicas=_COUNT,
                    minReplicas=_COUNT,
                    maxReplicas=_COUNT,
                    rayStartParams=_START,
                    template=_POD_TEMPLATE,
                )
            ),
        ),
    ),
    # On a cluster that is there already: it may not end it, nor bring one along.
    "RayJob": _kind(
        "ray.io/v1",
        "RayJob",
        spec=_object(
            "clusterSelector entrypoint",
            clusterSelector=_LABELS,
            entrypoint=TEXT,
            submissionMode=_one_of("K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"),
            activeDeadlineSeconds=_SECONDS,
        ),
    ),
}

KUSTOMIZATION: Final = _object(
    "apiVersion kind namespace resources configMapGenerator images",
    apiVersion=_one_of("kustomize.config.k8s.io/v1beta1"),
    kind=_one_of("Kustomization"),
    namespace=_OBJECT_NAME,
    resources=TEXTS,
    configMapGenerator=_array(_object("name files", name=_OBJECT_NAME, files=TEXTS)),
    images=_array(_object("name newName newTag", name=TEXT, newName=TEXT, newTag=TEXT)),
)
