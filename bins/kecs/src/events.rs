//! `kecs events follow`.

use anyhow::{Context, Result, anyhow, bail};
use clap::{Arg, ArgAction, ArgMatches, Command};
use clock::Clock;
use futures::StreamExt as _;
use http::{HeaderValue, Request, Uri, header};
use kecs_server::access::SERVICE;
use kecs_server::sigv4::{Credential, PathForm, SignedRequest, sign};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::process;

/// The command and its arguments.
pub(crate) fn command() -> Command {
    let arg = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new("events")
        .about("Events of a server")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("follow")
                .about("Prints events as they are committed, a line of JSON each")
                .arg(
                    arg("endpoint", "URL", "The server")
                        .default_value("http://127.0.0.1:5373")
                        .env("AWS_ENDPOINT_URL"),
                )
                .arg(arg(
                    "types",
                    "TYPE,...",
                    "Only these types: task.started,task.stopped",
                ))
                .arg(arg(
                    "resource",
                    "ARN",
                    "Only resources whose ARN begins with this, or is as this with * and ?",
                ))
                .arg(arg(
                    "since",
                    "SEQUENCE",
                    "Also what was committed after this sequence number; 0: all that is kept",
                ))
                .arg(arg("format", "FORMAT", "plain or eventbridge"))
                .arg(
                    Arg::new("count")
                        .long("count")
                        .value_name("N")
                        .value_parser(clap::value_parser!(u64))
                        .help("Ends after so many events"),
                )
                .arg(
                    Arg::new("quiet")
                        .long("quiet")
                        .action(ArgAction::SetTrue)
                        .help("Says nothing of lag and of events that are no longer kept"),
                ),
        )
}

/// Follows events.
pub(crate) async fn run(matches: &ArgMatches) -> Result<()> {
    let Some(("follow", flags)) = matches.subcommand() else {
        return Ok(());
    };
    let given = |name: &str| flags.try_get_one::<String>(name).ok().flatten().cloned();
    let endpoint = given("endpoint").unwrap_or_default();
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in ["types", "resource", "since", "format"] {
        if let Some(value) = given(name) {
            query.append_pair(name, &value);
        }
    }
    let uri: Uri = format!("{}/v1/events?{}", endpoint.trim_end_matches('/'), query.finish())
        .parse()
        .with_context(|| format!("`{endpoint}` is no URL"))?;
    if uri.scheme_str() != Some("http") {
        bail!("only http:// endpoints can be followed, not `{endpoint}`");
    }
    let authority = uri
        .authority()
        .ok_or_else(|| anyhow!("`{endpoint}` names no server"))?;
    let address = (
        authority.host().trim_matches(['[', ']']),
        authority.port_u16().unwrap_or(80),
    );
    let stream = TcpStream::connect(address).await;
    let stream = stream.with_context(|| format!("connect to {endpoint}"))?;
    let request = request(&uri, authority.as_str())?;
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream)
        .await
        .map_err(refused)?;
    let mut left: Option<u64> = flags.get_one("count").copied();
    while left != Some(0) {
        let message = match socket.next().await {
            Some(message) => message.context("read events")?,
            None => bail!("the server went away"),
        };
        let text = match message {
            Message::Text(text) => text,
            Message::Close(frame) => {
                let reason = frame.map(|frame| frame.reason.to_string()).unwrap_or_default();
                bail!("the server ended it: {reason}");
            }
            Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => continue,
        };
        let event: Value = serde_json::from_str(&text).context("read an event")?;
        let notice = event.get("lag").is_some() || event.get("lost").is_some();
        if notice && flags.get_flag("quiet") {
            continue;
        }
        process::print(&format!("{text}\n"))?;
        if !notice {
            left = left.map(|left| left - 1);
        }
    }
    Ok(())
}

/// What the server says where it does not take the subscription.
fn refused(error: tokio_tungstenite::tungstenite::Error) -> anyhow::Error {
    if let tokio_tungstenite::tungstenite::Error::Http(response) = &error
        && let Some(body) = response.body()
    {
        let body = String::from_utf8_lossy(body);
        return anyhow!("the server refuses: {body}");
    }
    anyhow::Error::new(error).context("follow events")
}

/// The request, signed where the environment has a key.
fn request(uri: &Uri, host: &str) -> Result<Request<()>> {
    let websocket = uri.to_string().replacen("http://", "ws://", 1);
    let mut request = websocket.into_client_request().context("make the request")?;
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let (Some(id), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) else {
        return Ok(request);
    };
    let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
    let now = Clock::system().now();
    let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let credential = Credential {
        access_key_id: id,
        date: stamp[..8].to_owned(),
        region: region.unwrap_or_else(|| "us-east-1".to_owned()),
        service: SERVICE.to_owned(),
    };
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_str(host)?);
    headers.insert("x-amz-date", HeaderValue::from_str(&stamp)?);
    let mut names = vec!["host".to_owned(), "x-amz-date".to_owned()];
    if let Some(token) = variable("AWS_SESSION_TOKEN") {
        headers.insert("x-amz-security-token", HeaderValue::from_str(&token)?);
        names.push("x-amz-security-token".to_owned());
    }
    let signed = SignedRequest {
        method: "GET",
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        headers: request.headers(),
        body: b"",
    };
    let canonical = signed.canonical(&names, PathForm::Normalized);
    let signature = sign(&secret, &credential, now, &canonical);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={signature}",
        credential.access_key_id,
        credential.scope(),
        names.join(";")
    );
    let value = HeaderValue::from_str(&authorization)?;
    request.headers_mut().insert(header::AUTHORIZATION, value);
    Ok(request)
}
