"""Dockerfile, compose file, Kubernetes manifests: form, references among the files, the configurations in them by `segstream check`.

test_manifests.py BINARY; needs python3-yaml. hadolint and kubernetes-validate come from deploy/install's cache; skipped without them.
"""
import os
import re
import subprocess
import sys
import unittest

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KUBERNETES = os.path.join(ROOT, "deploy", "kubernetes")
LINTERS = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "segstream", "linters", "bin")
binary = "build/release/segstream"


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def manifest(*path):
    (one,) = yaml.safe_load_all(read("deploy", "kubernetes", *path))
    return one


def linter(name):
    path = os.path.join(LINTERS, name)
    return unittest.skipUnless(os.path.exists(path), f"{name} is not installed (deploy/install tests)")


def good(case, *command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    case.assertEqual(done.returncode, 0, done.stdout + done.stderr)
    return done.stdout


class Docker(unittest.TestCase):
    def test_the_image_runs_as_nobody_and_builds_with_the_packages_that_install_names(self):
        text = read("deploy", "docker", "Dockerfile")
        last = text.split("\nFROM ")[-1]
        self.assertRegex(last, r"(?m)^USER 65532")
        self.assertNotIn(":latest", text)
        wanted = set(re.findall(r"lib\w+-dev", text))
        known = set(re.findall(r"lib\w+-dev", read("deploy", "install").split("readonly TESTS")[0]))
        self.assertEqual(wanted - {"libc6-dev"}, known - {"libc6-dev"})

    @linter("hadolint")
    def test_hadolint_finds_nothing(self):
        good(self, os.path.join(LINTERS, "hadolint"), "--ignore", "DL3008", "deploy/docker/Dockerfile")  # Debian 12 is the pin

    def test_the_compose_file_is_whole(self):
        whole = yaml.safe_load(read("deploy", "docker", "compose.yaml"))
        services = whole["services"]
        for name, service in services.items():
            self.assertTrue("image" in service and not service["image"].endswith(":latest"), name)
            for needed in service.get("depends_on", {}):
                self.assertIn(needed, services)
                wants = service["depends_on"][needed]["condition"]
                self.assertTrue(wants != "service_healthy" or "healthcheck" in services[needed], name)
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                if source.startswith("."):
                    self.assertTrue(os.path.exists(os.path.join(ROOT, "deploy", "docker", source)), source)
                else:
                    self.assertIn(source, whole["volumes"])
            for port in service.get("ports", []):
                self.assertTrue(port.startswith("127.0.0.1:"), "reached from this machine only")
        for name in ("run", "topics"):  # what the containers are told, the program takes
            (command,) = [s["command"] for s in services.values() if s.get("command", [""])[0] == name]
            settings = [word for i, word in enumerate(command) if command[i - 1] == "--set"]
            self.assertGreaterEqual(len(settings), 2)
            good(self, binary, "check", "-q", "deploy/starter", *[word for setting in settings for word in ("--set", setting)])

    def test_the_compose_file_scrapes_its_own_process(self):
        targets = yaml.safe_load(read("deploy", "docker", "prometheus.yaml"))["scrape_configs"][0]["static_configs"][0]["targets"]
        self.assertEqual(targets, ["segstream:9464"])


class Kubernetes(unittest.TestCase):
    def test_every_manifest_is_listed_and_every_listed_one_is_there(self):
        for folder in ("base", "example"):
            listed = manifest(folder, "kustomization.yaml")["resources"]
            there = {name for name in os.listdir(os.path.join(KUBERNETES, folder)) if name.endswith(".yaml")}
            self.assertEqual({name for name in listed if not name.startswith("..")} | {"kustomization.yaml"}, there)
        for generator in ("configMapGenerator", "secretGenerator"):
            for one in manifest("example", "kustomization.yaml")[generator]:
                for name in one["files"]:
                    self.assertTrue(os.path.exists(os.path.join(KUBERNETES, "example", name)), name)

    def test_selectors_ports_and_volumes_fit(self):
        stateful = manifest("base", "statefulset.yaml")
        pod = stateful["spec"]["template"]
        labels = pod["metadata"]["labels"]
        service = manifest("base", "service.yaml")
        for selector in (stateful["spec"]["selector"]["matchLabels"], service["spec"]["selector"],
                         manifest("base", "disruption.yaml")["spec"]["selector"]["matchLabels"],
                         manifest("base", "network.yaml")["spec"]["podSelector"]["matchLabels"],
                         manifest("example", "podmonitor.yaml")["spec"]["selector"]["matchLabels"]):
            self.assertEqual(selector, labels)
        self.assertEqual(stateful["spec"]["serviceName"], service["metadata"]["name"])
        self.assertEqual(pod["spec"]["serviceAccountName"], manifest("base", "account.yaml")["metadata"]["name"])
        (container,) = pod["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        self.assertEqual(ports, {"http": 9464})
        for probe, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
            self.assertEqual(container[probe]["httpGet"], {"path": path, "port": "http"})
        self.assertEqual(manifest("example", "podmonitor.yaml")["spec"]["podMetricsEndpoints"][0]["port"], "http")
        self.assertEqual(manifest("base", "network.yaml")["spec"]["ingress"][0]["ports"][0]["port"], 9464)
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        self.assertEqual({mount["name"] for mount in container["volumeMounts"]}, set(volumes))
        made = manifest("example", "kustomization.yaml")
        self.assertEqual(volumes["config"]["configMap"]["name"], made["configMapGenerator"][0]["name"])
        self.assertEqual(volumes["secrets"]["secret"]["secretName"], made["secretGenerator"][0]["name"])

    def test_pods_are_static_members_without_rights(self):
        spec = manifest("base", "statefulset.yaml")["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        arguments = container["args"]
        self.assertEqual(arguments[arguments.index("--instance") + 1], "$(POD_NAME)")
        self.assertEqual(container["env"][0]["valueFrom"]["fieldRef"]["fieldPath"], "metadata.name")
        self.assertTrue(spec["securityContext"]["runAsNonRoot"])
        self.assertFalse(spec["automountServiceAccountToken"])
        self.assertEqual(container["securityContext"], {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                                        "capabilities": {"drop": ["ALL"]}})

    def test_the_example_is_a_good_configuration_and_scales_by_a_topic_of_it(self):
        config = os.path.join(KUBERNETES, "example", "conf.d")
        good(self, binary, "check", "-q", config, "--set", "state.password=any")  # its own is a file of the pod
        text = read("deploy", "kubernetes", "example", "conf.d", "shop.yaml")
        scaled = manifest("example", "scaledobject.yaml")["spec"]
        (trigger,) = scaled["triggers"]
        self.assertIn(f"    {trigger['metadata']['topic']}: ", text)
        self.assertIn(f"app: {trigger['metadata']['consumerGroup']}\n", text)
        self.assertIn(trigger["metadata"]["bootstrapServers"], text)
        self.assertEqual(scaled["scaleTargetRef"]["name"], manifest("base", "statefulset.yaml")["metadata"]["name"])
        mounts = manifest("base", "statefulset.yaml")["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
        for path in re.findall(r"!file (\S+?)[},\s]", text):
            self.assertIn(os.path.dirname(path), {mount["mountPath"] for mount in mounts})
            self.assertTrue(os.path.exists(os.path.join(KUBERNETES, "example", "secrets", os.path.basename(path))))

    @linter("kubernetes-validate")
    def test_every_manifest_of_kubernetes_own_kinds_is_valid(self):
        for name in manifest("base", "kustomization.yaml")["resources"]:
            said = subprocess.run([os.path.join(LINTERS, "kubernetes-validate"), "--strict", os.path.join(KUBERNETES, "base", name)],
                                  capture_output=True, text=True)
            self.assertEqual(said.returncode, 0, said.stdout + said.stderr)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        binary = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
