//! What the manifest of every crate has in common.

use super::Findings;
use crate::repository::Repository;

const CORE_LINTS: &str = "crates/capt-core/clippy.toml";
const ROOT_LINTS: &str = "clippy.toml";

pub(crate) fn check(path: &str, text: &str, findings: &mut Findings) {
    // A package that is a workspace of its own (fuzz targets, which need another toolchain) has nothing to inherit.
    let is = |wanted: &str| text.lines().any(|line| line.trim() == wanted);
    if is("[package]") && is("[workspace]") {
        return;
    }
    let mut section = String::new();
    let mut inherits_lints = false;
    // Brackets of a value that goes on over several lines.
    let mut open = 0_usize;
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if open == 0 && line.starts_with('[') {
            line.trim_matches(['[', ']']).clone_into(&mut section);
            continue;
        }
        let starts_entry = open == 0 && line.contains('=');
        let opened = line.matches(['[', '{']).count();
        let closed = line.matches([']', '}']).count();
        open = (open + opened).saturating_sub(closed);
        if !starts_entry {
            continue;
        }
        let inherited = line.replace(' ', "").contains("workspace=true");
        inherits_lints |= section == "lints" && inherited;
        if section.ends_with("dependencies") && !inherited {
            findings.error(format!(
                "{path}:{}: versions of dependencies stand in the workspace alone",
                number + 1
            ));
        }
    }
    if !inherits_lints {
        findings.error(format!("{path}: the lints of the workspace are not inherited"));
    }
}

/// A `clippy.toml` in a crate replaces that of the workspace, so it has to repeat what stands there.
pub(crate) fn check_core_lints(repository: &Repository, findings: &mut Findings) {
    let (root, core) = match (repository.read(ROOT_LINTS), repository.read(CORE_LINTS)) {
        (Ok(root), Ok(core)) => (root, core),
        (Err(error), _) | (_, Err(error)) => {
            findings.error(format!("{error:#}"));
            return;
        }
    };
    for line in missing_lines(&root, &core) {
        findings.error(format!("{CORE_LINTS}: does not repeat `{line}` of {ROOT_LINTS}"));
    }
}

fn missing_lines<'a>(root: &'a str, core: &str) -> Vec<&'a str> {
    let present: Vec<&str> = core.lines().map(str::trim).collect();
    root.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#') && !present.contains(line))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> Vec<String> {
        let mut findings = Findings::default();
        check("a/Cargo.toml", text, &mut findings);
        findings.errors
    }

    #[test]
    fn a_workspace_of_its_own_inherits_nothing() {
        let text = "[package]\nname = \"a\"\n[dependencies]\nserde = \"1\"\n";
        assert_eq!(errors(text).len(), 2);
        assert!(errors(&format!("{text}[workspace]\n")).is_empty());
    }

    #[test]
    fn a_manifest_that_inherits_passes() {
        let text = "[package]\nname = \"a\"\n[lints]\nworkspace = true\n[dependencies]\nserde.workspace = true\n\
                    tokio = { workspace = true, features = [\n  \"rt\",\n] }\n[features]\nengine = [\"dep:serde\"]\n";
        assert!(errors(text).is_empty(), "{:?}", errors(text));
    }

    #[test]
    fn a_version_and_missing_lints_are_found() {
        let text = "[package]\nname = \"a\"\n[dev-dependencies]\nserde = \"1\"\n";
        assert_eq!(
            errors(text),
            [
                "a/Cargo.toml:4: versions of dependencies stand in the workspace alone",
                "a/Cargo.toml: the lints of the workspace are not inherited",
            ]
        );
    }

    #[test]
    fn a_list_of_lints_contains_the_other() {
        let root = "allow-unwrap-in-tests = true\ndisallowed-methods = [\n  { path = \"a\" },\n]\n";
        let core = "allow-unwrap-in-tests = true\ndisallowed-methods = [\n  { path = \"b\" },\n]\n";
        assert_eq!(missing_lines(root, core), ["{ path = \"a\" },"]);
        assert!(missing_lines(root, root).is_empty());
    }
}
