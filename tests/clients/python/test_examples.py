"""The sample pairs that come with botocore: each input is sent, and what came back is compared with the sample.

What is compared: every member of the sample is in the answer, with its type; and values that the input determines
(names, states, counts, families, revisions, tags) are equal. Ids, times and what AWS does not answer any more are not.
"""

import json
import pathlib
import re
import unittest

import botocore

import kecs
from kecs import NETWORK, container, until

EXAMPLES = json.loads(
    (pathlib.Path(botocore.__file__).parent / "data/ecs/2014-11-13/examples-1.json").read_text()
)["examples"]

#: Members whose values nobody could know beforehand: ids, times, and the ARNs that hold ids.
UNKNOWABLE = re.compile(r"(At|[aA]rn|Arns|Id|id|events)$")

#: Members that name a task definition: its family counts, its revision is of the account that the sample is from.
DEFINITION = "taskDefinition"

#: Where the samples show what AWS does not answer any more, or what belongs to another moment, by operation.
OUTDATED = {
    # A deployment of a service of this name that was deleted before.
    "CreateService": {"deployments"},
    # The sample runs; the simulated task is made for it just now, on an instance with all its ports free.
    "DescribeContainerInstances": {"ec2InstanceId", "registeredResources", "remainingResources", "runningTasksCount"},
    "DescribeTasks": {"containers", "overrides", "startedBy"},
    # Every setting has more than the three names of the samples today, and other defaults.
    "ListAccountSettings": {"settings"},
    "DeleteAccountSetting": {"value"},
    "RunTask": {"lastStatus", "containers"},
}


class Examples(kecs.Case):
    def setUp(self):
        super().setUp()
        self.cluster_arn = None

    # The set-up that the examples of an operation need. Each may change the input: ids are given by the server.

    def default_cluster(self, request):
        self.ecs.create_cluster()

    def small(self, family):
        return self.ecs.register_task_definition(
            family=family, containerDefinitions=[container("simple-app", cpu=10, memory=10, portMappings=[{"containerPort": 80}])]
        )

    def before_create_service(self, request):
        self.ecs.create_cluster()
        self.small(request["taskDefinition"])

    def before_delete_account_setting(self, request):
        self.principal(request)
        self.ecs.put_account_setting(value="enabled", **request)

    def principal(self, request):
        if "principalArn" in request:
            request["principalArn"] = f"arn:aws:iam::{kecs.ACCOUNT}:user/principalName"

    before_list_account_settings = principal
    before_put_account_setting = principal

    def before_delete_cluster(self, request):
        self.ecs.create_cluster(clusterName=request["cluster"])

    def a_service(self, request):
        self.ecs.create_cluster()
        self.small("hello_world")
        self.ecs.create_service(serviceName=request["service"], taskDefinition="hello_world", desiredCount=0)

    before_delete_service = a_service

    def before_update_service(self, request):
        self.a_service(request)
        if "taskDefinition" in request:
            self.small(request["taskDefinition"])

    def before_deregister_container_instance(self, request):
        self.ecs.create_cluster()
        request["containerInstance"] = self.instance()

    before_describe_clusters = default_cluster

    def before_describe_container_instances(self, request):
        self.ecs.create_cluster()
        request["containerInstances"] = [self.instance()]

    def before_describe_services(self, request):
        self.ecs.create_cluster()
        self.small("hello_world")
        self.ecs.create_service(serviceName=request["services"][0], taskDefinition="hello_world", desiredCount=1)
        until(lambda: self.service(request["services"][0]), lambda it: it["events"])

    def before_describe_task_definition(self, request):
        for _ in range(8):
            self.ecs.register_task_definition(
                family="hello_world",
                containerDefinitions=[
                    {"name": "wordpress", "image": "wordpress", "cpu": 10, "memory": 500, "links": ["mysql"],
                     "portMappings": [{"containerPort": 80, "hostPort": 80}]},
                    {"name": "mysql", "image": "mysql", "cpu": 10, "memory": 500,
                     "environment": [{"name": "MYSQL_ROOT_PASSWORD", "value": "password"}]},
                ],
            )

    def before_describe_tasks(self, request):
        self.ecs.create_cluster()
        self.instance()
        self.small("amazon-ecs-sample")
        made = self.ecs.run_task(taskDefinition="amazon-ecs-sample")
        self.assertEqual(made["failures"], [])
        request["tasks"] = [made["tasks"][0]["taskArn"]]
        self.running(request["tasks"])

    def before_list_clusters(self, request):
        self.ecs.create_cluster()
        self.ecs.create_cluster(clusterName="test")

    def before_list_container_instances(self, request):
        self.ecs.create_cluster()
        self.instance()
        self.instance()

    def before_list_services(self, request):
        self.a_service({"service": "my-http-service"})

    def before_list_tags_for_resource(self, request):
        self.tagged(request)
        self.ecs.tag_resource(resourceArn=request["resourceArn"], tags=[{"key": "team", "value": "dev"}])

    def tagged(self, request):
        request["resourceArn"] = self.ecs.create_cluster(clusterName="dev")["cluster"]["clusterArn"]

    before_tag_resource = tagged
    before_untag_resource = before_list_tags_for_resource

    def before_list_task_definition_families(self, request):
        for family in ("node-js-app", "web-timer", "hpcc", "hpcc-c4-8xlarge"):
            self.small(family)

    def before_list_task_definitions(self, request):
        for family, revisions in (("sleep300", 2), ("sleep360", 1), ("wordpress", 6)):
            for _ in range(revisions):
                self.small(family)
        for gone in ("sleep300:1", "wordpress:1", "wordpress:2"):
            self.ecs.deregister_task_definition(taskDefinition=gone)

    def before_list_tasks(self, request):
        self.ecs.create_cluster()
        instances = [self.instance(), self.instance()]
        self.small("sleep360")
        for instance in instances:
            self.ecs.start_task(taskDefinition="sleep360", containerInstances=[instance])
        if "containerInstance" in request:
            request["containerInstance"] = instances[0]

    def before_run_task(self, request):
        self.ecs.create_cluster()
        self.instance()
        self.ecs.register_task_definition(
            family="sleep360", containerDefinitions=[container("sleep", image="busybox", cpu=10, memory=10)]
        )

    def compare(self, sample, answer, path, outdated):
        """Where the answer is not as the sample shows."""
        if isinstance(sample, dict):
            if not isinstance(answer, dict):
                yield f"{path} is {answer!r}"
                return
            for name, value in sample.items():
                if name in outdated:
                    continue
                if name not in answer:
                    yield f"{path}.{name} is missing"
                elif name == DEFINITION and isinstance(value, str):
                    if family(value) != family(answer[name]):
                        yield f"{path}.{name} is {answer[name]!r}"
                elif not UNKNOWABLE.search(name):
                    yield from self.compare(value, answer[name], f"{path}.{name}", outdated)
                elif isinstance(value, list) and len(value) != len(answer[name]) and name != "events":
                    yield f"{path}.{name} has {len(answer[name])} elements and not {len(value)}"
        elif isinstance(sample, list):
            if not isinstance(answer, list) or len(answer) != len(sample):
                yield f"{path} is {answer!r}"
                return
            for position, (one, other) in enumerate(zip(sorted(sample, key=self.order), sorted(answer, key=self.order))):
                yield from self.compare(one, other, f"{path}[{position}]", outdated)
        elif sample != answer:
            yield f"{path} is {answer!r} and not {sample!r}"

    @staticmethod
    def order(item):
        return (item.get("name", ""), item.get("containerName", "")) if isinstance(item, dict) else ("", str(item))


def family(arn):
    return arn.split("/")[-1].split(":")[0]


def names(arns):
    """What stands behind the last slash, without ids."""
    return sorted(arn.split("/")[-1] for arn in arns)


def add(operation, number, example):
    method = re.sub("([A-Z])", r"_\1", operation).lower().lstrip("_")

    def test(self):
        request = json.loads(json.dumps(example.get("input", {})))
        getattr(self, f"before_{method}", lambda _: None)(request)
        answer = getattr(self.ecs, method)(**request)
        answer.pop("ResponseMetadata")
        outdated = OUTDATED.get(operation, set())
        self.assertEqual(list(self.compare(example.get("output", {}), answer, operation, outdated)), [])
        for name, listed in example.get("output", {}).items():
            # ARNs of what has a name in the input end with it.
            if operation in ("ListClusters", "ListServices", "ListTaskDefinitions"):
                self.assertEqual(names(answer[name]), names(listed))

    test.__doc__ = f"{operation}: {example['title']}"
    setattr(Examples, f"test_{method}_{number}", test)


COUNT = 0
for _operation, _examples in EXAMPLES.items():
    for _number, _example in enumerate(_examples):
        add(_operation, _number, _example)
        COUNT += 1


class Whole(unittest.TestCase):
    def test_every_pair_is_replayed(self):
        self.assertEqual(COUNT, sum(len(it) for it in EXAMPLES.values()))
        self.assertEqual(len([it for it in dir(Examples) if it.startswith("test_")]), COUNT)
        self.assertEqual(COUNT, 34)


if __name__ == "__main__":
    unittest.main()
