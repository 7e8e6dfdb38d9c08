"""The paginators of botocore: every list whole and without repeats, whatever the size of a page."""

import unittest

from botocore.exceptions import ClientError

import kecs

SIZES = (1, 3, 10)


class Paginators(kecs.Case):
    def pages(self, operation, size, key, **arguments):
        """The pages of a list."""
        paginator = self.ecs.get_paginator(operation)
        pages = paginator.paginate(PaginationConfig={"PageSize": size}, **arguments)
        return [page[key] for page in pages]

    def held(self, operation, key, expected, **arguments):
        """That a list is this, in pages of any size, and in the same order in all of them."""
        orders = set()
        for size in SIZES:
            pages = self.pages(operation, size, key, **arguments)
            listed = [self.plain(it) for page in pages for it in page]
            self.assertEqual(sorted(listed), sorted(self.plain(it) for it in expected), (operation, size))
            full = [len(page) for page in pages[:-1]]
            self.assertEqual(full, [size] * len(full), (operation, size))
            self.assertLessEqual(len(pages), max(1, -(-len(expected) // size)), (operation, size))
            orders.add(tuple(listed))
        self.assertEqual(len(orders), 1, operation)

    @staticmethod
    def plain(item):
        return tuple(sorted(item.items())) if isinstance(item, dict) else item

    def test_clusters(self):
        names = [f"c{number:02}" for number in range(11)]
        expected = [self.ecs.create_cluster(clusterName=name)["cluster"]["clusterArn"] for name in names]
        self.held("list_clusters", "clusterArns", expected)

    def test_task_definitions(self):
        expected = [self.fargate("web") for _ in range(11)] + [self.fargate("worker")]
        self.held("list_task_definitions", "taskDefinitionArns", expected)
        self.held("list_task_definitions", "taskDefinitionArns", expected[:11], familyPrefix="web")
        self.assertEqual(
            [arn for page in self.pages("list_task_definitions", 3, "taskDefinitionArns", sort="DESC") for arn in page],
            expected[::-1],
        )

    def test_families(self):
        expected = [f"family-{number}" for number in range(7)]
        for family in expected:
            self.fargate(family)
        self.held("list_task_definition_families", "families", expected)

    def test_tasks(self):
        self.ecs.create_cluster()
        definition = self.fargate()
        expected = self.run_fargate(definition, count=10) + self.run_fargate(definition, count=2, startedBy="me")
        self.held("list_tasks", "taskArns", expected)
        self.held("list_tasks", "taskArns", expected[10:], startedBy="me")

    def test_services(self):
        self.ecs.create_cluster()
        definition = self.fargate()
        connect = {"serviceConnectConfiguration": {"enabled": True, "namespace": "internal"}}
        expected = [
            self.serve_fargate(f"s{number}", definition, count=0, **(connect if number < 4 else {}))["serviceArn"]
            for number in range(11)
        ]
        self.held("list_services", "serviceArns", expected)
        self.held("list_services_by_namespace", "serviceArns", expected[:4], namespace="internal")
        self.assertEqual(len(self.ecs.list_services()["serviceArns"]), 10)

    def test_container_instances_and_attributes(self):
        self.ecs.create_cluster()
        attribute = [{"name": "stack", "value": "blue"}]
        expected = [self.instance(attributes=attribute) for _ in range(5)]
        self.held("list_container_instances", "containerInstanceArns", expected)
        found = self.ecs.list_attributes(targetType="container-instance", attributeName="stack")["attributes"]
        self.assertEqual(len(found), 5)
        self.held("list_attributes", "attributes", found, targetType="container-instance", attributeName="stack")

    def test_account_settings(self):
        expected = self.ecs.list_account_settings(effectiveSettings=True, maxResults=10)
        settings = list(expected["settings"])
        if "nextToken" in expected:
            settings += self.ecs.list_account_settings(effectiveSettings=True, nextToken=expected["nextToken"])["settings"]
        self.held("list_account_settings", "settings", settings, effectiveSettings=True)

    def test_a_list_goes_on_while_others_come_and_go(self):
        for number in range(10):
            self.ecs.create_cluster(clusterName=f"m{number}")
        seen, token = [], None
        for turn in range(10):
            page = self.ecs.list_clusters(maxResults=2, **({"nextToken": token} if token else {}))
            seen += [arn.split("/")[-1] for arn in page["clusterArns"]]
            token = page.get("nextToken")
            if token is None:
                break
            self.ecs.create_cluster(clusterName=f"a{turn}")
            self.ecs.delete_cluster(cluster=seen[0])
        stayed = [name for name in seen if name.startswith("m")]
        self.assertEqual(stayed, [f"m{number}" for number in range(10)])

    def test_a_token_belongs_to_its_list(self):
        for number in range(3):
            self.fargate(f"f{number}")
        token = self.ecs.list_task_definitions(maxResults=1)["nextToken"]
        for arguments in ({"status": "INACTIVE", "nextToken": token}, {"nextToken": "none"}, {"nextToken": token[:-2]}):
            with self.assertRaises(ClientError) as raised:
                self.ecs.list_task_definitions(maxResults=1, **arguments)
            self.assertEqual(raised.exception.response["Error"]["Code"], "InvalidParameterException")
        with self.assertRaises(ClientError):
            kecs.client(self.region + "0").list_task_definitions(maxResults=1, nextToken=token)


if __name__ == "__main__":
    unittest.main()
