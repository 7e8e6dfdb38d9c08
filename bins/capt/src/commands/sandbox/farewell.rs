//! What is said when a sandbox ends: what it leaves behind, and how to go on.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use capt_sandbox::{Left, LeftRun};

use super::place::Place;
use crate::output;

/// How many objects are named.
const MOST: usize = 20;

/// What has to be known to say good-bye.
pub(super) struct Farewell {
    path: PathBuf,
    work: PathBuf,
    is_lasting: bool,
    /// Whether what the engine makes is real.
    is_real: bool,
}

/// How a sandbox has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// Nothing of it runs.
    Wholly,
    /// Terraform still works in its directory.
    StillWorking,
}

impl Stopped {
    /// Whether something still works in its directory.
    pub(super) fn is_running(self) -> bool {
        self == Self::StillWorking
    }
}

impl Farewell {
    pub(super) fn new(place: &Place, work: PathBuf, engine: Option<&str>) -> Self {
        Self {
            path: place.path().to_owned(),
            work,
            is_lasting: place.is_lasting(),
            is_real: engine.is_some_and(|title| title != "simulated"),
        }
    }

    /// What is said when it is asked to end.
    pub(super) fn begin(&self, left: &Left) {
        if left.running.is_empty() {
            return;
        }
        say(&format!(
            "\nstopping: {} under way and asked to stop; what it has made so far is written down first. Once more ends at once.\n{}",
            counted(left.running.len(), "Terraform run is", "Terraform runs are"),
            self.runs(&left.running)
        ));
    }

    /// What is said when it ends at once.
    pub(super) fn abandon(&self, left: &Left) {
        let mut text = String::from("\nended at once.");
        if left.running.is_empty() {
            text.push('\n');
        } else {
            let _ = writeln!(
                text,
                " These runs may go on without the sandbox, and cannot write down what they make:\n{}  they work below {}",
                self.runs(&left.running),
                self.work.display()
            );
        }
        text.push_str(&Self::made(left));
        text.push_str(&self.how_to_go_on(left));
        say(&text);
    }

    /// What is said at the end.
    pub(super) fn end(&self, left: &Left) -> Stopped {
        let mut text = self.still_running(left);
        text.push_str(&Self::made(left));
        text.push_str(&self.how_to_go_on(left));
        say(&text);
        stopped(left)
    }

    /// What is said at the end where it was known beforehand that everything ends with it.
    pub(super) fn end_quietly(&self, left: &Left) -> Stopped {
        say(&self.still_running(left));
        stopped(left)
    }

    fn still_running(&self, left: &Left) -> String {
        if left.running.is_empty() {
            return String::new();
        }
        format!(
            "left running, because it did not stop in time:\n{}  they work below {}\n",
            self.runs(&left.running),
            self.work.display()
        )
    }

    fn runs(&self, runs: &[LeftRun]) -> String {
        let mut processes = processes_below(&self.work);
        let mut text = String::new();
        for run in runs {
            let pids = processes.remove(run.id.as_str()).unwrap_or_default();
            // The oldest one is Terraform, the others are what it has started.
            let process = pids
                .first()
                .map(|pid| format!(", process {pid}"))
                .unwrap_or_default();
            let (done, total) = run.steps;
            let steps = if total > 0 {
                format!(" {done}/{total}")
            } else {
                String::new()
            };
            let _ = writeln!(
                text,
                "  TerraformWorkspace/{}  {}{steps}{process}",
                run.workspace,
                run.stage.name().to_lowercase()
            );
        }
        text
    }

    fn made(left: &Left) -> String {
        if left.made.is_empty() {
            return String::new();
        }
        let mut text = String::from("made and not destroyed:\n");
        for key in left.made.iter().take(MOST) {
            let _ = writeln!(text, "  TerraformWorkspace/{key}");
        }
        if left.made.len() > MOST {
            let _ = writeln!(text, "  and {} more", left.made.len() - MOST);
        }
        text
    }

    fn how_to_go_on(&self, left: &Left) -> String {
        if self.is_lasting {
            let path = self.path.display();
            return format!("everything is kept in {path}; go on with: capt sandbox --data-dir {path}\n");
        }
        if left.made.is_empty() {
            return String::new();
        }
        let mut text = String::new();
        if self.is_real {
            text.push_str(
                "Terraform's state was in the sandbox and is gone with it: what is real of them has to be removed by hand.\n",
            );
        }
        text.push_str(
            "next time: kubectl delete cluster --all before it ends destroys what was made; capt sandbox --data-dir DIR keeps it.\n",
        );
        text
    }
}

fn stopped(left: &Left) -> Stopped {
    if left.running.is_empty() {
        Stopped::Wholly
    } else {
        Stopped::StillWorking
    }
}

fn counted(number: usize, one: &str, many: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {many}")
    }
}

/// Says something on standard error. Where nobody hears it, as when the terminal is gone, nothing is lost by it.
fn say(text: &str) {
    let _ = output::note(text);
}

/// The processes that work below a directory, by the name of the directory below `workspaces` there. Empty where the
/// system does not tell.
fn processes_below(work: &Path) -> BTreeMap<String, Vec<u32>> {
    let root = work.join("workspaces");
    let root = root.canonicalize().unwrap_or(root);
    let mut found: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Ok(directory) = std::fs::read_link(entry.path().join("cwd")) else {
            continue;
        };
        let below = directory.strip_prefix(&root).ok().and_then(|it| it.iter().next());
        if let Some(name) = below.and_then(|name| name.to_str()) {
            found.entry(name.to_owned()).or_default().push(pid);
        }
    }
    for pids in found.values_mut() {
        pids.sort_unstable();
    }
    found
}

#[cfg(test)]
mod tests {
    use capt_runtime::ObjectKey;
    use capt_terraform::{Operation, Stage, WorkspaceId};

    use super::*;

    fn farewell(is_lasting: bool) -> Farewell {
        Farewell {
            path: "/data".into(),
            work: "/data/work".into(),
            is_lasting,
            is_real: true,
        }
    }

    fn left(made: usize) -> Left {
        let key = |number: usize| ObjectKey {
            namespace: "default".to_owned(),
            name: format!("w{number}"),
        };
        Left {
            running: vec![LeftRun {
                workspace: key(0),
                id: WorkspaceId::new("7"),
                operation: Operation::Apply,
                stage: Stage::Applying,
                steps: (2, 6),
            }],
            made: (0..made).map(key).collect(),
        }
    }

    #[test]
    fn runs_are_named_with_what_they_do_and_how_far_they_are() {
        let text = farewell(false).still_running(&left(0));
        assert_eq!(
            text,
            "left running, because it did not stop in time:\n  TerraformWorkspace/default/w0  applying 2/6\n  they work below \
             /data/work\n"
        );
    }

    #[test]
    fn what_was_made_is_named_and_what_to_do_about_it() {
        let text = Farewell::made(&left(22));
        assert!(
            text.ends_with("  TerraformWorkspace/default/w19\n  and 2 more\n"),
            "{text}"
        );
        let passing = farewell(false).how_to_go_on(&left(1));
        assert!(passing.contains("has to be removed by hand"), "{passing}");
        assert!(passing.contains("capt sandbox --data-dir DIR"), "{passing}");
        assert_eq!(farewell(false).how_to_go_on(&left(0)), "");
        let lasting = farewell(true).how_to_go_on(&left(1));
        assert_eq!(
            lasting,
            "everything is kept in /data; go on with: capt sandbox --data-dir /data\n"
        );
    }
}
