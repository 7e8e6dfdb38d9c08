"""The waiters of botocore: one look is enough where the state is there, and they end where it is not yet."""

import unittest

from botocore.exceptions import WaiterError

import kecs
from kecs import until


class Waiters(kecs.Case):
    def setUp(self):
        super().setUp()
        self.ecs.create_cluster()
        self.definition = self.fargate()

    def looks(self, waiter, delay=1, attempts=60, **arguments):
        """How often a waiter looks until it is content."""
        before = len(self.checks.called)
        self.ecs.get_waiter(waiter).wait(WaiterConfig={"Delay": delay, "MaxAttempts": attempts}, **arguments)
        return len(self.checks.called) - before

    def test_tasks_running_and_stopped(self):
        arns = self.run_fargate(self.definition, count=3)
        self.looks("tasks_running", tasks=arns)
        self.assertEqual(self.looks("tasks_running", tasks=arns), 1)
        for arn in arns:
            self.ecs.stop_task(task=arn)
        self.looks("tasks_stopped", tasks=arns)
        self.assertEqual(self.looks("tasks_stopped", tasks=arns), 1)
        with self.assertRaises(WaiterError):
            self.looks("tasks_running", tasks=arns)
        with self.assertRaises(WaiterError):
            self.looks("tasks_running", tasks=["0" * 32])

    def test_services_stable_and_inactive(self):
        self.serve_fargate("web", self.definition, count=2)
        self.looks("services_stable", services=["web"])
        self.assertEqual(self.looks("services_stable", services=["web"]), 1)
        self.ecs.update_service(service="web", desiredCount=0)
        self.looks("services_stable", services=["web"])
        self.assertEqual(self.service("web")["runningCount"], 0)
        self.ecs.update_service(service="web", desiredCount=1, taskDefinition=self.fargate())
        self.looks("services_stable", services=["web"])
        self.assertEqual(self.service("web")["runningCount"], 1)
        self.ecs.delete_service(service="web", force=True)
        self.looks("services_inactive", services=["web"])
        self.assertEqual(self.looks("services_inactive", services=["web"]), 1)
        for waiter in ("services_stable", "services_inactive"):
            with self.assertRaises(WaiterError):
                self.looks(waiter, services=["none"])
        with self.assertRaises(WaiterError):
            self.looks("services_stable", services=["web"])

    def test_a_failing_rollout_is_rolled_back(self):
        breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
        self.serve_fargate("web", self.definition, deploymentConfiguration=breaker)
        self.looks("services_stable", services=["web"])
        failing = self.fargate(containerDefinitions=[kecs.container(image="registry.invalid/none:1")])
        self.ecs.update_service(service="web", taskDefinition=failing)
        rolled = until(
            lambda: self.service("web"),
            lambda it: it["taskDefinition"] == self.definition
            and len(it["deployments"]) == 1
            and it["deployments"][0]["rolloutState"] == "COMPLETED",
            seconds=120,
        )
        self.assertEqual(rolled["runningCount"], 1)
        self.assertEqual(self.looks("services_stable", services=["web"]), 1)
        statuses = [
            it["status"]
            for it in self.ecs.list_service_deployments(service="web", cluster="default")["serviceDeployments"]
        ]
        self.assertIn("ROLLBACK_SUCCESSFUL", statuses)
        stopped = self.ecs.list_tasks(desiredStatus="STOPPED")["taskArns"]
        failed = [it for it in self.tasks(stopped) if it["taskDefinitionArn"] == failing]
        self.assertEqual({it["stopCode"] for it in failed}, {"TaskFailedToStart"})
        self.assertTrue(all(it["stoppedReason"].startswith("CannotPullContainerError") for it in failed))


if __name__ == "__main__":
    unittest.main()
