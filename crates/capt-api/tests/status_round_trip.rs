//! A status that is read and written again is the same bytes: whoever compares what it would write with
//! what it has read sees a difference only where there is one.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

use capt_api::capt_cluster::CAPTClusterStatus;
use capt_api::control_plane::CAPTControlPlaneStatus;
use capt_api::template_apply::WorkspaceTemplateApplyStatus;
use capt_api::terraform_workspace::TerraformWorkspaceStatus;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The part that every kind has, with every field filled in.
fn lifecycle() -> Value {
    json!({
        "observedGeneration": 3,
        "state": "Recovering",
        "stateSince": "2026-01-01T00:00:00Z",
        "ready": false,
        "inputDigest": "sha256:1",
        "appliedInputDigest": "sha256:0",
        "observedRequest": "retry=1",
        "progress": {
            "operation": "Create", "currentOperation": "Applying demo-vpc", "percentComplete": 42,
            "completedSteps": 2, "totalSteps": 5, "startedAt": "2026-01-01T00:00:00Z",
            "estimatedCompletionTime": "2026-01-01T00:10:00Z", "overdue": false,
            "history": [{ "operation": "Create", "startedAt": "2026-01-01T00:00:00Z",
                "finishedAt": "2026-01-01T00:01:00Z", "outcome": "Failed" }],
        },
        "fault": { "class": "Quota", "code": "VpcLimitExceeded", "subject": "aws_vpc.this", "message": "no",
            "source": "WorkspaceTemplateApply/demo-vpc" },
        "waits": [{ "for": "Secret/a", "reason": "SecretMissing", "message": "m", "since": "2026-01-01T00:00:00Z" }],
        "health": {
            "checks": [{ "name": "api", "status": "Failing", "severity": "Critical", "message": "m",
                "since": "2026-01-01T00:00:00Z" }],
            "availability": { "since": "2026-01-01T00:00:00Z", "observedSince": "2026-01-01T00:00:00Z",
                "percent1h": 100, "percent24h": 99, "percent30d": 98 },
            "performance": { "lastProvision": "12m30s", "lastUpdate": "1h", "medianProvision": "11m",
                "apiLatency": "35ms" },
            "resources": { "managed": 7, "drifted": 0, "failed": 1 },
        },
        "recovery": {
            "from": "Provisioning", "failedAttempts": 1, "exhausted": false,
            "lastAttempt": "2026-01-01T00:00:00Z", "nextAttempt": "2026-01-01T00:05:00Z",
            "attempts": 4, "successes": 3, "successPercent": 75,
            "incident": { "startedAt": "2026-01-01T00:00:00Z", "trigger": "Timeout", "class": "Transient",
                "from": "Provisioning", "attempt": 2, "maxAttempts": 10, "action": "Reapply", "escalated": false },
            "history": [{ "time": "2026-01-01T00:00:00Z", "trigger": "Timeout", "action": "Unlock",
                "outcome": "Succeeded", "duration": "0s" }],
        },
        "lastKnownGood": { "revision": "demo-1", "version": "v1.31", "inputDigest": "sha256:0",
            "time": "2026-01-01T00:00:00Z" },
        "conditions": [{ "type": "Ready", "status": "False", "reason": "Recovering", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 3 }],
    })
}

fn stable<S: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(own: &Value) {
    let mut status = lifecycle();
    let fields = own.as_object().unwrap().clone();
    status.as_object_mut().unwrap().extend(fields);
    let read: S = serde_json::from_value(status.clone()).unwrap();
    let written = serde_json::to_value(&read).unwrap();
    assert_eq!(written, status);
    let once = serde_json::to_string(&read).unwrap();
    let again: S = serde_json::from_str(&once).unwrap();
    assert_eq!(again, read);
    assert_eq!(serde_json::to_string(&again).unwrap(), once);
}

#[test]
fn of_every_kind() {
    let template = json!({ "ready": true, "state": "Ready", "workspaceName": "demo-vpc",
        "lastAppliedTime": "2026-01-01T00:00:00Z", "lastAppliedRevision": "a", "lastFailedRevision": "b",
        "lastFailureMessage": "c", "outputs": { "a": "b" } });
    stable::<CAPTClusterStatus>(&json!({
        "initialization": { "provisioned": true }, "vpcId": "vpc-1", "vpcWorkspaceName": "demo-vpc",
        "failureDomains": [{ "name": "a", "controlPlane": true, "attributes": { "zone": "a" } }],
        "endpoint": "api.example:443", "failureReason": "Quota", "failureMessage": "no",
        "workspaceTemplateStatus": template,
    }));
    stable::<CAPTControlPlaneStatus>(&json!({
        "phase": "Failed", "initialized": true, "initialization": { "controlPlaneInitialized": true },
        "externalManagedControlPlane": true, "secretsReady": false, "endpoint": "api.example:443",
        "version": "v1.31", "versions": [{ "version": "v1.31" }, { "version": "v1.32", "replicas": 1 }],
        "failureReason": "Quota", "failureMessage": "no", "workspaceTemplateStatus": template,
        "workspaceStatus": { "ready": true, "state": "Available", "atProvider": { "outputs": { "n": 1 } } },
    }));
    stable::<WorkspaceTemplateApplyStatus>(&json!({
        "workspaceName": "demo-vpc", "applied": true, "lastAppliedTime": "2026-01-01T00:00:00Z",
        "appliedInputDigest": "sha256:0", "outputs": { "ids": ["a", 1, null, { "b": true }] }, "outputsDigest": "d",
    }));
    stable::<TerraformWorkspaceStatus>(&json!({
        "atProvider": { "outputs": { "list": [1, 2], "text": "t" }, "checksum": "c" },
        "run": { "id": "r", "operation": "Apply", "stage": "Applying", "startedAt": "2026-01-01T00:00:00Z",
            "finishedAt": "2026-01-01T00:01:00Z", "engine": "terraform", "inputDigest": "sha256:1" },
        "appliedInputDigest": "sha256:0", "lastAppliedTime": "2026-01-01T00:00:00Z", "outputsDigest": "d",
        "connectionSecret": { "name": "a", "namespace": "b", "digest": "c" },
        "pendingApproval": ["replace aws_eks_cluster.this"],
    }));
}

#[test]
fn an_empty_status_is_an_empty_object() {
    let empty = json!({});
    assert_eq!(serde_json::to_value(CAPTClusterStatus::default()).unwrap(), empty);
    assert_eq!(
        serde_json::to_value(CAPTControlPlaneStatus::default()).unwrap(),
        empty
    );
    assert_eq!(
        serde_json::to_value(WorkspaceTemplateApplyStatus::default()).unwrap(),
        empty
    );
    assert_eq!(
        serde_json::to_value(TerraformWorkspaceStatus::default()).unwrap(),
        empty
    );
}
