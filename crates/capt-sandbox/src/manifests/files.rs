//! Where manifests come from: files, directories, standard input, kustomizations.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::problem::{Problem, Source};

/// The names of files that are read in a directory.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// What makes a directory a kustomization.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// What to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Files, directories, and `-` for standard input.
    pub files: Vec<String>,
    /// Also the directories in directories.
    pub recursive: bool,
    /// Directories of kustomizations.
    pub kustomizations: Vec<PathBuf>,
}

impl Inputs {
    /// Whether nothing was named.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.kustomizations.is_empty()
    }

    /// Reads everything; what cannot be read is told, and the rest read all the same.
    pub(super) fn read(&self) -> (Vec<Source>, Vec<Problem>) {
        let mut reader = Reader {
            recursive: self.recursive,
            ..Reader::default()
        };
        for file in &self.files {
            reader.named(file);
        }
        for directory in &self.kustomizations {
            reader.kustomization(directory);
        }
        (reader.sources, reader.problems)
    }
}

#[derive(Default)]
struct Reader {
    recursive: bool,
    has_read_stdin: bool,
    sources: Vec<Source>,
    problems: Vec<Problem>,
}

impl Reader {
    /// Something that a person has named.
    fn named(&mut self, name: &str) {
        if name == "-" {
            return self.stdin();
        }
        if name.starts_with("http://") || name.starts_with("https://") {
            let problem = Problem::new(format!("{name}: manifests are not fetched from the network"));
            let help =
                format!("read them first, then apply what you have read: curl -fsSLo manifests.yaml {name}");
            return self.problems.push(problem.help(help));
        }
        let path = Path::new(name);
        if !path.is_dir() {
            return self.file(path);
        }
        if is_kustomization(path) {
            return self.kustomization(path);
        }
        let before = (self.sources.len(), self.problems.len());
        self.directory(path);
        if before == (self.sources.len(), self.problems.len()) {
            let problem = Problem::new(format!("{name}: no file in it ends in .yaml, .yml or .json"));
            let help = if self.recursive {
                "name the files, or another directory"
            } else {
                "name the files, or say -R to look into the directories in it"
            };
            self.problems.push(problem.help(help));
        }
    }

    fn stdin(&mut self) {
        if std::mem::replace(&mut self.has_read_stdin, true) {
            return;
        }
        self.take("-", io::read_to_string(io::stdin()));
    }

    fn file(&mut self, path: &Path) {
        let name = path.display().to_string();
        self.take(&name, std::fs::read(path).and_then(text));
    }

    fn directory(&mut self, path: &Path) {
        let entries = std::fs::read_dir(path).and_then(|entries| {
            let mut paths = entries
                .map(|entry| entry.map(|it| it.path()))
                .collect::<io::Result<Vec<_>>>()?;
            paths.sort();
            Ok(paths)
        });
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.unreadable(&path.display().to_string(), &error),
        };
        for entry in entries {
            let ending = entry.extension().and_then(|it| it.to_str()).unwrap_or_default();
            if entry.is_dir() {
                if self.recursive {
                    self.directory(&entry);
                }
            } else if ENDINGS.contains(&ending) {
                self.file(&entry);
            }
        }
    }

    fn kustomization(&mut self, path: &Path) {
        let name = path.display().to_string();
        if !is_kustomization(path) {
            let problem = Problem::new(format!("{name}: there is no {} in it", KUSTOMIZATIONS[0]));
            return self.problems.push(problem);
        }
        match kustomize(path) {
            Ok(text) => self.sources.push(Source {
                name: format!("kustomize build {name}"),
                text,
            }),
            Err(problem) => self.problems.push(*problem),
        }
    }

    fn take(&mut self, name: &str, text: io::Result<String>) {
        match text {
            Ok(text) => self.sources.push(Source {
                name: if name == "-" { "standard input" } else { name }.to_owned(),
                text,
            }),
            Err(error) => self.unreadable(name, &error),
        }
    }

    fn unreadable(&mut self, name: &str, error: &io::Error) {
        let problem = Problem::new(format!("read {name}: {error}"));
        self.problems.push(problem);
    }
}

fn is_kustomization(path: &Path) -> bool {
    KUSTOMIZATIONS.iter().any(|name| path.join(name).is_file())
}

/// The manifests of a kustomization, as the program of that name makes them.
fn kustomize(path: &Path) -> Result<String, Box<Problem>> {
    let name = path.display().to_string();
    for (program, arguments) in [("kubectl", &["kustomize"][..]), ("kustomize", &["build"])] {
        let output = match Command::new(program).args(arguments).arg(path).output() {
            Ok(output) => output,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Box::new(Problem::new(format!("run {program}: {error}")))),
        };
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.trim();
            let message = format!("{name}: {program} cannot build the kustomization: {said}");
            return Err(Box::new(Problem::new(message)));
        }
        return text(output.stdout).map_err(|error| {
            Box::new(Problem::new(format!(
                "{name}: read what {program} has built: {error}"
            )))
        });
    }
    let problem = Problem::new(format!(
        "{name} is a kustomization, and neither kubectl nor kustomize is on PATH to build it"
    ));
    Err(Box::new(problem.help(
        "install one of them, or build it elsewhere and apply what comes out: -f built.yaml",
    )))
}

/// A text, without the mark that some editors put in front of it.
fn text(bytes: Vec<u8>) -> io::Result<String> {
    let text = String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))?;
    Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
}
