//! A server: what it is made of, how it starts and how it stops.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts as _, Request as HttpRequest, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use clock::Clock;
use http::HeaderValue;
use http_body::Body as _;
use kecs_core::plane::DataPlane;
use kecs_model::Refusal;
use kecs_store::Store;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use crate::access::{Access, FOLLOW_EVENTS, Home};
use crate::admin::{self, Admin};
use crate::api::Api;
use crate::audit::{self, Audit, AuditError};
use crate::endpoint::{Endpoint, discard};
use crate::events::Subscription;
use crate::events::socket::Subscriber;
use crate::fallback::Fallback;
use crate::listen::{self, ListenError};
use crate::meter::Meter;
use crate::metrics::Metrics;
use crate::request_id::RequestIds;
use crate::sigv4::SignedRequest;
use crate::upkeep::{self, Upkeep};
use crate::wire;

/// What a server is made of.
pub struct Setup {
    /// Where records are kept.
    pub store: Arc<dyn Store>,
    /// What runs tasks.
    pub plane: Arc<dyn DataPlane>,
    /// Where the API answers. Port zero: any that is free.
    pub listen: SocketAddr,
    /// Where the admin port answers, if anywhere.
    pub admin_listen: Option<SocketAddr>,
    /// The URL under which clients reach the API; `None`: by the address that it listens on.
    pub endpoint: Option<String>,
    /// Who may ask.
    pub access: Access,
    /// What holds where a request says nothing.
    pub home: Home,
    /// Where requests for other services go.
    pub fallback: Option<Fallback>,
    /// The largest body that is read, in bytes.
    pub max_body: usize,
    /// How requests are written down.
    pub audit: Option<audit::Settings>,
    /// What is done now and then.
    pub upkeep: Upkeep,
    /// How long requests under way get to finish.
    pub grace: Duration,
    /// What is measured.
    pub metrics: Metrics,
    /// What is measured just before it is told.
    pub refresh: Box<dyn Fn(&Metrics) + Send + Sync>,
    /// The time of day.
    pub clock: Clock,
    /// Ids of requests.
    pub ids: RequestIds,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("listen", &self.listen)
            .field("admin_listen", &self.admin_listen)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Anybody on the network could do anything.
    #[error("an open server listens on loopback only, not on {0}: give it keys, or a loopback address")]
    Open(SocketAddr),
    /// An address cannot be taken.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The audit log cannot be opened.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The store cannot be read.
    #[error("read what is kept")]
    Store(#[from] kecs_store::StoreError),
}

/// A server that runs.
#[derive(Debug)]
pub struct Running {
    /// Where the API answers.
    pub address: SocketAddr,
    /// Where the admin port answers.
    pub admin_address: Option<SocketAddr>,
    /// The URL of the API.
    pub endpoint: String,
    stop: watch::Sender<bool>,
    api: JoinHandle<usize>,
    admin: Option<JoinHandle<usize>>,
    upkeep: JoinHandle<()>,
    audit: Option<JoinHandle<()>>,
}

/// What the routes share.
struct Shared {
    endpoint: Arc<Endpoint>,
    store: Arc<dyn Store>,
    stop: watch::Receiver<bool>,
}

impl Running {
    /// Starts a server: it answers when this returns.
    pub async fn start(setup: Setup) -> Result<Self, StartError> {
        if matches!(setup.access, Access::Open) && !setup.listen.ip().is_loopback() {
            return Err(StartError::Open(setup.listen));
        }
        let listener = listen::bind(setup.listen).await?;
        let address = listener.local_addr().unwrap_or(setup.listen);
        let url = setup.endpoint.unwrap_or_else(|| format!("http://{address}"));
        let (stop, stopped) = watch::channel(false);
        let (audit, audit_written) = match setup.audit {
            Some(settings) => {
                let (audit, written) = Audit::open(settings)?;
                (Some(Arc::new(audit)), Some(written))
            }
            None => (None, None),
        };
        Meter::start(&*setup.store, setup.metrics.clone())?;
        let admin = match setup.admin_listen {
            Some(address) => {
                let listener = listen::bind(address).await?;
                let address = listener.local_addr().unwrap_or(address);
                let router = admin::router(Arc::new(Admin {
                    store: Arc::clone(&setup.store),
                    metrics: setup.metrics.clone(),
                    audit: audit.clone(),
                    clock: setup.clock.clone(),
                    stop: stopped.clone(),
                    written: Mutex::default(),
                    refresh: setup.refresh,
                }));
                // Until the very end, so that one can see how the rest stops.
                let served = listen::serve(listener, router, stopped.clone(), setup.grace);
                Some((address, tokio::spawn(served)))
            }
            None => None,
        };
        let store = Arc::clone(&setup.store);
        let plane = setup.plane;
        let endpoint = Arc::new(Endpoint {
            api: Api::new(store, plane, setup.clock.clone(), url.clone()),
            access: setup.access,
            home: setup.home,
            fallback: setup.fallback,
            max_body: setup.max_body,
            audit,
            metrics: setup.metrics.clone(),
            clock: setup.clock.clone(),
            ids: setup.ids,
        });
        let shared = Arc::new(Shared {
            endpoint,
            store: Arc::clone(&setup.store),
            stop: stopped.clone(),
        });
        let upkeep = upkeep::run(
            setup.upkeep,
            setup.store,
            setup.metrics,
            setup.clock,
            stopped.clone(),
        );
        let (admin_address, admin) = admin.unzip();
        Ok(Self {
            address,
            admin_address,
            endpoint: url,
            api: tokio::spawn(listen::serve(listener, router(shared), stopped, setup.grace)),
            admin,
            upkeep: tokio::spawn(upkeep),
            audit: audit_written,
            stop,
        })
    }

    /// Stops: nothing more is accepted, requests under way are finished, and what was written down is on disk.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let cut_off = self.api.await.unwrap_or_default();
        if cut_off > 0 {
            tracing::warn!(connections = cut_off, "requests under way were cut off");
        }
        let others = [Some(self.upkeep), self.audit].into_iter().flatten();
        for task in others {
            // One that has panicked has said so.
            let _ = task.await;
        }
        if let Some(admin) = self.admin {
            let _ = admin.await;
        }
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/events", get(follow).fallback(answer))
        .fallback(answer)
        .with_state(shared)
}

async fn answer(State(shared): State<Arc<Shared>>, request: HttpRequest) -> Response {
    Arc::clone(&shared.endpoint).answer(request).await
}

/// Begins to send events.
async fn follow(State(shared): State<Arc<Shared>>, request: HttpRequest) -> Response {
    let id = shared.endpoint.ids.next();
    let (mut parts, body) = request.into_parts();
    let subscription = match subscription(&shared.endpoint, &parts) {
        Ok(subscription) => subscription,
        Err(refusal) => return turned_away(wire::refusal(id, &refusal), body).await,
    };
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return turned_away(rejection.into_response(), body).await,
    };
    let subscriber = Subscriber {
        store: Arc::clone(&shared.store),
        subscription,
        metrics: shared.endpoint.metrics.clone(),
        stop: shared.stop.clone(),
    };
    let mut response = upgrade.on_upgrade(|socket| subscriber.follow(socket));
    wire::stamp(id, response.headers_mut());
    response
}

/// The connection ends with a refusal whose request has a body: what is left of that would be taken for the next
/// request.
async fn turned_away(mut response: Response, body: Body) -> Response {
    if !body.is_end_stream() {
        discard(body).await;
        let headers = response.headers_mut();
        headers.insert(http::header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What is asked for, by somebody who may.
fn subscription(endpoint: &Endpoint, parts: &http::request::Parts) -> Result<Subscription, Refusal> {
    let query = parts.uri.query().unwrap_or_default();
    let signed = SignedRequest {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query,
        headers: &parts.headers,
        body: b"",
    };
    let caller = endpoint
        .access
        .caller(&signed, &endpoint.home, endpoint.clock.now())?;
    caller.authorize(FOLLOW_EVENTS, &["*".to_owned()])?;
    let decoded: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let parameters = decoded
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let subscription = Subscription::parse(parameters)?;
    match &endpoint.access {
        Access::Open => {
            from_here(parts)?;
            Ok(subscription)
        }
        // Nobody sees what another account does.
        Access::Keys(_) => Ok(Subscription {
            scope: Some(caller.scope),
            ..subscription
        }),
    }
}

/// Refuses pages of other sites: a browser lets them open sockets to this machine.
fn from_here(parts: &http::request::Parts) -> Result<(), Refusal> {
    let Some(origin) = parts.headers.get(http::header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.parse::<http::Uri>().ok());
    let host = origin.as_ref().and_then(http::Uri::host).unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback());
    if local {
        Ok(())
    } else {
        Err(Refusal::new(
            kecs_model::ErrorCode::AccessDeniedException,
            "Pages of other sites may not follow events.",
        ))
    }
}
