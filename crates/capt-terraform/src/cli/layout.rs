//! The directory of a workspace.
//!
//! ```text
//! <root>/<workspace>/run.json      which run, and which process works on it
//!                    result.json   how the run ended
//!                    lost.json     processes that died without a verdict
//!                    module/       the configuration; Terraform's working directory
//!                    bare/         a configuration that is nothing but the backend
//!                    logs/         what each step wrote to its stdout and stderr
//!                    plan.out, plan.json, terraform.tfstate (local backend)
//! ```
//!
//! Everything is for the owner alone: variables, plans and outputs hold secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use capt_core::fault::{Fault, FaultClass};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::Step;
use crate::run::{Backend, RunSpec, WorkspaceId};

/// The file that sets the backend, whatever the module says.
const BACKEND_FILE: &str = "capt_backend_override.tf.json";

/// Where Terraform leaves a state that it could not store.
const ERRORED_STATE: &str = "errored.tfstate";

/// The paths of one workspace.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    root: PathBuf,
    dir: PathBuf,
}

impl Layout {
    pub(super) fn new(root: &Path, workspace: &WorkspaceId) -> Self {
        Self {
            root: root.to_owned(),
            dir: root.join(workspace.as_str()),
        }
    }

    pub(super) fn module(&self) -> PathBuf {
        self.dir.join("module")
    }

    pub(super) fn record(&self) -> PathBuf {
        self.dir.join("run.json")
    }

    pub(super) fn result(&self) -> PathBuf {
        self.dir.join("result.json")
    }

    /// Which processes have died without a verdict. It outlives the run.
    pub(super) fn lost_processes(&self) -> PathBuf {
        self.dir.join("lost.json")
    }

    pub(super) fn plan(&self) -> PathBuf {
        self.dir.join("plan.out")
    }

    pub(super) fn plan_record(&self) -> PathBuf {
        self.dir.join("plan.json")
    }

    pub(super) fn errored_state(&self) -> PathBuf {
        self.module().join(ERRORED_STATE)
    }

    /// Where the local backend says who holds its lock.
    pub(super) fn local_lock(&self) -> PathBuf {
        self.dir.join(".terraform.tfstate.lock.info")
    }

    fn local_state(&self) -> PathBuf {
        self.dir.join("terraform.tfstate")
    }

    /// Which files of the module directory are the run's.
    fn manifest(&self) -> PathBuf {
        self.dir.join("manifest.json")
    }

    fn logs(&self) -> PathBuf {
        self.dir.join("logs")
    }

    pub(super) fn stdout(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.stdout"))
    }

    pub(super) fn stderr(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.stderr"))
    }

    /// The name of the log files of a step.
    pub(super) fn log_name(step: Step, attempt: u32) -> String {
        format!("{}-{attempt}", step.name())
    }

    /// Writes the configuration of a run and takes away what an earlier run had and this one has not. What
    /// Terraform itself keeps there (providers, lock file, an unstored state) stays.
    pub(super) fn write_module(&self, spec: &RunSpec) -> io::Result<()> {
        let module = self.module();
        for dir in [&self.root, &self.dir, &module, &self.logs()] {
            make_dir(dir)?;
        }
        let manifest = self.manifest();
        let before: BTreeSet<String> = read_json(&manifest)?.unwrap_or_default();
        let mut files = spec.files.clone();
        if let Some(backend) = self.backend(&spec.backend) {
            files.insert(BACKEND_FILE.to_owned(), backend);
        }
        // First the list, so that a crash in between leaves no file that nobody would remove.
        let now: BTreeSet<String> = files.keys().cloned().collect();
        write_json(&manifest, &before.union(&now).collect::<BTreeSet<_>>())?;
        for (path, content) in &files {
            let path = module.join(path);
            let mut parents: Vec<_> = path
                .ancestors()
                .skip(1)
                .take_while(|dir| *dir != module)
                .collect();
            parents.reverse();
            for dir in parents {
                make_dir(dir)?;
            }
            write_private(&path, content)?;
        }
        for gone in before.difference(&now) {
            remove(&module.join(gone))?;
        }
        write_json(&manifest, &now)
    }

    /// A directory with a configuration that is nothing but the backend.
    pub(super) fn bare(&self) -> PathBuf {
        self.dir.join("bare")
    }

    /// Writes that configuration. False where the backend is in the module itself.
    pub(super) fn write_bare(&self, spec: &RunSpec) -> io::Result<bool> {
        let Some(backend) = self.backend(&spec.backend) else {
            return Ok(false);
        };
        make_dir(&self.bare())?;
        write_private(&self.bare().join("backend.tf.json"), &backend)?;
        Ok(true)
    }

    /// Takes away what an earlier run has said: its verdict, its plan and its logs. On the disk once it returns,
    /// so that no crash of the machine brings a verdict back.
    pub(super) fn clear_run(&self) -> io::Result<()> {
        for stale in [self.result(), self.plan(), self.plan_record()] {
            remove(&stale)?;
        }
        let logs = self.logs();
        make_dir(&logs)?;
        for entry in fs::read_dir(&logs)? {
            remove(&entry?.path())?;
        }
        File::open(&logs)?.sync_all()?;
        File::open(&self.dir)?.sync_all()
    }

    /// Takes away the files of a run that has ended, those of the module itself apart: variables and credentials are
    /// kept no longer than they are needed.
    pub(super) fn clear_inputs(&self) -> io::Result<()> {
        let written: BTreeSet<String> = read_json(&self.manifest())?.unwrap_or_default();
        // In the spelling that Terraform itself asks for.
        let is_module = |path: &str| {
            path.strip_suffix(".json")
                .unwrap_or(path)
                .strip_suffix(".tf")
                .is_some()
        };
        let is_input = |path: &&String| !is_module(path);
        for path in written.iter().filter(is_input) {
            remove(&self.module().join(path))?;
        }
        Ok(())
    }

    fn backend(&self, backend: &Backend) -> Option<Vec<u8>> {
        let block = match backend {
            Backend::AsConfigured => return None,
            Backend::Local => serde_json::json!({ "local": { "path": self.local_state() } }),
            Backend::Kubernetes {
                namespace,
                secret_suffix,
                config_path,
            } => {
                let mut fields = BTreeMap::from([
                    ("namespace", serde_json::json!(namespace)),
                    ("secret_suffix", serde_json::json!(secret_suffix)),
                ]);
                match config_path {
                    Some(path) => fields.insert("config_path", serde_json::json!(path)),
                    None => fields.insert("in_cluster_config", serde_json::json!(true)),
                };
                serde_json::json!({ "kubernetes": fields })
            }
        };
        Some(
            serde_json::json!({ "terraform": { "backend": block } })
                .to_string()
                .into_bytes(),
        )
    }

    /// Moves the directory out of the way at once and removes it in the background: with providers in it that
    /// takes seconds.
    pub(super) fn discard(&self) -> io::Result<()> {
        if !self.dir.try_exists()? {
            return Ok(());
        }
        if self.errored_state().try_exists()? {
            return Err(io::Error::other("it holds a state that was never stored"));
        }
        let trash = self.root.join(".trash");
        make_dir(&trash)?;
        let name = self
            .dir
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let target = (0..u32::MAX)
            .map(|n| trash.join(format!("{name}.{n}")))
            .find(|path| !path.exists());
        let target = target.ok_or_else(|| io::Error::other("the trash is full"))?;
        fs::rename(&self.dir, &target)?;
        std::thread::spawn(move || fs::remove_dir_all(target));
        Ok(())
    }
}

/// Makes a directory for the owner alone, if it is not there.
pub(super) fn make_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A file for the owner alone, empty.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    // An older file may have another owner's mode.
    remove(path)?;
    create_private(path)?.write_all(content)
}

/// Replaces a file in one step that survives a crash of the machine.
pub(super) fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_vec(value)?;
    let fresh = path.with_extension("json.new");
    let mut file = create_private(&fresh)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

/// Reads a file; absent if it is not there, and if it is no longer what it should be.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a file if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// An error of the file system as a fault.
pub(super) fn disk_fault(doing: &str, error: &io::Error) -> Fault {
    let code = if error.kind() == io::ErrorKind::StorageFull {
        "DiskFull"
    } else {
        "WorkingDirectory"
    };
    Fault::new(FaultClass::Environment, code, format!("cannot {doing}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Operation, RunId};

    fn spec(files: &[(&str, &str)], backend: Backend) -> RunSpec {
        let files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect();
        let mut spec = RunSpec::new(WorkspaceId::new("w"), RunId::new("r"), Operation::Apply, files);
        spec.backend = backend;
        spec
    }

    #[test]
    fn the_kubernetes_backend_is_set_over_whatever_the_module_says() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::new(root.path(), &WorkspaceId::new("w"));
        let mut backend = Backend::Kubernetes {
            namespace: "ns".into(),
            secret_suffix: "demo".into(),
            config_path: Some("/kubeconfig".into()),
        };
        layout
            .write_module(&spec(&[("main.tf", "")], backend.clone()))
            .unwrap();
        let written = || fs::read_to_string(layout.module().join(BACKEND_FILE)).unwrap();
        assert_eq!(
            written(),
            r#"{"terraform":{"backend":{"kubernetes":{"config_path":"/kubeconfig","namespace":"ns","secret_suffix":"demo"}}}}"#
        );
        if let Backend::Kubernetes { config_path, .. } = &mut backend {
            *config_path = None;
        }
        layout.write_module(&spec(&[("main.tf", "")], backend)).unwrap();
        assert!(written().contains(r#""in_cluster_config":true"#));
    }

    #[test]
    fn files_of_an_earlier_run_go_and_those_of_terraform_stay() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::new(root.path(), &WorkspaceId::new("w"));
        layout
            .write_module(&spec(
                &[("main.tf", "a"), ("sub/x.tf", "b")],
                Backend::AsConfigured,
            ))
            .unwrap();
        fs::write(layout.module().join(".terraform.lock.hcl"), "locked").unwrap();
        layout
            .write_module(&spec(&[("main.tf", "c")], Backend::AsConfigured))
            .unwrap();
        assert_eq!(fs::read_to_string(layout.module().join("main.tf")).unwrap(), "c");
        assert!(!layout.module().join("sub/x.tf").exists());
        assert!(layout.module().join(".terraform.lock.hcl").exists());
    }

    #[test]
    fn inputs_go_with_the_run_and_the_module_stays() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::new(root.path(), &WorkspaceId::new("w"));
        let files = [
            ("main.tf", "a"),
            ("capt.auto.tfvars.json", "{}"),
            ("00-varfile.auto.tfvars", "x = 1"),
            ("aws-credentials", "[default]"),
        ];
        layout.write_module(&spec(&files, Backend::Local)).unwrap();
        layout.clear_inputs().unwrap();
        let left = |name: &str| layout.module().join(name).exists();
        assert!(left("main.tf") && left(BACKEND_FILE));
        for (name, _) in &files[1..] {
            assert!(!left(name), "{name}");
        }
        // The next run has them again.
        layout.write_module(&spec(&files, Backend::Local)).unwrap();
        assert!(files.iter().all(|(name, _)| left(name)));
    }

    #[test]
    fn nothing_that_an_earlier_run_said_is_left() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::new(root.path(), &WorkspaceId::new("w"));
        layout
            .write_module(&spec(&[("main.tf", "a")], Backend::Local))
            .unwrap();
        let apply = Layout::log_name(Step::Apply, 0);
        let said = [
            layout.result(),
            layout.plan(),
            layout.plan_record(),
            layout.stdout(&apply),
            layout.stderr(&apply),
        ];
        for path in &said {
            fs::write(path, "{}").unwrap();
        }
        layout.clear_run().unwrap();
        assert!(said.iter().all(|path| !path.exists()));
        assert!(layout.module().join("main.tf").exists());
    }

    #[test]
    fn a_path_that_leads_out_is_refused() {
        for path in ["../x", "/x", "", "a/../../b", ".terraform/x"] {
            assert_eq!(
                spec(&[(path, "")], Backend::Local).validate().unwrap_err().class,
                FaultClass::Invalid,
                "{path}"
            );
        }
        assert!(
            spec(&[("modules/a/main.tf", "")], Backend::Local)
                .validate()
                .is_ok()
        );
    }
}
