//! A group of rows, against each of the servers.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use e2e::harness::{Place, has};

use crate::golden::{Golden, Section};
use crate::mask::Mask;
use crate::shell::Shell;
use crate::table::{Group, Needs, Row};
use crate::{real, sandbox, table};

/// The kubectl whose words the goldens are. Another says some things in other words.
const KUBECTL: &str = "1.32";

/// Where a group is run.
pub(crate) struct Site {
    pub(crate) place: Place,
    /// Where its programs write what they say.
    pub(crate) logs: PathBuf,
    pub(crate) shell: Shell,
}

impl Site {
    fn new() -> Self {
        let place = Place::new();
        let [logs, home, directory] = ["logs", "home", "work"].map(|name| place.path(name));
        for made in [&logs, &home] {
            std::fs::create_dir(made).unwrap();
        }
        copy(&table::path("table/files"), &directory);
        // The sandbox's demo is the cluster that rows look at.
        for (name, text) in capt_sandbox::demo::MANIFESTS {
            let file = directory.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        std::os::unix::fs::symlink(kubectl(), home.join("kubectl")).unwrap();
        let kubeconfig = place.path("kubeconfig");
        Self {
            place,
            logs,
            shell: Shell {
                directory,
                home,
                kubeconfig,
            },
        }
    }
}

/// Runs the rows of a group against a real server, if there is one, and against the sandbox.
pub(crate) fn check(name: &str) {
    if !has("kubectl") {
        return;
    }
    let group = table::read(name);
    let mut golden = Golden::read(name);
    let mut wrong = Vec::new();
    let bless = std::env::var_os("CAPT_BLESS").is_some();
    let _turn = Turn::take();
    match real::assets() {
        None => println!("not run: {name} against a real kube-apiserver: KUBEBUILDER_ASSETS is not set"),
        Some(assets) => {
            let sections = against_real(&assets, name, &group);
            if bless {
                golden = golden.bless(&group, &sections);
            }
            wrong.extend(golden.differences(&sections, "a real kube-apiserver"));
        }
    }
    let sections = against_sandbox(&group);
    if bless && real::assets().is_none() {
        golden = golden.bless(&group, &sections);
    }
    wrong.extend(golden.differences(&sections, "the sandbox"));
    wrong.extend(golden.strangers(&group));
    assert!(
        wrong.is_empty(),
        "{} of the rows of {name} differ:\n\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn against_real(assets: &Path, name: &str, group: &Group) -> Vec<Section> {
    let site = Site::new();
    check_version(&site);
    let _server = real::start(assets, &site, group.operator);
    let has_controllers = real::has_controllers(assets);
    let runs = |row: &&Row| {
        let runs = has_controllers || row.needs != Some(Needs::Controllers);
        if !runs {
            println!(
                "not run: {name}, {}: there is no kube-controller-manager",
                row.name
            );
        }
        runs
    };
    sections(&site, group.rows.iter().filter(runs))
}

fn against_sandbox(group: &Group) -> Vec<Section> {
    let site = Site::new();
    check_version(&site);
    let _server = sandbox::start(&site, group.operator);
    sections(&site, group.rows.iter())
}

/// Runs rows, one after the other.
fn sections<'a>(site: &Site, rows: impl Iterator<Item = &'a Row>) -> Vec<Section> {
    let mask = Mask::new(&site.shell);
    rows.map(|row| Section::of(row, &site.shell.run(row), &mask))
        .collect()
}

/// Where kubectl is. That of Google Cloud chooses among versions by the server that it talks to; they are beside it.
fn kubectl() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|dir| dir.join("kubectl"))
        .find(|it| it.is_file());
    let found = found.unwrap().canonicalize().unwrap();
    let version = found.with_file_name(format!("kubectl.{KUBECTL}"));
    if version.is_file() { version } else { found }
}

fn check_version(site: &Site) {
    let version = site.shell.succeed("kubectl version --client");
    assert!(
        version.contains(&format!("Client Version: v{KUBECTL}.")),
        "the goldens are the words of kubectl {KUBECTL}, this one is {version}"
    );
}

/// Copies a directory with everything in it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let from = entry.unwrap().path();
        let to = to.join(from.file_name().unwrap());
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).unwrap();
        }
    }
}

/// Two groups at a time, however many threads the tests have: each has servers of its own.
struct Turn;

static RUNNING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

impl Turn {
    fn running() -> MutexGuard<'static, usize> {
        // It is counted right whatever a test that failed did.
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take() -> Self {
        let running = ENDED.wait_while(Self::running(), |count| *count >= 2);
        *running.unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *Self::running() -= 1;
        ENDED.notify_one();
    }
}
