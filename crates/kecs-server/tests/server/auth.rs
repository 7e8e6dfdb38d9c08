use jiff::Timestamp;
use kecs_server::server::Setup;
use kecs_server::sigv4::{Credential, PathForm, SignedRequest, sign};
use kecs_server::wire::TARGET_PREFIX;
use serde_json::json;

use crate::support::{Answer, NOW, Server, keys, setup};

const KEYS: &str = "
keys:
  - access_key_id: AKIDFULL
    secret_access_key: full
  - access_key_id: AKIDCI
    secret_access_key: ci
    account: '999999999999'
    principal: arn:aws:iam::999999999999:user/ci
    allow:
      - operations: ['Describe*', 'ecs:List*', createcluster, FollowEvents]
      - operations: [DeleteCluster]
        resources: ['arn:aws:ecs:*:999999999999:cluster/dev-*']
    deny:
      - operations: ['*']
        resources: ['*:cluster/prod']
  - access_key_id: ASIATOKEN
    secret_access_key: token
    session_token: first
";

/// A request as a client signs it.
struct Client<'a> {
    id: &'a str,
    secret: &'a str,
    region: &'a str,
    time: &'a str,
    token: Option<&'a str>,
}

impl<'a> Client<'a> {
    fn new(id: &'a str, secret: &'a str) -> Self {
        Self {
            id,
            secret,
            region: "us-west-2",
            time: NOW,
            token: None,
        }
    }

    async fn ask(&self, server: &Server, operation: &str, input: &serde_json::Value) -> Answer {
        let body = input.to_string();
        let time: Timestamp = self.time.parse().unwrap();
        let stamp = time.strftime("%Y%m%dT%H%M%SZ").to_string();
        let target = format!("{TARGET_PREFIX}.{operation}");
        let mut headers = vec![("X-Amz-Date", stamp.as_str()), ("X-Amz-Target", target.as_str())];
        if let Some(token) = self.token {
            headers.push(("X-Amz-Security-Token", token));
        }
        let authorization = self.authorization(server, &headers, &body, time);
        headers.push(("Authorization", &authorization));
        server.post(&headers, &body).await
    }

    fn authorization(
        &self,
        server: &Server,
        headers: &[(&str, &str)],
        body: &str,
        time: Timestamp,
    ) -> String {
        let mut map = http::HeaderMap::new();
        map.insert("host", server.running.address.to_string().parse().unwrap());
        for (name, value) in headers {
            map.insert(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
        }
        let mut names: Vec<String> = map.keys().map(ToString::to_string).collect();
        names.sort();
        let credential = Credential {
            access_key_id: self.id.to_owned(),
            date: time.strftime("%Y%m%d").to_string(),
            region: self.region.to_owned(),
            service: "ecs".to_owned(),
        };
        let signed = SignedRequest {
            method: "POST",
            path: "/",
            query: "",
            headers: &map,
            body: body.as_bytes(),
        };
        let canonical = signed.canonical(&names, PathForm::Normalized);
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
            self.id,
            credential.scope(),
            names.join(";"),
            sign(self.secret, &credential, time, &canonical)
        )
    }
}

fn with_keys() -> Setup {
    Setup {
        access: keys(KEYS),
        ..setup()
    }
}

fn refused(code: &str, message: &str) -> (u16, String, String) {
    (400, code.to_owned(), message.to_owned())
}

#[tokio::test]
async fn a_signed_request_is_answered_in_the_account_of_its_key_and_the_region_of_its_signature() {
    let server = Server::start(with_keys()).await;
    let created = Client::new("AKIDCI", "ci")
        .ask(&server, "CreateCluster", &json!({"clusterName": "a"}))
        .await;
    assert_eq!(
        created.json()["cluster"]["clusterArn"],
        "arn:aws:ecs:us-west-2:999999999999:cluster/a"
    );
    let listed = Client::new("AKIDFULL", "full")
        .ask(&server, "ListClusters", &json!({}))
        .await;
    assert_eq!(listed.json(), json!({"clusterArns": []}));
}

#[tokio::test]
async fn who_does_not_sign_is_refused() {
    let server = Server::start(with_keys()).await;
    let answer = server.ask("ListClusters", &json!({})).await;
    assert_eq!(
        answer.refusal(),
        refused(
            "MissingAuthenticationTokenException",
            "Missing Authentication Token"
        )
    );
    let target = format!("{TARGET_PREFIX}.ListClusters");
    let answer = server
        .post(&[("X-Amz-Target", &target), ("Authorization", "Bearer x")], "{}")
        .await;
    assert_eq!(
        answer.refusal(),
        refused(
            "IncompleteSignatureException",
            "Unsupported AWS 'algorithm': 'Bearer'."
        )
    );
}

#[tokio::test]
async fn who_signs_with_another_key_or_at_another_time_is_refused() {
    let server = Server::start(with_keys()).await;
    let list = |client: Client<'static>| {
        let server = &server;
        async move { client.ask(server, "ListClusters", &json!({})).await.refusal() }
    };
    assert_eq!(
        list(Client::new("AKIDNONE", "x")).await,
        refused(
            "UnrecognizedClientException",
            "The security token included in the request is invalid."
        )
    );
    assert_eq!(
        list(Client::new("AKIDFULL", "ci")).await,
        refused(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
             Access Key and signing method. Consult the service documentation for details."
        )
    );
    let late = Client {
        time: "2026-01-02T02:59:04Z",
        ..Client::new("AKIDFULL", "full")
    };
    assert_eq!(
        list(late).await,
        refused(
            "InvalidSignatureException",
            "Signature expired: 20260102T025904Z is now earlier than 20260102T025905Z (20260102T030405Z - 5 min.)"
        )
    );
}

#[tokio::test]
async fn a_session_is_known_by_its_token() {
    let server = Server::start(with_keys()).await;
    let (session, other) = (("ASIATOKEN", "token"), ("AKIDCI", "ci"));
    for ((id, secret), token, status) in [
        (session, Some("first"), 200),
        (session, Some("other"), 400),
        (session, None, 400),
        (other, None, 200),
        (other, Some("first"), 400),
    ] {
        let client = Client {
            token,
            ..Client::new(id, secret)
        };
        let answer = client.ask(&server, "ListClusters", &json!({})).await;
        assert_eq!(answer.status.as_u16(), status, "{id} {token:?} {}", answer.body);
    }
}

#[tokio::test]
async fn a_key_may_do_what_it_is_allowed_and_not_denied() {
    let server = Server::start(with_keys()).await;
    let client = Client::new("AKIDCI", "ci");
    for name in ["dev-1", "other"] {
        let created = client
            .ask(&server, "CreateCluster", &json!({"clusterName": name}))
            .await;
        assert_eq!(created.status.as_u16(), 200, "{}", created.body);
    }
    let denied = |operation: &str, resource: &str, because: &str| {
        refused(
            "AccessDeniedException",
            &format!(
                "User: arn:aws:iam::999999999999:user/ci is not authorized to perform: ecs:{operation} on resource: \
                 {resource} {because}"
            ),
        )
    };
    let not_allowed =
        |operation: &str| format!("because no identity-based policy allows the ecs:{operation} action");
    let ask = async |operation: &str, input| client.ask(&server, operation, &input).await;
    assert_eq!(
        ask("CreateCluster", json!({"clusterName": "prod"}))
            .await
            .refusal(),
        denied(
            "CreateCluster",
            "arn:aws:ecs:us-west-2:999999999999:cluster/prod",
            "with an explicit deny in an identity-based policy"
        )
    );
    assert_eq!(
        ask("DescribeClusters", json!({"clusters": ["dev-1", "prod"]}))
            .await
            .refusal(),
        denied(
            "DescribeClusters",
            "arn:aws:ecs:us-west-2:999999999999:cluster/prod",
            "with an explicit deny in an identity-based policy"
        )
    );
    assert_eq!(
        ask("DeleteCluster", json!({"cluster": "other"})).await.refusal(),
        denied(
            "DeleteCluster",
            "arn:aws:ecs:us-west-2:999999999999:cluster/other",
            &not_allowed("DeleteCluster")
        )
    );
    assert_eq!(
        ask("DeleteCluster", json!({"cluster": "dev-1"}))
            .await
            .status
            .as_u16(),
        200
    );
    assert_eq!(
        ask("RunTask", json!({"taskDefinition": "web"})).await.refusal(),
        denied(
            "RunTask",
            "arn:aws:ecs:us-west-2:999999999999:task-definition/web:*",
            &not_allowed("RunTask")
        )
    );
    assert_eq!(
        ask(
            "PutAccountSetting",
            json!({"name": "containerInsights", "value": "enabled"})
        )
        .await
        .refusal(),
        denied("PutAccountSetting", "*", &not_allowed("PutAccountSetting"))
    );
}
