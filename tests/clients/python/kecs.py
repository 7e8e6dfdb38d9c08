"""Clients of a KECS server, and what is held against every answer that they get.

The environment names the servers: KECS_ENDPOINT (requests are signed with the keys of keys.json) and
KECS_OPEN_ENDPOINT (anybody may do anything).
"""

import itertools
import json
import os
import pathlib
import time
import unittest
import zlib

import boto3
from botocore.config import Config

ENDPOINT = os.environ["KECS_ENDPOINT"]
OPEN_ENDPOINT = os.environ.get("KECS_OPEN_ENDPOINT", ENDPOINT)
KEYS = {
    key["access_key_id"]: key
    for key in json.loads((pathlib.Path(__file__).parent.parent / "keys.json").read_text())["keys"]
}
KEY = "AKIAKECSCLIENTS"
ACCOUNT = KEYS[KEY]["account"]
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"], "assignPublicIp": "ENABLED"}}

_numbers = itertools.count(1)


def region(name):
    """A region that nobody else uses: records of regions never meet."""
    return f"t{zlib.crc32(name.encode()):08x}-{next(_numbers)}"


def client(region_name, key=KEY, endpoint=ENDPOINT, checks=None, **settings):
    """A client of ECS. Answers are held against the model; `checks` collects what was called and what was wrong."""
    made = boto3.client(
        "ecs",
        endpoint_url=endpoint,
        region_name=region_name,
        aws_access_key_id=KEYS[key]["access_key_id"],
        aws_secret_access_key=settings.pop("secret", KEYS[key]["secret_access_key"]),
        aws_session_token=settings.pop("token", KEYS[key].get("session_token")),
        config=Config(retries={"total_max_attempts": 1}, **settings),
    )
    if checks is not None:
        made.meta.events.register("before-parse.ecs", checks.answer)
    return made


class Checks:
    """What the service model says of answers, held against what came."""

    def __init__(self):
        self.called = []
        self.wrong = []

    def answer(self, operation_model, response_dict, **_):
        name = operation_model.name
        self.called.append(name)
        headers = {key.lower(): value for key, value in response_dict["headers"].items()}
        if headers.get("content-type") != "application/x-amz-json-1.1":
            self.wrong.append(f"{name}: content type {headers.get('content-type')}")
        if len(headers.get("x-amzn-requestid", "")) != 36:
            self.wrong.append(f"{name}: request id {headers.get('x-amzn-requestid')}")
        body = json.loads(response_dict["body"])
        if response_dict["status_code"] == 200:
            if operation_model.output_shape is None:
                self.wrong.extend([] if body == {} else [f"{name}: a body where the model has none"])
            else:
                self.wrong.extend(f"{name}: {it}" for it in differences(operation_model.output_shape, body))
        else:
            self.wrong.extend(f"{name}: {it}" for it in self.refusal(operation_model, response_dict["status_code"], body))

    @staticmethod
    def refusal(operation_model, status, body):
        code = body.get("__type")
        shapes = {shape.name: shape for shape in operation_model.service_model.error_shapes}
        if status != (500 if code == "ServerException" else 400):
            yield f"{code} with status {status}"
        if not isinstance(body.get("message"), str) or not body["message"]:
            yield f"{code} without a message"
        members = {"__type", "message"} | set(shapes[code].members if code in shapes else ())
        for unknown in sorted(set(body) - members):
            yield f"{code}.{unknown} is not in the model"


def differences(shape, value, path=""):
    """Where a value is not as its shape: members that are not modelled, other types, words that are no such words."""
    path = path or shape.name
    if value is None:
        yield f"{path} is null"
        return
    kinds = {
        "structure": dict,
        "map": dict,
        "list": list,
        "string": str,
        "integer": int,
        "long": int,
        "float": (int, float),
        "double": (int, float),
        "timestamp": (int, float),
        "boolean": bool,
    }
    kind = kinds[shape.type_name]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        yield f"{path} is {value!r} and not {shape.type_name}"
        return
    if shape.type_name == "structure":
        for name in sorted(value):
            if name not in shape.members:
                yield f"{path}.{name} is not in the model"
            else:
                yield from differences(shape.members[name], value[name], f"{path}.{name}")
    elif shape.type_name == "map":
        for name in sorted(value):
            yield from differences(shape.value, value[name], f"{path}[{name}]")
    elif shape.type_name == "list":
        for position, element in enumerate(value):
            yield from differences(shape.member, element, f"{path}[{position}]")
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        yield f"{path} is {value!r} and none of its words"


def until(look, wanted, seconds=60):
    """Looks until what is seen is what is wanted, and answers with it."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if wanted(seen):
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"still so after {seconds} s: {json.dumps(seen, default=str)}")
        time.sleep(0.05)


def container(name="app", image="public.example.com/app:1", **more):
    return {"name": name, "image": image, "essential": True, **more}


class Case(unittest.TestCase):
    """Tests against a region of their own. Every answer is held against the model."""

    maxDiff = None

    def setUp(self):
        self.checks = Checks()
        self.region = region(self.id())
        self.ecs = client(self.region, checks=self.checks)

    def tearDown(self):
        self.assertEqual(self.checks.wrong, [])

    def arn(self, rest, account=ACCOUNT):
        return f"arn:aws:ecs:{self.region}:{account}:{rest}"

    def refused(self, code, message, call, **arguments):
        """That a call is refused so. The exception is the typed one where the model has one."""
        expected = getattr(self.ecs.exceptions, code, self.ecs.exceptions.ClientError)
        with self.assertRaises(expected) as raised:
            call(**arguments)
        error = raised.exception.response["Error"]
        self.assertEqual(error["Code"], code)
        if message is not None:
            self.assertEqual(error["Message"], message)
        return raised.exception

    def fargate(self, family="app", **more):
        """Registers a task definition for Fargate, and answers with its ARN."""
        definition = {
            "family": family,
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": [container()],
            **more,
        }
        return self.ecs.register_task_definition(**definition)["taskDefinition"]["taskDefinitionArn"]

    def instance(self, cluster="default", cpu=4096, memory=8192, **more):
        """Registers a container instance, and answers with its ARN."""
        registered = self.ecs.register_container_instance(
            cluster=cluster,
            totalResources=[
                {"name": "CPU", "type": "INTEGER", "integerValue": cpu},
                {"name": "MEMORY", "type": "INTEGER", "integerValue": memory},
                {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22", "2375", "2376", "51678", "51679"]},
                {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []},
            ],
            versionInfo={"agentVersion": "1.90.0", "agentHash": "0f0f0f0f", "dockerVersion": "DockerVersion: 25.0.6"},
            **more,
        )
        return registered["containerInstance"]["containerInstanceArn"]

    def run_fargate(self, definition, cluster="default", **more):
        answer = self.ecs.run_task(
            cluster=cluster, taskDefinition=definition, launchType="FARGATE", networkConfiguration=NETWORK, **more
        )
        self.assertEqual(answer["failures"], [])
        return [task["taskArn"] for task in answer["tasks"]]

    def serve_fargate(self, name, definition, count=1, cluster="default", **more):
        return self.ecs.create_service(
            cluster=cluster,
            serviceName=name,
            taskDefinition=definition,
            desiredCount=count,
            launchType="FARGATE",
            networkConfiguration=NETWORK,
            **more,
        )["service"]

    def tasks(self, arns, cluster="default"):
        return self.ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]

    def running(self, arns, cluster="default"):
        """Waits until these tasks run."""
        return until(
            lambda: self.tasks(arns, cluster), lambda tasks: all(task["lastStatus"] == "RUNNING" for task in tasks)
        )

    def service(self, name, cluster="default"):
        return self.ecs.describe_services(cluster=cluster, services=[name])["services"][0]

    def steady(self, name, cluster="default"):
        """Waits until a service has one deployment, and that is completed."""
        return until(
            lambda: self.service(name, cluster),
            lambda it: len(it["deployments"]) == 1
            and it["runningCount"] == it["desiredCount"]
            and it["deployments"][0]["rolloutState"] == "COMPLETED",
        )
