//! Logs, on stderr, so that stdout is left to what a command has to say.

use std::io::IsTerminal as _;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{Directive, ParseError};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// The form of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// A name that is no log format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no log format: text and json are")]
pub struct UnknownFormat(String);

impl FromStr for LogFormat {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(UnknownFormat(other.to_owned())),
        }
    }
}

/// Why logs could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The filter cannot be read.
    #[error("read the log filter `{filter}`")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// Logs are set up already.
    #[error("set up logs")]
    Subscriber(#[from] TryInitError),
}

/// The part of the Kubernetes client that logs every request that fails, several times a second while a server is
/// away. Whoever has sent the request gets the error, too, and says what it means.
const REPEATED: &str = "kube_client::client::builder";

/// Sends the logs of this process to stderr.
///
/// `filter` has the form of `RUST_LOG` (`info,capt_terraform=debug`); the environment is not read here. Failed
/// requests of the Kubernetes client are not logged unless the filter names `kube_client`.
/// Fails if the filter cannot be read or logs are set up already.
pub fn init(filter: &str, format: LogFormat) -> Result<(), InitError> {
    let parsed = parse(filter)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(parsed)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.finish().try_init()?,
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

fn parse(filter: &str) -> Result<EnvFilter, InitError> {
    let failed = |source| InitError::Filter {
        filter: filter.to_owned(),
        source,
    };
    let parsed = EnvFilter::try_new(filter).map_err(failed)?;
    if filter.contains("kube_client") {
        return Ok(parsed);
    }
    let quiet: Directive = format!("{REPEATED}=off").parse().map_err(failed)?;
    Ok(parsed.add_directive(quiet))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::{InitError, LogFormat, init, parse};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What of two lines is logged: one of the client about a request, one of ours about what it means.
    fn logged(filter: &str) -> Vec<String> {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(parse(filter).unwrap())
            .without_time()
            .with_level(false)
            .with_target(false)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(target: "kube_client::client::builder", "failed with error");
            tracing::warn!(target: "capt_runtime::watch", "the server is away");
        });
        let bytes = written.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| line.trim().to_owned()).collect()
    }

    #[test]
    fn the_client_does_not_drown_what_is_said_about_its_errors() {
        for filter in ["info", "warn,capt_terraform=debug", "debug"] {
            assert_eq!(logged(filter), ["the server is away"], "{filter}");
        }
        assert_eq!(
            logged("info,kube_client=error"),
            ["failed with error", "the server is away"]
        );
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        let error = init("capt=loud", LogFormat::Text).unwrap_err();
        assert!(matches!(error, InitError::Filter { .. }));
        assert_eq!(error.to_string(), "read the log filter `capt=loud`");
    }

    #[test]
    fn formats_have_names() {
        assert_eq!("json".parse(), Ok(LogFormat::Json));
        assert_eq!("text".parse(), Ok(LogFormat::Text));
        assert!("yaml".parse::<LogFormat>().is_err());
    }
}
