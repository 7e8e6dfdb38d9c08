"""Typed exceptions, tokens of clients, signatures, accounts and regions."""

import datetime
import unittest
from unittest import mock

import botocore.auth
from botocore.exceptions import ClientError

import kecs
from kecs import NETWORK, OPEN_ENDPOINT, container


class Exceptions(kecs.Case):
    def test_what_is_not_there(self):
        self.refused(
            "ClusterNotFoundException", "Cluster not found.", self.ecs.list_tasks, cluster="none"
        )
        self.ecs.create_cluster()
        definition = self.fargate()
        self.refused("ServiceNotFoundException", None, self.ecs.update_service, service="none", desiredCount=1)
        self.refused("ServiceNotFoundException", None, self.ecs.delete_service, service="none")
        self.refused(
            "ClientException", "Unable to describe task definition.", self.ecs.describe_task_definition,
            taskDefinition="none",
        )
        self.refused(
            "InvalidParameterException", None, self.ecs.stop_task, task="0" * 32
        )
        self.refused(
            "ClientException", None, self.ecs.run_task, taskDefinition="none", launchType="FARGATE",
            networkConfiguration=NETWORK,
        )
        self.serve_fargate("sets", definition, count=0)
        self.refused(
            "ServiceDeploymentNotFoundException", None, self.ecs.stop_service_deployment,
            serviceDeploymentArn=self.arn("service-deployment/default/sets/none0000000000000000"),
        )
        self.refused(
            "TargetNotFoundException", None, self.ecs.put_attributes,
            attributes=[{"name": "a", "value": "b", "targetId": self.arn("container-instance/default/" + "0" * 32)}],
        )

    def test_what_is_in_use(self):
        self.ecs.create_cluster()
        self.instance()
        self.refused("ClusterContainsContainerInstancesException", None, self.ecs.delete_cluster, cluster="default")
        self.ecs.create_cluster(clusterName="serving")
        definition = self.fargate()
        self.serve_fargate("web", definition, count=0, cluster="serving")
        self.refused("ClusterContainsServicesException", None, self.ecs.delete_cluster, cluster="serving")
        self.ecs.create_cluster(clusterName="running")
        self.run_fargate(definition, cluster="running")
        self.refused("ClusterContainsTasksException", None, self.ecs.delete_cluster, cluster="running")
        self.ecs.update_service(cluster="serving", service="web", desiredCount=1)
        self.refused(
            "InvalidParameterException", "The service cannot be stopped while it is scaled above 0.",
            self.ecs.delete_service, cluster="serving", service="web",
        )

    def test_what_is_wrong(self):
        self.refused(
            "InvalidParameterException", None, self.ecs.create_cluster, clusterName="b!!"
        )
        self.refused("InvalidParameterException", "Tasks cannot be empty.", self.ecs.describe_tasks, tasks=[])
        self.refused("InvalidParameterException", None, self.ecs.describe_tasks, tasks=["0" * 32] * 101)
        self.refused("InvalidParameterException", None, self.ecs.describe_services, services=["a"] * 11)
        self.refused("InvalidParameterException", None, self.ecs.list_clusters, maxResults=101)
        self.refused(
            "ClientException",
            "Invalid setting for container 'app'. At least one of 'memory' or 'memoryReservation' must be specified.",
            self.ecs.register_task_definition, family="app", containerDefinitions=[container()],
        )
        self.refused(
            "ClientException", "Container.image should not be null or empty.",
            self.ecs.register_task_definition, family="app", containerDefinitions=[{"name": "app", "memory": 8}],
        )
        self.ecs.create_cluster()
        self.refused(
            "InvalidParameterException",
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
            self.ecs.run_task, taskDefinition=self.fargate(), launchType="FARGATE",
        )

    def test_members_that_nobody_knows_are_ignored(self):
        def more(params, **_):
            params["body"] = b'{"clusterName": "more", "notAMember": {"a": [1]}}'

        self.ecs.meta.events.register("before-call.ecs.CreateCluster", more)
        self.assertEqual(self.ecs.create_cluster()["cluster"]["clusterName"], "more")

    def test_what_is_no_json(self):
        def less(params, **_):
            params["body"] = b'{"clusterName": '

        self.ecs.meta.events.register("before-call.ecs.CreateCluster", less)
        self.refused("SerializationException", None, self.ecs.create_cluster)

    def test_no_such_operation(self):
        def other(params, **_):
            params["headers"]["X-Amz-Target"] = "AmazonEC2ContainerServiceV20141113.CreateNothing"

        self.ecs.meta.events.register("before-call.ecs.ListClusters", other)
        self.refused("UnknownOperationException", None, self.ecs.list_clusters)


class Tokens(kecs.Case):
    """The same token with the same input makes nothing again; with another input it is refused."""

    def test_run_task(self):
        self.ecs.create_cluster()
        definition = self.fargate()
        first = self.run_fargate(definition, count=2, clientToken="one")
        self.assertEqual(sorted(self.run_fargate(definition, count=2, clientToken="one")), sorted(first))
        self.assertEqual(len(self.ecs.list_tasks()["taskArns"]), 2)
        conflict = self.refused(
            "ConflictException", None, self.ecs.run_task, taskDefinition=definition, launchType="FARGATE",
            networkConfiguration=NETWORK, count=1, clientToken="one",
        )
        self.assertEqual(sorted(conflict.response["resourceIds"]), sorted(first))
        self.assertEqual(len(self.ecs.list_tasks()["taskArns"]), 2)

    def test_create_service(self):
        self.ecs.create_cluster()
        definition = self.fargate()
        first = self.serve_fargate("web", definition, clientToken="one")
        again = self.serve_fargate("web", definition, clientToken="one")
        self.assertEqual(again["serviceArn"], first["serviceArn"])
        self.assertEqual(again["createdAt"], first["createdAt"])
        self.refused(
            "InvalidParameterException", "Creation of service was not idempotent.", self.ecs.create_service,
            serviceName="web", taskDefinition=definition, desiredCount=7, launchType="FARGATE",
            networkConfiguration=NETWORK, clientToken="one",
        )
        self.assertEqual(self.service("web")["desiredCount"], 1)


class Identity(kecs.Case):
    def code(self, call, **arguments):
        with self.assertRaises(ClientError) as raised:
            call(**arguments)
        self.assertEqual(raised.exception.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        return raised.exception.response["Error"]["Code"]

    def test_regions_and_accounts_do_not_meet(self):
        arn = self.ecs.create_cluster(clusterName="mine")["cluster"]["clusterArn"]
        elsewhere = kecs.client(kecs.region(self.id()), checks=self.checks)
        self.assertEqual(elsewhere.list_clusters()["clusterArns"], [])
        others = kecs.client(self.region, key="AKIAKECSSECOND", checks=self.checks)
        self.assertEqual(others.list_clusters()["clusterArns"], [])
        made = others.create_cluster(clusterName="mine")["cluster"]["clusterArn"]
        self.assertEqual(made, self.arn("cluster/mine", account="210987654321"))
        self.assertEqual(self.ecs.list_clusters()["clusterArns"], [arn])

    def test_a_wrong_secret(self):
        wrong = kecs.client(self.region, secret="no such secret")
        self.assertEqual(self.code(wrong.list_clusters), "InvalidSignatureException")

    def test_an_unknown_key(self):
        with mock.patch.dict(kecs.KEYS, {"AKIANOBODY": {"access_key_id": "AKIANOBODY", "secret_access_key": "x"}}):
            nobody = kecs.client(self.region, key="AKIANOBODY")
        self.assertEqual(self.code(nobody.list_clusters), "UnrecognizedClientException")

    def test_a_session_needs_its_token(self):
        self.assertEqual(kecs.client(self.region, key="ASIAKECSSESSION").list_clusters()["clusterArns"], [])
        wrong = kecs.client(self.region, key="ASIAKECSSESSION", token="another")
        self.assertEqual(self.code(wrong.list_clusters), "UnrecognizedClientException")

    def test_a_clock_that_is_wrong(self):
        for minutes, accepted in ((-6, False), (6, False), (-4, True), (4, True)):
            now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
            with mock.patch.object(botocore.auth, "get_current_datetime", return_value=now.replace(tzinfo=None)):
                if accepted:
                    self.assertEqual(self.ecs.list_clusters()["clusterArns"], [])
                else:
                    self.assertEqual(self.code(self.ecs.list_clusters), "InvalidSignatureException", minutes)

    def test_an_unsigned_request(self):
        from botocore import UNSIGNED

        unsigned = kecs.client(self.region, signature_version=UNSIGNED)
        self.assertEqual(self.code(unsigned.list_clusters), "MissingAuthenticationTokenException")

    def test_who_only_reads(self):
        reader = kecs.client(self.region, key="AKIAKECSREADER", checks=self.checks)
        self.assertEqual(reader.list_clusters()["clusterArns"], [])
        with self.assertRaises(reader.exceptions.AccessDeniedException) as raised:
            reader.create_cluster(clusterName="blue")
        message = raised.exception.response["Error"]["Message"]
        self.assertTrue(
            message.startswith(
                "User: arn:aws:iam::123456789012:user/reader is not authorized to perform: ecs:CreateCluster on resource: "
            ),
            message,
        )
        self.assertEqual(self.ecs.list_clusters()["clusterArns"], [])
        self.ecs.create_cluster(clusterName="hidden")
        self.ecs.create_cluster(clusterName="shown")
        self.assertEqual(reader.describe_clusters(clusters=["shown"])["failures"], [])
        with self.assertRaises(reader.exceptions.AccessDeniedException):
            reader.describe_clusters(clusters=["shown", "hidden"])

    def test_where_nobody_is_asked_who_they_are(self):
        anybody = kecs.client(self.region, endpoint=OPEN_ENDPOINT, secret="anything", checks=self.checks)
        arn = anybody.create_cluster(clusterName="open")["cluster"]["clusterArn"]
        self.assertTrue(arn.startswith(f"arn:aws:ecs:{self.region}:"), arn)
        self.assertEqual(anybody.list_clusters()["clusterArns"], [arn])


if __name__ == "__main__":
    unittest.main()
