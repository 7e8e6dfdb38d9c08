//! Requests for other services, passed on as they are.

use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, Request, Uri, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Headers that are about one connection. Source: RFC 9110, "Connection".
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Where requests for other services go.
#[derive(Clone)]
pub struct Fallback {
    scheme: Scheme,
    authority: Authority,
    client: Client<HttpsConnector<HttpConnector>, Body>,
}

impl fmt::Debug for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fallback({}://{})", self.scheme, self.authority)
    }
}

/// Why requests cannot be passed on.
#[derive(Debug, thiserror::Error)]
pub enum FallbackError {
    /// The endpoint is no URL of a server.
    #[error("the fallback endpoint `{0}` is not of the form http://host:port or https://host:port")]
    Endpoint(String),
    /// The certificates that the machine trusts cannot be read.
    #[error("read the certificates that are trusted")]
    Certificates(#[source] std::io::Error),
    /// The server could not be reached, or broke off.
    #[error("the fallback endpoint {endpoint} cannot be reached")]
    Unreachable {
        /// Where it is.
        endpoint: String,
        /// Why not.
        source: hyper_util::client::legacy::Error,
    },
    /// The request could not be written.
    #[error("write a request for the fallback endpoint")]
    Request(#[from] http::Error),
}

impl Fallback {
    /// Passes on to this endpoint: `http://localhost:4566`.
    pub fn new(endpoint: &str) -> Result<Self, FallbackError> {
        let wrong = || FallbackError::Endpoint(endpoint.to_owned());
        let uri: Uri = endpoint.parse().map_err(|_| wrong())?;
        let parts = uri.into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err(wrong());
        };
        let bare = parts.path_and_query.is_none_or(|path| path == "/");
        if !bare || ![Scheme::HTTP, Scheme::HTTPS].contains(&scheme) {
            return Err(wrong());
        }
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let https = if scheme == Scheme::HTTPS {
            let builder = HttpsConnectorBuilder::new().with_native_roots();
            let builder = builder.map_err(FallbackError::Certificates)?;
            builder.https_or_http().enable_http1().wrap_connector(http)
        } else {
            // Nothing is trusted that is not asked for.
            let config = rustls::ClientConfig::builder()
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            let builder = HttpsConnectorBuilder::new().with_tls_config(config);
            builder.https_or_http().enable_http1().wrap_connector(http)
        };
        Ok(Self {
            scheme,
            authority,
            client: Client::builder(TokioExecutor::new()).build(https),
        })
    }

    /// Passes a request on, and its answer back, both while they arrive. Headers stay, `Host` too: they are signed.
    pub async fn pass(&self, request: Request<Body>) -> Result<Response, FallbackError> {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().cloned();
        parts.uri = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path.unwrap_or_else(|| PathAndQuery::from_static("/")))
            .build()?;
        without_hops(&mut parts.headers);
        let answered = self.client.request(Request::from_parts(parts, body)).await;
        let mut response = answered.map_err(|source| FallbackError::Unreachable {
            endpoint: format!("{}://{}", self.scheme, self.authority),
            source,
        })?;
        without_hops(response.headers_mut());
        Ok(response.map(Body::new))
    }
}

fn without_hops(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_server_and_no_more() {
        for endpoint in [
            "http://localhost:4566",
            "http://localhost:4566/",
            "https://example.com",
        ] {
            assert!(Fallback::new(endpoint).is_ok(), "{endpoint}");
        }
        for endpoint in [
            "",
            "localhost:4566",
            "/x",
            "ftp://a",
            "http://a/b",
            "http://a?x=1",
        ] {
            let error = Fallback::new(endpoint).unwrap_err();
            assert!(
                matches!(error, FallbackError::Endpoint(it) if it == endpoint),
                "{endpoint}"
            );
        }
    }

    #[test]
    fn what_is_about_the_connection_stays_behind() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONNECTION, "close, X-Mine".parse().unwrap());
        for name in [
            "x-mine",
            "keep-alive",
            "transfer-encoding",
            "te",
            "host",
            "x-amz-date",
        ] {
            headers.insert(HeaderName::from_static(name), "1".parse().unwrap());
        }
        without_hops(&mut headers);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["host", "x-amz-date"]);
    }
}
