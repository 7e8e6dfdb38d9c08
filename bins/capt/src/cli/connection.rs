//! Which management cluster is meant: the flags that kubectl has for it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// Where the management cluster is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct ConnectionArgs {
    /// The kubeconfig file. Default: those that KUBECONFIG names, else ~/.kube/config
    #[arg(long, value_name = "PATH", global = true, help_heading = "Connection")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig. Default: its current one
    #[arg(long, value_name = "NAME", global = true, help_heading = "Connection")]
    pub(crate) context: Option<String>,

    /// The namespace. Default: that of the context
    #[arg(short, long, value_name = "NS", global = true, help_heading = "Connection")]
    pub(crate) namespace: Option<String>,

    /// How long one request may take: 30s, 2m; 0 waits for ever. Default: 30s
    #[arg(long, value_name = "TIME", global = true, help_heading = "Connection", value_parser = timeout)]
    pub(crate) request_timeout: Option<Duration>,
}

impl ConnectionArgs {
    /// The names of its arguments.
    pub(crate) const NAMES: [&str; 4] = ["kubeconfig", "context", "namespace", "request_timeout"];

    /// Whether nothing of it was said.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A length of time as kubectl takes it: with units, or a bare number of seconds.
fn timeout(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let duration: Result<capt_api::Duration, _> = text.parse();
    duration.map(Duration::from).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_written_as_for_kubectl() {
        let seconds = |text| timeout(text).map(|it| it.as_secs());
        assert_eq!(seconds("0"), Ok(0));
        assert_eq!(seconds("30"), Ok(30));
        assert_eq!(seconds("1m30s"), Ok(90));
        assert!(seconds("soon").is_err());
    }
}
