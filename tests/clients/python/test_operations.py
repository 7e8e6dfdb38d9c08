"""Every classic operation through boto3: stories that together call all of them."""

import unittest

import kecs
from kecs import NETWORK, container, until

CLASSIC = 60
NEWER = ("Daemon", "Gateway", "ContinueServiceDeployment")

#: What each story calls; together they are the classic operations.
STORIES = {
    "test_clusters": {
        "CreateCluster", "DescribeClusters", "ListClusters", "UpdateCluster", "UpdateClusterSettings",
        "PutClusterCapacityProviders", "DeleteCluster",
    },
    "test_capacity_providers": {
        "CreateCapacityProvider", "UpdateCapacityProvider", "DescribeCapacityProviders", "DeleteCapacityProvider",
    },
    "test_task_definitions": {
        "RegisterTaskDefinition", "DescribeTaskDefinition", "ListTaskDefinitions", "ListTaskDefinitionFamilies",
        "DeregisterTaskDefinition", "DeleteTaskDefinitions",
    },
    "test_tags": {"CreateCluster", "TagResource", "ListTagsForResource", "UntagResource", "DescribeClusters"},
    "test_account_settings": {
        "PutAccountSetting", "PutAccountSettingDefault", "ListAccountSettings", "DeleteAccountSetting",
    },
    "test_container_instances": {
        "CreateCluster", "RegisterContainerInstance", "DescribeContainerInstances", "ListContainerInstances",
        "UpdateContainerInstancesState", "UpdateContainerAgent", "PutAttributes", "ListAttributes",
        "DeleteAttributes", "DeregisterContainerInstance",
    },
    "test_tasks": {
        "CreateCluster", "RegisterTaskDefinition", "RunTask", "DescribeTasks", "ListTasks", "GetTaskProtection",
        "UpdateTaskProtection", "ExecuteCommand", "StopTask", "CreateService", "ListServices",
    },
    "test_the_agent": {
        "CreateCluster", "RegisterTaskDefinition", "RegisterContainerInstance", "StartTask", "DiscoverPollEndpoint",
        "SubmitTaskStateChange", "SubmitContainerStateChange", "SubmitAttachmentStateChanges", "DescribeTasks",
        "RunTask",
    },
    "test_services": {
        "CreateCluster", "RegisterTaskDefinition", "CreateService", "DescribeServices", "ListServices",
        "ListServicesByNamespace", "UpdateService", "ListServiceDeployments", "DescribeServiceDeployments",
        "DescribeServiceRevisions", "StopServiceDeployment", "DeleteService",
    },
    "test_task_sets": {
        "CreateCluster", "RegisterTaskDefinition", "CreateService", "CreateTaskSet", "DescribeTaskSets",
        "UpdateTaskSet", "UpdateServicePrimaryTaskSet", "DeleteTaskSet", "DescribeServices",
    },
}


class EveryOperation(kecs.Case):
    def tearDown(self):
        super().tearDown()
        expected = STORIES.get(self._testMethodName)
        if expected is not None:
            self.assertEqual(set(self.checks.called), expected)

    def test_the_stories_are_all_of_them(self):
        names = self.ecs.meta.service_model.operation_names
        classic = {name for name in names if not any(word in name for word in NEWER)}
        self.assertEqual(len(classic), CLASSIC)
        self.assertEqual(set().union(*STORIES.values()), classic)

    def test_what_is_newer_is_refused_clearly(self):
        self.refused("UnsupportedFeatureException", None, self.ecs.list_daemons)
        self.refused(
            "UnsupportedFeatureException", None, self.ecs.describe_gateway, gateway=self.arn("gateway/one")
        )

    def test_clusters(self):
        made = self.ecs.create_cluster(
            clusterName="blue",
            tags=[{"key": "team", "value": "dev"}],
            settings=[{"name": "containerInsights", "value": "enabled"}],
        )["cluster"]
        self.assertEqual(made["clusterArn"], self.arn("cluster/blue"))
        self.assertEqual(made["clusterName"], "blue")
        self.assertEqual(made["status"], "ACTIVE")
        self.assertEqual(made["tags"], [{"key": "team", "value": "dev"}])
        self.assertEqual(made["settings"], [{"name": "containerInsights", "value": "enabled"}])
        counts = ("registeredContainerInstancesCount", "runningTasksCount", "pendingTasksCount", "activeServicesCount")
        self.assertEqual([made[count] for count in counts], [0, 0, 0, 0])
        self.assertEqual(self.ecs.create_cluster(clusterName="blue")["cluster"]["clusterArn"], made["clusterArn"])
        self.assertEqual(self.ecs.create_cluster()["cluster"]["clusterName"], "default")

        plain = self.ecs.describe_clusters(clusters=["blue", "none", made["clusterArn"]])
        self.assertEqual(plain["failures"], [{"arn": self.arn("cluster/none"), "reason": "MISSING"}])
        self.assertEqual(plain["clusters"][0].get("tags", []), [])
        whole = self.ecs.describe_clusters(
            clusters=["blue"], include=["TAGS", "SETTINGS", "STATISTICS", "CONFIGURATIONS", "ATTACHMENTS"]
        )["clusters"][0]
        self.assertEqual(whole["tags"], [{"key": "team", "value": "dev"}])
        self.assertEqual(whole["settings"], [{"name": "containerInsights", "value": "enabled"}])
        self.assertIn({"name": "runningFargateTasksCount", "value": "0"}, whole["statistics"])
        self.assertEqual(self.ecs.describe_clusters()["clusters"][0]["clusterName"], "default")

        listed = self.ecs.list_clusters()["clusterArns"]
        self.assertEqual(sorted(listed), [self.arn("cluster/blue"), self.arn("cluster/default")])

        updated = self.ecs.update_cluster(
            cluster="blue", configuration={"executeCommandConfiguration": {"logging": "DEFAULT"}}
        )["cluster"]
        self.assertEqual(updated["configuration"]["executeCommandConfiguration"]["logging"], "DEFAULT")
        updated = self.ecs.update_cluster_settings(
            cluster="blue", settings=[{"name": "containerInsights", "value": "disabled"}]
        )["cluster"]
        self.assertEqual(updated["settings"], [{"name": "containerInsights", "value": "disabled"}])
        strategy = [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]
        updated = self.ecs.put_cluster_capacity_providers(
            cluster="blue", capacityProviders=["FARGATE", "FARGATE_SPOT"], defaultCapacityProviderStrategy=strategy
        )["cluster"]
        self.assertEqual(sorted(updated["capacityProviders"]), ["FARGATE", "FARGATE_SPOT"])
        self.assertEqual(updated["defaultCapacityProviderStrategy"], strategy)

        deleted = self.ecs.delete_cluster(cluster="blue")["cluster"]
        self.assertEqual(deleted["status"], "INACTIVE")
        self.assertEqual(self.ecs.describe_clusters(clusters=["blue"])["clusters"][0]["status"], "INACTIVE")
        self.assertEqual(self.ecs.list_clusters()["clusterArns"], [self.arn("cluster/default")])
        self.assertEqual(self.ecs.create_cluster(clusterName="blue")["cluster"]["status"], "ACTIVE")

    def test_capacity_providers(self):
        group = (
            "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:"
            "00000000-0000-4000-8000-000000000000:autoScalingGroupName/one"
        )
        made = self.ecs.create_capacity_provider(
            name="one",
            autoScalingGroupProvider={
                "autoScalingGroupArn": group,
                "managedScaling": {"status": "ENABLED", "targetCapacity": 80},
                "managedTerminationProtection": "DISABLED",
            },
            tags=[{"key": "a", "value": "b"}],
        )["capacityProvider"]
        self.assertEqual(made["name"], "one")
        self.assertEqual(made["status"], "ACTIVE")
        self.assertEqual(made["capacityProviderArn"], self.arn("capacity-provider/one"))
        self.assertEqual(made["autoScalingGroupProvider"]["managedScaling"]["targetCapacity"], 80)
        updated = self.ecs.update_capacity_provider(
            name="one", autoScalingGroupProvider={"managedScaling": {"targetCapacity": 90}}
        )["capacityProvider"]
        self.assertEqual(updated["autoScalingGroupProvider"]["managedScaling"]["targetCapacity"], 90)
        described = self.ecs.describe_capacity_providers(include=["TAGS"])["capacityProviders"]
        self.assertEqual([it["name"] for it in described], ["FARGATE", "FARGATE_SPOT", "one"])
        self.assertEqual(described[2]["tags"], [{"key": "a", "value": "b"}])
        missing = self.ecs.describe_capacity_providers(capacityProviders=["none"])
        self.assertEqual([failure["reason"] for failure in missing["failures"]], ["MISSING"])
        deleted = self.ecs.delete_capacity_provider(capacityProvider="one")["capacityProvider"]
        self.assertEqual(deleted["name"], "one")
        left = self.ecs.describe_capacity_providers()["capacityProviders"]
        self.assertNotIn("ACTIVE", [it["status"] for it in left if it["name"] == "one"])

    def test_task_definitions(self):
        for revision in (1, 2, 3):
            registered = self.ecs.register_task_definition(
                family="web", containerDefinitions=[container(memory=128)], tags=[{"key": "n", "value": str(revision)}]
            )
            definition = registered["taskDefinition"]
            self.assertEqual(definition["revision"], revision)
            self.assertEqual(definition["taskDefinitionArn"], self.arn(f"task-definition/web:{revision}"))
            self.assertEqual(definition["status"], "ACTIVE")
            self.assertEqual(registered["tags"], [{"key": "n", "value": str(revision)}])
        self.fargate("worker")
        for name, revision in (("web", 3), ("web:2", 2), (self.arn("task-definition/web:1"), 1)):
            described = self.ecs.describe_task_definition(taskDefinition=name, include=["TAGS"])
            self.assertEqual(described["taskDefinition"]["revision"], revision)
            self.assertEqual(described["tags"], [{"key": "n", "value": str(revision)}])
        arns = [self.arn(f"task-definition/{it}") for it in ("web:1", "web:2", "web:3", "worker:1")]
        self.assertEqual(self.ecs.list_task_definitions()["taskDefinitionArns"], arns)
        self.assertEqual(self.ecs.list_task_definitions(sort="DESC")["taskDefinitionArns"], arns[::-1])
        self.assertEqual(self.ecs.list_task_definitions(familyPrefix="web")["taskDefinitionArns"], arns[:3])
        self.assertEqual(self.ecs.list_task_definitions(familyPrefix="w")["taskDefinitionArns"], [])
        self.assertEqual(self.ecs.list_task_definition_families(familyPrefix="w")["families"], ["web", "worker"])

        gone = self.ecs.deregister_task_definition(taskDefinition="web:3")["taskDefinition"]
        self.assertEqual(gone["status"], "INACTIVE")
        self.assertNotIn("deregisteredAt", gone)
        gone = self.ecs.describe_task_definition(taskDefinition="web:3")["taskDefinition"]
        self.assertIn("deregisteredAt", gone)
        self.assertEqual(self.ecs.list_task_definitions(status="INACTIVE")["taskDefinitionArns"], [arns[2]])
        self.assertEqual(self.ecs.describe_task_definition(taskDefinition="web")["taskDefinition"]["revision"], 2)
        deleted = self.ecs.delete_task_definitions(taskDefinitions=["web:3", "web:2"])
        self.assertEqual([it["status"] for it in deleted["taskDefinitions"]], ["DELETE_IN_PROGRESS"])
        self.assertEqual([it["arn"] for it in deleted["failures"]], ["web:2"])
        again = self.ecs.register_task_definition(family="web", containerDefinitions=[container(memory=128)])
        self.assertEqual(again["taskDefinition"]["revision"], 4)

    def test_tags(self):
        arn = self.ecs.create_cluster(clusterName="dev")["cluster"]["clusterArn"]
        self.ecs.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "dev"}, {"key": "a", "value": ""}])
        self.ecs.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "ops"}])
        tags = self.ecs.list_tags_for_resource(resourceArn=arn)["tags"]
        self.assertEqual({tag["key"]: tag["value"] for tag in tags}, {"team": "ops", "a": ""})
        self.ecs.untag_resource(resourceArn=arn, tagKeys=["a", "none"])
        self.assertEqual(
            self.ecs.list_tags_for_resource(resourceArn=arn)["tags"], [{"key": "team", "value": "ops"}]
        )
        described = self.ecs.describe_clusters(clusters=["dev"], include=["TAGS"])["clusters"][0]
        self.assertEqual(described["tags"], [{"key": "team", "value": "ops"}])

    def test_account_settings(self):
        user = f"arn:aws:iam::{kecs.ACCOUNT}:user/clients"
        put = self.ecs.put_account_setting(name="containerInsights", value="enabled")["setting"]
        self.assertEqual(
            {name: put[name] for name in ("name", "value", "principalArn")},
            {"name": "containerInsights", "value": "enabled", "principalArn": user},
        )
        put = self.ecs.put_account_setting_default(name="containerInsights", value="disabled")["setting"]
        self.assertEqual(put["principalArn"], f"arn:aws:iam::{kecs.ACCOUNT}:root")
        listed = self.ecs.list_account_settings(name="containerInsights", effectiveSettings=True)["settings"]
        self.assertEqual([it["value"] for it in listed], ["enabled"])
        deleted = self.ecs.delete_account_setting(name="containerInsights")["setting"]
        self.assertEqual(deleted["name"], "containerInsights")
        listed = self.ecs.list_account_settings(name="containerInsights", effectiveSettings=True)["settings"]
        self.assertEqual([it["value"] for it in listed], ["disabled"])

    def test_container_instances(self):
        self.ecs.create_cluster()
        arn = self.instance(attributes=[{"name": "stack", "value": "blue"}])
        other = self.instance()
        self.assertRegex(arn, f"^{self.arn('container-instance/default/')}[0-9a-f]{{32}}$")
        described = self.ecs.describe_container_instances(containerInstances=[arn, "0" * 32])
        (instance,) = described["containerInstances"]
        self.assertEqual([it["reason"] for it in described["failures"]], ["MISSING"])
        self.assertEqual(instance["status"], "ACTIVE")
        self.assertTrue(instance["agentConnected"])
        self.assertIn({"name": "stack", "value": "blue"}, instance["attributes"])
        left = {it["name"]: it for it in instance["remainingResources"]}
        self.assertEqual((left["CPU"]["integerValue"], left["MEMORY"]["integerValue"]), (4096, 8192))
        self.assertEqual(sorted(self.ecs.list_container_instances()["containerInstanceArns"]), sorted([arn, other]))
        filtered = self.ecs.list_container_instances(filter="attribute:stack == blue")
        self.assertEqual(filtered["containerInstanceArns"], [arn])

        drained = self.ecs.update_container_instances_state(containerInstances=[other], status="DRAINING")
        self.assertEqual([it["status"] for it in drained["containerInstances"]], ["DRAINING"])
        self.assertEqual(self.ecs.list_container_instances(status="DRAINING")["containerInstanceArns"], [other])
        agent = self.ecs.update_container_agent(containerInstance=arn)["containerInstance"]
        self.assertEqual(agent["containerInstanceArn"], arn)

        attribute = {"name": "rack", "value": "7", "targetId": arn}
        put = self.ecs.put_attributes(attributes=[attribute])["attributes"]
        self.assertEqual([(it["name"], it["value"]) for it in put], [("rack", "7")])
        found = self.ecs.list_attributes(targetType="container-instance", attributeName="rack")["attributes"]
        self.assertEqual([(it["value"], it["targetId"].endswith(arn.split("/")[-1])) for it in found], [("7", True)])
        self.ecs.delete_attributes(attributes=[{"name": "rack", "targetId": arn}])
        self.assertEqual(
            self.ecs.list_attributes(targetType="container-instance", attributeName="rack")["attributes"], []
        )
        gone = self.ecs.deregister_container_instance(containerInstance=arn)["containerInstance"]
        self.assertEqual(gone["status"], "INACTIVE")
        self.assertEqual(self.ecs.list_container_instances()["containerInstanceArns"], [other])

    def test_tasks(self):
        self.ecs.create_cluster()
        definition = self.fargate(
            containerDefinitions=[container(), container("side", essential=False)],
            taskRoleArn=f"arn:aws:iam::{kecs.ACCOUNT}:role/app",
        )
        arns = self.run_fargate(
            definition, count=2, enableExecuteCommand=True, startedBy="me", tags=[{"key": "a", "value": "b"}]
        )
        self.assertEqual(len(set(arns)), 2)
        self.assertRegex(arns[0], f"^{self.arn('task/default/')}[0-9a-f]{{32}}$")
        task = self.running(arns)[0]
        self.assertEqual(task["group"], "family:app")
        self.assertEqual(task["startedBy"], "me")
        self.assertEqual(task["launchType"], "FARGATE")
        self.assertEqual((task["cpu"], task["memory"]), ("256", "512"))
        self.assertEqual(task["desiredStatus"], "RUNNING")
        self.assertEqual(task["healthStatus"], "UNKNOWN")
        self.assertEqual(sorted(it["name"] for it in task["containers"]), ["app", "side"])
        self.assertEqual([it["type"] for it in task["attachments"]], ["ElasticNetworkInterface"])
        self.assertGreater(task["version"], 1)
        self.assertLessEqual(task["createdAt"], task["startedAt"])
        tagged = self.ecs.describe_tasks(tasks=arns[:1], include=["TAGS"])["tasks"][0]
        self.assertEqual(tagged["tags"], [{"key": "a", "value": "b"}])
        for filters in ({}, {"family": "app"}, {"startedBy": "me"}, {"launchType": "FARGATE"}):
            self.assertEqual(sorted(self.ecs.list_tasks(**filters)["taskArns"]), sorted(arns), filters)
        self.assertEqual(self.ecs.list_tasks(family="other")["taskArns"], [])
        self.assertEqual(self.ecs.list_tasks(desiredStatus="STOPPED")["taskArns"], [])

        # Everything about the request is right; but there is nothing in a simulated container that could run it.
        self.refused(
            "UnsupportedFeatureException", None, self.ecs.execute_command,
            task=arns[0], command="ls", interactive=True, container="app",
        )

        self.serve_fargate("held", definition)
        held = until(lambda: self.ecs.list_tasks(serviceName="held")["taskArns"], lambda seen: len(seen) == 1)
        protected = self.ecs.update_task_protection(
            cluster="default", tasks=held, protectionEnabled=True, expiresInMinutes=5
        )
        self.assertEqual([it["protectionEnabled"] for it in protected["protectedTasks"]], [True])
        got = self.ecs.get_task_protection(cluster="default", tasks=held)
        self.assertEqual(got["protectedTasks"], protected["protectedTasks"])
        self.assertEqual(self.ecs.list_services()["serviceArns"], [self.arn("service/default/held")])

        stopped = self.ecs.stop_task(task=arns[0], reason="enough")["task"]
        self.assertEqual(stopped["desiredStatus"], "STOPPED")
        over = until(lambda: self.tasks(arns[:1])[0], lambda it: it["lastStatus"] == "STOPPED")
        self.assertEqual(over["stoppedReason"], "enough")
        self.assertEqual(over["stopCode"], "UserInitiated")
        self.assertEqual({it["lastStatus"] for it in over["containers"]}, {"STOPPED"})
        self.assertEqual(self.ecs.list_tasks(desiredStatus="STOPPED")["taskArns"], arns[:1])

    def test_the_agent(self):
        self.ecs.create_cluster()
        instance = self.instance()
        definition = self.ecs.register_task_definition(
            family="app", containerDefinitions=[container(memory=128, cpu=10)]
        )["taskDefinition"]["taskDefinitionArn"]
        started = self.ecs.start_task(taskDefinition=definition, containerInstances=[instance], startedBy="agent")
        self.assertEqual(started["failures"], [])
        (task,) = started["tasks"]
        self.assertEqual(task["containerInstanceArn"], instance)
        self.assertEqual(task["launchType"], "EC2")
        endpoint = self.ecs.discover_poll_endpoint(containerInstance=instance, cluster="default")
        self.assertTrue(endpoint["endpoint"])
        running = self.running([task["taskArn"]])[0]
        answer = self.ecs.submit_container_state_change(
            cluster="default", task=task["taskArn"], containerName="app", status="STOPPED", exitCode=3
        )
        self.assertTrue(answer["acknowledgment"])
        answer = self.ecs.submit_task_state_change(
            cluster="default", task=task["taskArn"], status="STOPPED", reason="gone"
        )
        self.assertTrue(answer["acknowledgment"])
        networked = self.running(self.run_fargate(self.fargate("net")))[0]
        attachment = self.arn(f"attachment/{networked['attachments'][0]['id']}")
        answer = self.ecs.submit_attachment_state_changes(
            cluster="default", attachments=[{"attachmentArn": attachment, "status": "ATTACHED"}]
        )
        self.assertTrue(answer["acknowledgment"])
        over = until(lambda: self.tasks([task["taskArn"]])[0], lambda it: it["lastStatus"] == "STOPPED")
        self.assertEqual(over["containers"][0]["exitCode"], 3)
        self.assertGreater(over["version"], running["version"])

    def test_services(self):
        self.ecs.create_cluster()
        first, second = self.fargate(), self.fargate()
        service = self.serve_fargate(
            "web",
            first,
            count=2,
            tags=[{"key": "a", "value": "b"}],
            serviceConnectConfiguration={"enabled": True, "namespace": "internal"},
        )
        self.assertEqual(service["serviceArn"], self.arn("service/default/web"))
        self.assertEqual(service["status"], "ACTIVE")
        self.assertEqual(service["schedulingStrategy"], "REPLICA")
        configuration = service["deploymentConfiguration"]
        self.assertEqual((configuration["minimumHealthyPercent"], configuration["maximumPercent"]), (100, 200))
        self.assertEqual([it["status"] for it in service["deployments"]], ["PRIMARY"])
        steady = self.steady("web")
        self.assertEqual((steady["runningCount"], steady["pendingCount"]), (2, 0))
        self.assertTrue(any(it["message"].endswith("has reached a steady state.") for it in steady["events"]))
        self.assertEqual(self.ecs.list_services()["serviceArns"], [service["serviceArn"]])
        by_namespace = self.ecs.list_services_by_namespace(namespace="internal")["serviceArns"]
        self.assertEqual(by_namespace, [service["serviceArn"]])

        updated = self.ecs.update_service(service="web", taskDefinition=second)["service"]
        self.assertEqual([it["status"] for it in updated["deployments"]], ["PRIMARY", "ACTIVE"])
        steady = self.steady("web")
        self.assertEqual(steady["taskDefinition"], second)
        deployments = self.ecs.list_service_deployments(service="web", cluster="default")["serviceDeployments"]
        self.assertEqual([it["status"] for it in deployments], ["SUCCESSFUL", "SUCCESSFUL"])
        described = self.ecs.describe_service_deployments(
            serviceDeploymentArns=[it["serviceDeploymentArn"] for it in deployments]
        )
        self.assertEqual(described["failures"], [])
        revisions = [it["targetServiceRevision"]["arn"] for it in described["serviceDeployments"]]
        shown = self.ecs.describe_service_revisions(serviceRevisionArns=revisions)["serviceRevisions"]
        self.assertEqual({it["taskDefinition"] for it in shown}, {first, second})

        # Without a circuit breaker this is tried for ever, so that it is still under way when it is stopped.
        hopeless = self.fargate(containerDefinitions=[container(image="registry.invalid/app:1")])
        self.ecs.update_service(service="web", taskDefinition=hopeless)
        (under_way,) = self.ecs.list_service_deployments(
            service="web", cluster="default", status=["PENDING", "IN_PROGRESS"]
        )["serviceDeployments"]
        stopped = self.ecs.stop_service_deployment(
            serviceDeploymentArn=under_way["serviceDeploymentArn"], stopType="ROLLBACK"
        )
        self.assertEqual(stopped["serviceDeploymentArn"], under_way["serviceDeploymentArn"])
        self.assertEqual(self.steady("web")["taskDefinition"], second)

        drained = self.ecs.delete_service(service="web", force=True)["service"]
        self.assertEqual(drained["status"], "DRAINING")
        until(lambda: self.service("web"), lambda it: it["status"] == "INACTIVE")
        self.assertEqual(self.ecs.list_services()["serviceArns"], [])

    def test_task_sets(self):
        self.ecs.create_cluster()
        definition = self.fargate()
        service = self.ecs.create_service(
            serviceName="sets", desiredCount=3, deploymentController={"type": "EXTERNAL"}
        )["service"]
        self.assertEqual(service["deploymentController"], {"type": "EXTERNAL"})
        made = [
            self.ecs.create_task_set(
                service="sets",
                cluster="default",
                taskDefinition=definition,
                launchType="FARGATE",
                networkConfiguration=NETWORK,
                scale={"unit": "PERCENT", "value": value},
            )["taskSet"]
            for value in (50.0, 1.0)
        ]
        self.assertEqual([it["computedDesiredCount"] for it in made], [2, 1])
        ids = [it["id"] for it in made]
        self.assertEqual(made[0]["taskSetArn"], self.arn(f"task-set/default/sets/{ids[0]}"))
        updated = self.ecs.update_task_set(
            service="sets", cluster="default", taskSet=ids[0], scale={"unit": "PERCENT", "value": 100.0}
        )["taskSet"]
        self.assertEqual(updated["computedDesiredCount"], 3)
        primary = self.ecs.update_service_primary_task_set(
            service="sets", cluster="default", primaryTaskSet=ids[0]
        )["taskSet"]
        self.assertEqual(primary["status"], "PRIMARY")
        steady = until(
            lambda: self.ecs.describe_task_sets(service="sets", cluster="default", taskSets=ids)["taskSets"],
            lambda seen: all(it["stabilityStatus"] == "STEADY_STATE" for it in seen),
        )
        self.assertEqual(sorted(it["runningCount"] for it in steady), [1, 3])
        self.assertEqual(len(self.service("sets")["taskSets"]), 2)
        deleted = self.ecs.delete_task_set(service="sets", cluster="default", taskSet=ids[1], force=True)["taskSet"]
        self.assertEqual(deleted["id"], ids[1])
        until(
            lambda: self.ecs.describe_task_sets(service="sets", cluster="default")["taskSets"],
            lambda seen: [it["id"] for it in seen] == ids[:1],
        )


if __name__ == "__main__":
    unittest.main()
