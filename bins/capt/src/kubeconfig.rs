//! Kubeconfig files, as kubectl reads them.

use std::ffi::OsStr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use capt_sandbox::manifests::Excerpt;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

use crate::failure::{Failure, innermost};

/// The value that stands for what nobody should read over a shoulder.
const SECRET_FIELDS: &[&str] = &[
    "token",
    "password",
    "client-key-data",
    "client-certificate-data",
    "certificate-authority-data",
    "id-token",
    "refresh-token",
    "access-token",
    "client-secret",
];

/// What was read, and from where.
#[derive(Debug)]
pub(crate) struct Read {
    /// All files together; the first to say something wins.
    pub(crate) config: Kubeconfig,
    /// The files that are there.
    pub(crate) files: Vec<PathBuf>,
}

impl Read {
    /// The files, as messages name them.
    pub(crate) fn names(&self) -> String {
        let names: Vec<String> = self.files.iter().map(|path| path.display().to_string()).collect();
        names.join(", ")
    }

    fn contexts(&self) -> Vec<String> {
        self.config
            .contexts
            .iter()
            .map(|context| context.name.clone())
            .collect()
    }

    /// The context that is meant.
    pub(crate) fn context(&self, wanted: Option<&str>) -> Result<String, Failure> {
        let known = self.contexts();
        let current = self.config.current_context.as_deref().filter(|it| !it.is_empty());
        match wanted.or(current) {
            None => Err(Failure::NoCurrentContext {
                files: self.names(),
                known,
            }),
            Some(name) if !known.iter().any(|it| it == name) => Err(Failure::NoSuchContext {
                name: name.to_owned(),
                files: self.names(),
                known,
            }),
            Some(name) => Ok(name.to_owned()),
        }
    }

    /// How a client is set up for a context.
    pub(crate) async fn client_config(&self, context: &str) -> Result<kube::Config, Failure> {
        let options = KubeConfigOptions {
            context: Some(context.to_owned()),
            ..KubeConfigOptions::default()
        };
        let config = kube::Config::from_custom_kubeconfig(self.config.clone(), &options).await;
        config.map_err(|error| Failure::UnusableContext {
            context: context.to_owned(),
            files: self.names(),
            reason: match &error {
                KubeconfigError::LoadClusterOfContext(name) => {
                    format!("there is no cluster {name}")
                }
                KubeconfigError::MissingClusterUrl => "its cluster has no server".to_owned(),
                error => match innermost(error) {
                    inner if inner == error.to_string() => inner,
                    inner => format!("{error} ({inner})"),
                },
            },
        })
    }
}

/// Reads the kubeconfig that was named, or those of the variable KUBECONFIG, or that of the home directory. None if
/// nothing was named and there is none.
///
/// As with kubectl, a file that is named by the flag must be there; of those of the variable, any may be missing.
pub(crate) fn read(
    named: Option<&Path>,
    variable: Option<&OsStr>,
    home: Option<PathBuf>,
) -> Result<Option<Read>, Failure> {
    if let Some(path) = named {
        let config = read_file(path)?.ok_or_else(|| Failure::NoKubeconfig {
            looked: vec![path.to_owned()],
        })?;
        return Ok(Some(Read {
            config,
            files: vec![path.to_owned()],
        }));
    }
    let listed: Vec<PathBuf> = variable
        .iter()
        .flat_map(std::env::split_paths)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    let is_named = !listed.is_empty();
    let candidates = if is_named {
        listed
    } else {
        home.map(|home| home.join(".kube/config")).into_iter().collect()
    };
    let mut merged = Kubeconfig::default();
    let mut files = Vec::new();
    for path in &candidates {
        let Some(config) = read_file(path)? else {
            continue;
        };
        files.push(path.clone());
        merged = merged.merge(config).map_err(|error| Failure::UnusableContext {
            context: String::new(),
            files: path.display().to_string(),
            reason: error.to_string(),
        })?;
    }
    if !files.is_empty() {
        return Ok(Some(Read {
            config: merged,
            files,
        }));
    }
    if is_named {
        return Err(Failure::NoKubeconfig { looked: candidates });
    }
    Ok(None)
}

/// One file; none if it is not there.
fn read_file(path: &Path) -> Result<Option<Kubeconfig>, Failure> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(Failure::UnreadableKubeconfig {
                path: path.to_owned(),
                source,
            });
        }
    };
    // Read again from the file, because it names others beside itself.
    Kubeconfig::read_from(path)
        .map(Some)
        .map_err(|error| broken(path, &text, &error))
}

fn broken(path: &Path, text: &str, error: &KubeconfigError) -> Failure {
    let (reason, at) = match error {
        KubeconfigError::Parse(error) => {
            let reason = error.without_snippet().to_string();
            let reason = reason.lines().next().unwrap_or_default().to_owned();
            let at = error.location().map(|at| span(text, at.line(), at.column()));
            (reason, at)
        }
        error => (error.to_string(), None),
    };
    let text = veiled(text);
    let excerpt = Excerpt::new(&path.display().to_string(), &text, at.as_slice());
    Failure::BrokenKubeconfig {
        path: path.to_owned(),
        reason,
        at: at.map(|at| excerpt.span(&at, &text)),
        text: Arc::new(excerpt),
    }
}

/// The rest of the line from a position that counts from 1, in characters.
fn span(text: &str, line: u64, column: u64) -> Range<usize> {
    let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    let mut start = 0;
    for (number, content) in text.split_inclusive('\n').enumerate() {
        if number == index {
            let skipped = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
            let content = content.trim_end_matches(['\n', '\r']);
            let offset = content
                .char_indices()
                .nth(skipped)
                .map_or(content.len(), |(at, _)| at);
            return start + offset..start + content.len();
        }
        start += content.len();
    }
    text.len()..text.len()
}

/// The text with secret values covered, everything else at its place: errors show lines of it.
fn veiled(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(veiled_line).collect();
    lines.join("\n")
}

fn veiled_line(line: &str) -> String {
    // Behind the name of a secret field everything may be secret, and a map may stand on one line.
    let value = |name: &&str| {
        line.match_indices(*name).find_map(|(at, name)| {
            let before = line[..at].chars().next_back();
            let is_whole = before.is_none_or(|before| !before.is_ascii_alphanumeric() && before != '-');
            let rest = line[at + name.len()..].trim_start_matches(['"', '\'', ' ']);
            (is_whole && rest.starts_with(':')).then(|| line.len() - rest.len() + 1)
        })
    };
    if let Some(at) = SECRET_FIELDS.iter().filter_map(value).min() {
        return format!("{}{}", &line[..at], "*".repeat(line.len() - at));
    }
    // A line that belongs to the value of another one may be secret, too.
    let is_long = line.trim().len() > 40 && !line.trim().contains([' ', ':']);
    if is_long {
        "*".repeat(line.len())
    } else {
        line.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(name: &str, server: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {name}\n\
             clusters:\n- name: {name}\n  cluster:\n    server: {server}\n\
             contexts:\n- name: {name}\n  context:\n    cluster: {name}\n    user: {name}\n    namespace: team\n\
             users:\n- name: {name}\n  user:\n    token: secret\n"
        )
    }

    #[test]
    fn several_files_are_one_and_the_first_wins() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("a"), config("a", "https://a.example")).unwrap();
        std::fs::write(path("b"), config("b", "https://b.example")).unwrap();
        let joined = std::env::join_paths([path("missing"), path("a"), path("b")]).unwrap();
        let read = read(None, Some(&joined), None).unwrap().unwrap();
        assert_eq!(read.files, [path("a"), path("b")]);
        assert_eq!(read.context(None).unwrap(), "a");
        assert_eq!(read.context(Some("b")).unwrap(), "b");
        let error = read.context(Some("c")).unwrap_err();
        assert!(matches!(error, Failure::NoSuchContext { known, .. } if known == ["a", "b"]));
    }

    #[test]
    fn a_file_that_is_named_must_be_there_and_the_home_may_be_empty() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        let error = read(Some(&missing), None, None).unwrap_err();
        assert!(error.to_string().ends_with("missing does not exist"), "{error}");
        let listed = Some(missing.as_os_str());
        assert!(matches!(
            read(None, listed, None),
            Err(Failure::NoKubeconfig { .. })
        ));
        assert!(
            read(None, None, Some(directory.path().to_owned()))
                .unwrap()
                .is_none()
        );
        // An empty variable is none.
        assert!(read(None, Some("".as_ref()), None).unwrap().is_none());
    }

    #[test]
    fn a_mistake_is_shown_where_it_is_and_no_secret_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config");
        let text = "apiVersion: v1\nusers:\n- name: me\n  user:\n    token: hunter2\nclusters: {\n";
        std::fs::write(&path, text).unwrap();
        let error = read(Some(&path), None, None).unwrap_err();
        let Failure::BrokenKubeconfig { at: Some(_), .. } = &error else {
            panic!("{error:?}");
        };
        let shown = crate::report::narrated(&error);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("config:6:"), "{shown}");
    }

    #[test]
    fn positions_become_spans() {
        let text = "a: 1\nbäd: x\n";
        let at = span(text, 2, 3);
        assert_eq!(&text[at], "d: x");
        assert_eq!(span(text, 9, 1).start, text.len());
    }

    #[test]
    fn secrets_are_covered_and_nothing_moves() {
        let text = "user:\n  token: abc\n  name: my-token\n- user: {\"password\": \"p\"}\n";
        let veiled = veiled(text);
        assert_eq!(
            veiled,
            "user:\n  token:****\n  name: my-token\n- user: {\"password\":*****\n"
        );
        assert_eq!(veiled.len(), text.len());
    }
}
