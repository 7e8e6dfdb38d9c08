"""The walk of the quick start with the AWS CLI, as a person types it."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import kecs

AWS = str(pathlib.Path(sys.executable).parent / "aws")


class Walk(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        self.region = kecs.region(self.id())
        self.watcher = kecs.client(self.region)
        key = kecs.KEYS[kecs.KEY]
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": home.name,
            "AWS_ENDPOINT_URL": kecs.ENDPOINT,
            "AWS_ACCESS_KEY_ID": key["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": key["secret_access_key"],
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        }

    def aws(self, *arguments, code=0):
        done = subprocess.run(
            [AWS, "ecs", *arguments, "--output", "json"], env=self.environment, capture_output=True, text=True, timeout=120
        )
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        if code:
            return done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def test_the_walk(self):
        arn = f"arn:aws:ecs:{self.region}:{kecs.ACCOUNT}"
        network = "awsvpcConfiguration={subnets=[subnet-0a1b2c3d],assignPublicIp=ENABLED}"

        def register(image):
            return self.aws(
                "register-task-definition", "--family", "web", "--requires-compatibilities", "FARGATE",
                "--network-mode", "awsvpc", "--cpu", "256", "--memory", "512",
                "--container-definitions", f"name=web,image={image},portMappings=[{{containerPort=80}}]",
            )["taskDefinition"]["taskDefinitionArn"]

        cluster = self.aws("create-cluster", "--cluster-name", "demo")["cluster"]
        self.assertEqual((cluster["clusterArn"], cluster["status"]), (f"{arn}:cluster/demo", "ACTIVE"))
        self.assertEqual(register("nginx:1.27"), f"{arn}:task-definition/web:1")
        run = self.aws(
            "run-task", "--cluster", "demo", "--task-definition", "web", "--launch-type", "FARGATE",
            "--network-configuration", network,
        )
        self.assertEqual(run["failures"], [])
        task = run["tasks"][0]["taskArn"]
        self.waited("tasks-running", "--tasks", task)

        service = self.aws(
            "create-service", "--cluster", "demo", "--service-name", "web", "--task-definition", "web",
            "--desired-count", "2", "--launch-type", "FARGATE", "--network-configuration", network,
            "--deployment-configuration", "deploymentCircuitBreaker={enable=true,rollback=true}",
        )["service"]
        self.assertEqual(service["serviceArn"], f"{arn}:service/demo/web")
        self.stable(2, f"{arn}:task-definition/web:1")

        self.assertEqual(register("registry.invalid/web:2"), f"{arn}:task-definition/web:2")
        updated = self.aws("update-service", "--cluster", "demo", "--service", "web", "--task-definition", "web:2")
        self.assertEqual([it["status"] for it in updated["service"]["deployments"]], ["PRIMARY", "ACTIVE"])
        kecs.until(
            lambda: self.watcher.describe_services(cluster="demo", services=["web"])["services"][0],
            lambda it: it["taskDefinition"].endswith("web:1") and len(it["deployments"]) == 1,
            seconds=120,
        )
        rolled = self.aws("describe-services", "--cluster", "demo", "--services", "web")["services"][0]
        self.assertTrue(any("rolling back" in it["message"] for it in rolled["events"]), rolled["events"])
        self.stable(2, f"{arn}:task-definition/web:1")

        listed = self.aws("list-tasks", "--cluster", "demo", "--page-size", "1")["taskArns"]
        self.assertEqual(len(set(listed)), 3)
        self.assertIn(task, listed)
        self.aws("tag-resource", "--resource-arn", f"{arn}:service/demo/web", "--tags", "key=team,value=dev")
        tags = self.aws("list-tags-for-resource", "--resource-arn", f"{arn}:service/demo/web")
        self.assertEqual(tags, {"tags": [{"key": "team", "value": "dev"}]})

        refused = self.aws("delete-service", "--cluster", "demo", "--service", "web", code=255)
        self.assertIn("(InvalidParameterException)", refused)
        self.assertIn("The service cannot be stopped while it is scaled above 0.", refused)
        deleted = self.aws("delete-service", "--cluster", "demo", "--service", "web", "--force")["service"]
        self.assertEqual(deleted["status"], "DRAINING")
        self.waited("services-inactive", "--services", "web")
        self.aws("stop-task", "--cluster", "demo", "--task", task, "--reason", "done")
        self.waited("tasks-stopped", "--tasks", task)
        stopped = self.aws("describe-tasks", "--cluster", "demo", "--tasks", task)["tasks"][0]
        self.assertEqual((stopped["stopCode"], stopped["stoppedReason"]), ("UserInitiated", "done"))
        for revision in (1, 2):
            gone = self.aws("deregister-task-definition", "--task-definition", f"web:{revision}")["taskDefinition"]
            self.assertEqual(gone["status"], "INACTIVE")
        self.assertEqual(self.aws("list-task-definitions"), {"taskDefinitionArns": []})
        self.assertEqual(self.aws("delete-cluster", "--cluster", "demo")["cluster"]["status"], "INACTIVE")
        self.assertEqual(self.aws("list-clusters"), {"clusterArns": []})

    def waited(self, what, *arguments):
        """That a wait ends. What it waits for is there when it begins, so that it does not sleep for a quarter of a
        minute between two looks."""
        ready = self.READY[what]
        option, name = arguments
        kecs.until(
            lambda: getattr(self.watcher, ready[0])(cluster="demo", **{option.strip("-"): [name]})[ready[1]][0], ready[2]
        )
        self.assertEqual(self.aws("wait", what, "--cluster", "demo", *arguments), {})

    READY = {
        "tasks-running": ("describe_tasks", "tasks", lambda it: it["lastStatus"] == "RUNNING"),
        "tasks-stopped": ("describe_tasks", "tasks", lambda it: it["lastStatus"] == "STOPPED"),
        "services-stable": (
            "describe_services",
            "services",
            lambda it: len(it["deployments"]) == 1 and it["runningCount"] == it["desiredCount"],
        ),
        "services-inactive": ("describe_services", "services", lambda it: it["status"] == "INACTIVE"),
    }

    def stable(self, count, definition):
        self.waited("services-stable", "--services", "web")
        service = self.aws("describe-services", "--cluster", "demo", "--services", "web")["services"][0]
        self.assertEqual((service["runningCount"], service["desiredCount"]), (count, count))
        self.assertEqual(service["taskDefinition"], definition)


if __name__ == "__main__":
    unittest.main()
