use std::path::{Path, PathBuf};
use std::process::Stdio;

use kube_sim::{ApiServer, Clock, Running, serve_https, write_kubeconfig};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Where a tool is; says so when it is absent, and fails when `CAPT_REQUIRE` names it.
pub fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        let required = std::env::var("CAPT_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|tool| tool.trim() == name),
            "{name} is required and absent"
        );
        println!("not run: {name} is absent");
    }
    found
}

/// A server on a free port of the loopback, with its kubeconfig in a directory of its own.
pub struct Site {
    pub server: ApiServer,
    pub running: Running,
    pub home: TempDir,
}

/// What a command printed.
#[derive(Debug)]
pub struct Printed {
    pub ok: bool,
    pub out: String,
    pub err: String,
}

impl Site {
    pub async fn new() -> Self {
        // The clock stands still, so that what is printed does not depend on the day or the machine.
        let server = ApiServer::new(Clock::new(|| "2026-01-01T00:00:00Z".parse().unwrap()));
        let running = serve_https(server.clone(), ([127, 0, 0, 1], 0).into())
            .await
            .unwrap();
        let home = TempDir::new().unwrap();
        write_kubeconfig(&home.path().join("kubeconfig"), &running.kubeconfig).unwrap();
        Self {
            server,
            running,
            home,
        }
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.home.path().join("kubeconfig")
    }

    /// Runs a tool with the kubeconfig and a home of its own.
    pub async fn run(&self, tool: &Path, dir: &Path, args: &[&str], stdin: &str) -> Printed {
        let mut child = Command::new(tool)
            .args(args)
            .current_dir(dir)
            .env("KUBECONFIG", self.kubeconfig())
            .env("HOME", self.home.path())
            .env_remove("TF_CLI_CONFIG_FILE")
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(stdin.as_bytes()).await.unwrap();
        drop(input);
        let output = child.wait_with_output().await.unwrap();
        Printed {
            ok: output.status.success(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
