//! Where an API server answers: from what Terraform says to bare host and port.

use std::fmt;
use std::net::Ipv6Addr;

use capt_api::reference::ApiEndpoint;
use capt_core::fault::Fault;

/// The code of the fault of an output that is no endpoint.
const INVALID_ENDPOINT: &str = "InvalidEndpoint";

/// The port of HTTPS, where none is said.
const DEFAULT_PORT: u16 = 443;

/// Host and port. Displayed as `host:port`, with brackets around an IPv6 address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authority {
    /// A name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Authority {
    pub(crate) fn new(host: &str, port: u16) -> Self {
        Self {
            host: host.to_owned(),
            port,
        }
    }

    /// Reads an output: `https://host`, `host`, `host:port`, `[::1]:6443`. The fault never repeats more of it
    /// than its shape.
    pub(crate) fn parse(output: &str) -> Result<Self, Fault> {
        let text = output.trim();
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => rest,
            Some(_) => return Err(invalid("its scheme is not https")),
            None => text,
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(invalid("it has a path"));
        }
        if rest.contains('@') {
            return Err(invalid("it has a user"));
        }
        let (host, port) = split(rest)?;
        let port = match port {
            None => DEFAULT_PORT,
            Some(text) => match text.parse::<u16>() {
                Ok(port) if port != 0 && port.to_string() == text => port,
                Ok(_) | Err(_) => return Err(invalid("its port is no number from 1 to 65535")),
            },
        };
        if host.parse::<Ipv6Addr>().is_err() && !is_host(host) {
            return Err(invalid("its host is neither a DNS name nor an address"));
        }
        Ok(Self::new(&host.to_ascii_lowercase(), port))
    }

    /// The endpoint of a spec, if it has one. What the Go implementation has stored (the whole URL as the host)
    /// is read, too.
    pub(crate) fn of(endpoint: Option<&ApiEndpoint>) -> Option<Self> {
        let (host, port) = endpoint?.authority()?;
        match host.split_once("://") {
            Some(_) => Self::parse(host).ok().map(|parsed| Self { port, ..parsed }),
            None => Some(Self::new(host, port)),
        }
    }
}

/// Host and port of `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address.
fn split(rest: &str) -> Result<(&str, Option<&str>), Fault> {
    if let Some(bracketed) = rest.strip_prefix('[') {
        let (host, after) = bracketed
            .split_once(']')
            .ok_or_else(|| invalid("its bracket is not closed"))?;
        if host.parse::<Ipv6Addr>().is_err() {
            return Err(invalid("what is in brackets is no IPv6 address"));
        }
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if after.is_empty() => Ok((host, None)),
            None => Err(invalid("something other than a port follows the address")),
        };
    }
    if rest.parse::<Ipv6Addr>().is_ok() {
        return Ok((rest, None));
    }
    Ok(match rest.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (rest, None),
    })
}

/// Whether it is a DNS name (RFC 1123) or an IPv4 address.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(is_label)
}

fn invalid(why: &str) -> Fault {
    let message = format!(
        "the output is no endpoint: {why}; let the template output the bare host name or the https:// URL of the \
         API server"
    );
    Fault::of_output("cluster_endpoint", INVALID_ENDPOINT, message)
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terraform_says_becomes_host_and_port() {
        for (output, shown) in [
            (
                "https://ABC.gr7.us-east-1.eks.amazonaws.com",
                "abc.gr7.us-east-1.eks.amazonaws.com:443",
            ),
            ("https://abc.eks.amazonaws.com/", "abc.eks.amazonaws.com:443"),
            ("HTTPS://abc:6443", "abc:6443"),
            ("abc.example", "abc.example:443"),
            (" 10.0.0.1:8443\n", "10.0.0.1:8443"),
            ("[2001:db8::1]:6443", "[2001:db8::1]:6443"),
            ("https://[::1]", "[::1]:443"),
            ("2001:db8::1", "[2001:db8::1]:443"),
        ] {
            assert_eq!(Authority::parse(output).unwrap().to_string(), shown, "{output}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for output in [
            "",
            " ",
            "http://abc",
            "ftp://abc",
            "https://abc/path",
            "abc?x",
            "abc#x",
            "user@abc",
            "abc:0",
            "abc:65536",
            "abc:x",
            "abc:",
            "abc:+1",
            "-abc",
            "a..b",
            "a b",
            "[::1",
            "[abc]:1",
            "[::1]x",
            "https://",
        ] {
            let fault = Authority::parse(output).unwrap_err();
            assert_eq!(fault.code, INVALID_ENDPOINT, "{output}");
            assert!(fault.is_of_output() && fault.class.is_terminal());
        }
    }

    #[test]
    fn a_stored_url_is_the_same_endpoint() {
        let of = |host: &str, port| Authority::of(Some(&ApiEndpoint::new(host, port)));
        assert_eq!(of("https://abc.example", 443), of("abc.example", 443));
        assert_eq!(of("", 443), None);
        assert_eq!(Authority::of(None), None);
    }
}
