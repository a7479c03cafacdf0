"""The examples for containers: what they say is what is run, as far as that goes without a container runtime."""

import json
import os
import re
import shlex
import signal
import subprocess

import kubernetes_validate
import pytest
import yaml

from harness.agent import REPOSITORY, wait_until
from harness.container import Container
from harness.debian import root

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for root file systems and other users")
DEPLOYMENT = REPOSITORY / "examples/kubernetes/deployment.yaml"


@pytest.fixture(scope="module")
def debian():
    return root("bookworm")


@pytest.fixture(scope="module")
def opt(tmp_path_factory):
    """An image's /opt/otelagent, made from the tarball as the Dockerfile does."""
    image = tmp_path_factory.mktemp("image")
    image.chmod(0o755)
    subprocess.run([REPOSITORY / "scripts/package", "tarball", image], check=True, capture_output=True)
    (image / "opt/otelagent").mkdir(parents=True)
    (tarball,) = image.glob("*.tar.gz")
    subprocess.run(["tar", "-C", image / "opt/otelagent", "--strip-components=1", "--no-same-owner", "-xf", tarball], check=True)
    return image


# Docker


def stages():
    """The Dockerfile's stages, each a list of instructions and their arguments."""
    text = (REPOSITORY / "examples/docker/Dockerfile").read_text()
    lines = [line.partition(" ")[::2] for line in text.splitlines() if line and not line.startswith("#")]
    found = []
    for instruction, argument in lines:
        if instruction == "FROM":
            found.append([])
        found[-1].append((instruction, argument))
    return found


def test_the_docker_image_traces_as_process_1(agent, receiver, web, debian, opt, tmp_path):
    _, build, final = stages()
    (compile_line,) = [argument for name, argument in build if name == "RUN" and argument.startswith("gcc")]
    settings = dict(final)
    copies = dict(re.findall(r"^--from=(\w+) (?:\S+) (\S+)$", "\n".join(argument for name, argument in final if name == "COPY"), re.M))
    assert copies == {"otelagent": "/opt/otelagent", "build": "/usr/local/bin/client"}

    subprocess.run(["cp", "-r", f"{opt}/.", tmp_path], check=True)
    client = tmp_path / copies["build"].lstrip("/")
    client.parent.mkdir(parents=True)
    source = REPOSITORY / "examples/c-http-client/client.c"
    subprocess.run(shlex.split(compile_line.replace("/src/client.c", str(source)).replace("/src/client", str(client))), check=True)
    tmp_path.chmod(0o755)

    program, *_ = json.loads(settings["CMD"])
    command = [*json.loads(settings["ENTRYPOINT"]), program, web.url, "3"]
    environment = [f"OTEL_EXPORTER_OTLP_ENDPOINT={receiver.url}"]
    with Container(debian, tmp_path, command, user=settings["USER"], environment=environment) as container:
        status, said = container.end()
    assert status == 0, said
    # Process 1 waited for the relay; with it everything else has ended.
    assert len(receiver.wait(3, timeout=3)) == 3, said
    assert {span.resource["service.name"] for span in receiver.spans} == {"client"}


# Kubernetes


def pod():
    return yaml.safe_load(DEPLOYMENT.read_text())["spec"]["template"]["spec"]


@pytest.mark.parametrize("version", ["1.29", "1.37"])
def test_the_deployment_is_valid(version):
    """1.29 is the first with sidecars switched on."""
    assert kubernetes_validate.validate(yaml.safe_load(DEPLOYMENT.read_text()), version, strict=True)


def test_an_invalid_deployment_would_be_found():
    """The control."""
    wrong = yaml.safe_load(DEPLOYMENT.read_text())
    wrong["spec"]["template"]["spec"]["initContainers"][1]["restartPolicies"] = "Always"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.37", strict=True)


class Pod:
    """Runs the containers of a pod's specification: their users, groups, volumes, commands and environments."""

    def __init__(self, debian, opt, folder, **replaced):
        self.specification = pod()
        self._debian, self._opt, self._replaced = debian, opt, replaced
        self._bare = folder / "bare"
        self._bare.mkdir()
        group = self.specification["securityContext"]["fsGroup"]
        self.volumes = {}
        for volume in self.specification["volumes"]:
            self.volumes[volume["name"]] = path = folder / volume["name"]
            path.mkdir()
            # An emptyDir with fsGroup: the group's, and whatever is made in it too.
            os.chown(path, 0, group)
            path.chmod(0o2777)

    def start(self, container, command=None):
        security = self.specification["securityContext"] | container["securityContext"]
        assert security["readOnlyRootFilesystem"] and security["capabilities"] == {"drop": ["ALL"]}
        values = {}
        for variable in container.get("env", []):
            value = self._replaced.get(variable["name"], variable.get("value", "of-the-pod"))
            values[variable["name"]] = re.sub(r"\$\((\w+)\)", lambda match: values[match[1]], value)
        return Container(
            self._debian,
            self._opt if "/otelagent:" in container["image"] else self._bare,
            [self._replaced.get(word, word) for word in command or container["command"]],
            user=f"{security['runAsUser']}:{security['runAsGroup']}",
            groups=f"{security['runAsGroup']},{security['fsGroup']}",
            environment=[f"{name}={value}" for name, value in values.items()],
            volumes={mount["mountPath"]: self.volumes[mount["name"]] for mount in container.get("volumeMounts", [])},
        )


def test_the_pod_traces(agent, receiver, web, debian, opt):
    pod = Pod(debian, opt, agent.world, **{"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "http://127.0.0.1:8080/": web.url})
    agent.world.chmod(0o755)
    files, relay = pod.specification["initContainers"]
    (program,) = pod.specification["containers"]
    assert relay["restartPolicy"] == "Always"

    with pod.start(files) as container:
        status, said = container.end()
        assert status == 0, said
    with pod.start(relay) as sidecar:
        probe = relay["startupProbe"]["exec"]["command"]

        def has_started():
            assert sidecar.process.poll() is None, sidecar.end()
            with pod.start(relay, probe) as container:
                return container.end()[0] == 0

        assert wait_until(has_started, timeout=60, pause=0.1)
        with pod.start(program) as container:
            status, said = container.end()
            assert status == 0 and "otel-" not in said, said
        # The program first, then the sidecar.
        os.kill(sidecar.first_process(), signal.SIGTERM)
        status, said = sidecar.end()
        assert status == 0, said
    (span,) = receiver.wait(1)
    assert span.resource["k8s.pod.name"] == "of-the-pod"
    assert (span.resource["service.name"], span.resource["k8s.container.name"]) == ("shop", "shop")
