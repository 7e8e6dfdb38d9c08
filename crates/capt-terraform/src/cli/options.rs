//! Which binary is run, where, and with what around it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use capt_core::fault::{Fault, FaultClass};
use tokio::process::Command;

use crate::engine::EngineKind;

/// What a process gets of this process's own environment, where it is set: how AWS is reached and as whom (the
/// variables of the AWS SDKs, of IAM roles for service accounts and of EKS Pod Identity), the proxies and the
/// certificates to trust, and where the cluster is that the operator runs in, by which the Kubernetes backend
/// finds it without a kubeconfig. Nothing else is passed on, least of all what runs a command, such as
/// `GIT_SSH_COMMAND`. What a run brings itself wins.
pub const PASSED_ON: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_DEFAULT_REGION",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "NO_PROXY",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// How a binary is run.
#[derive(Debug, Clone)]
pub struct CliOptions {
    /// The binary.
    pub binary: PathBuf,
    /// The directory that holds one directory for each workspace. For the owner alone.
    pub root: PathBuf,
    /// `PATH` of the process: providers and provisioners look for their tools in it.
    pub search_path: OsString,
    /// `HOME` of the process.
    pub home: OsString,
    /// More variables for every process, at first those of [`PASSED_ON`]; those of a run win.
    pub env: BTreeMap<String, String>,
    /// A provider cache that all workspaces share.
    pub plugin_cache: Option<PathBuf>,
    /// Terraform's own configuration file. Without it, the process gets no `TF_CLI_CONFIG_FILE`.
    pub cli_config: Option<PathBuf>,
    /// How long a process may take to stop once it was asked. AWS needs its time: ten minutes by default.
    pub grace: Duration,
    /// How long a process may say nothing before it is asked to stop: half an hour by default. An apply says
    /// every ten seconds what it waits for, so that only one that hangs is silent for long.
    pub silence: Duration,
    /// How often the files of a process are looked at.
    pub poll: Duration,
}

impl CliOptions {
    /// Options for `binary` and `root`, with `PATH`, `HOME` and what is in [`PASSED_ON`] taken from this process
    /// through `env`, for example `|name| std::env::var_os(name)`.
    pub fn new(binary: PathBuf, root: PathBuf, env: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name: &str| env(name)?.into_string().ok();
        Self {
            binary,
            root,
            search_path: env("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()),
            home: env("HOME").unwrap_or_else(|| "/".into()),
            env: PASSED_ON
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), text(name)?)))
                .collect(),
            plugin_cache: None,
            cli_config: None,
            grace: Duration::from_mins(10),
            silence: Duration::from_mins(30),
            poll: Duration::from_millis(150),
        }
    }

    /// A command with nothing in its environment but what it is meant to have.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .env_clear()
            .env("PATH", &self.search_path)
            .env("HOME", &self.home)
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_INPUT", "0")
            .env("CHECKPOINT_DISABLE", "1")
            .stdin(Stdio::null())
            .kill_on_drop(false);
        if let Some(cache) = &self.plugin_cache {
            command.env("TF_PLUGIN_CACHE_DIR", cache);
        }
        if let Some(config) = &self.cli_config {
            command.env("TF_CLI_CONFIG_FILE", config);
        }
        command.envs(&self.env);
        command
    }
}

/// The first executable of this name in a `PATH`.
pub fn locate(name: &str, search_path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(search_path)
        .map(|dir| dir.join(name))
        .find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Which engine the binary is, and its version.
pub(super) async fn ask_version(options: &CliOptions) -> Result<(EngineKind, String), Fault> {
    super::make_root(&options.root)?;
    let unusable = |reason: String| {
        let message = format!("{} cannot be used: {reason}", options.binary.display());
        Fault::new(FaultClass::Environment, "EngineUnusable", message)
    };
    let mut command = options.command();
    // A binary that hangs must not hold up the operator's start; this one may be killed.
    command
        .arg("version")
        .current_dir(&options.root)
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(30), command.output()).await;
    let output = output.map_err(|_| unusable("it does not answer".into()))?;
    let output = output.map_err(|error| unusable(error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .find_map(version_line)
        .ok_or_else(|| unusable("it does not say which version it is".into()))
}

fn version_line(line: &str) -> Option<(EngineKind, String)> {
    let (name, version) = line.trim().split_once(" v")?;
    let kind = match name {
        "Terraform" => EngineKind::Terraform,
        "OpenTofu" => EngineKind::OpenTofu,
        _ => return None,
    };
    Some((kind, version.split_whitespace().next()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_operator_has_of_the_list_is_passed_on_and_nothing_else() {
        let operator = BTreeMap::from([
            ("PATH", "/bin"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"),
            ("https_proxy", "http://proxy:3128"),
            ("SSL_CERT_FILE", "/ca.pem"),
            ("GIT_SSH_COMMAND", "sh"),
            ("TF_LOG", "trace"),
        ]);
        let env = |name: &str| operator.get(name).map(OsString::from);
        let mut options = CliOptions::new("/terraform".into(), "/runs".into(), env);
        let names: Vec<_> = options.env.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["AWS_REGION", "AWS_ROLE_ARN", "SSL_CERT_FILE", "https_proxy"]
        );

        // As a run does it.
        options.plugin_cache = Some("/cache".into());
        let mut command = options.command();
        command.envs([("AWS_REGION", "us-east-1")]);
        let given: BTreeMap<_, _> = command.as_std().get_envs().collect();
        let value = |name: &str| given.get(OsStr::new(name)).copied().flatten();
        assert_eq!(value("AWS_REGION"), Some(OsStr::new("us-east-1")));
        assert_eq!(value("https_proxy"), Some(OsStr::new("http://proxy:3128")));
        assert_eq!(value("GIT_SSH_COMMAND"), None);
        assert_eq!(value("TF_LOG"), None);
    }

    #[test]
    fn the_first_line_of_version_names_the_engine() {
        assert_eq!(
            version_line("Terraform v1.11.4"),
            Some((EngineKind::Terraform, "1.11.4".into()))
        );
        assert_eq!(
            version_line("OpenTofu v1.10.0"),
            Some((EngineKind::OpenTofu, "1.10.0".into()))
        );
        assert_eq!(version_line("on linux_amd64"), None);
    }
}
