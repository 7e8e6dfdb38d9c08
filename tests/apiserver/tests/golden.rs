//! What kubectl is to say, row by row.

use std::fmt::Write as _;
use std::path::PathBuf;

use similar::TextDiff;

use crate::mask::Mask;
use crate::shell::Said;
use crate::table::{self, Group, Row};

/// The golden of a group.
#[derive(Debug)]
pub(crate) struct Golden {
    file: PathBuf,
    sections: Vec<Section>,
}

/// What was said to a row.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    /// The name of the row.
    pub(crate) row: String,
    text: String,
    /// What is wrong with it whatever the golden says.
    wrong: Option<String>,
}

impl Section {
    /// The row, its command, standard output, standard error behind `!`, and the exit code unless it is 0.
    pub(crate) fn of(row: &Row, said: &Said, mask: &Mask) -> Self {
        let mut text = format!("$ {}\n", row.run.trim_end());
        for line in mask.apply(&said.stdout).lines() {
            writeln!(text, "{line}").unwrap();
        }
        for line in mask.apply(&said.stderr).lines() {
            writeln!(text, "{}", format!("! {line}").trim_end()).unwrap();
        }
        let ended = row.until.is_some() && said.code.is_none();
        let code = said.code.unwrap_or(-1);
        if !ended && code != 0 {
            writeln!(text, "= {code}").unwrap();
        }
        let wrong = (!ended && code != row.exit)
            .then(|| format!("`{}` ends with {code} instead of {}:\n{text}", row.name, row.exit));
        Self {
            row: row.name.clone(),
            text,
            wrong,
        }
    }
}

impl Golden {
    /// Reads the golden of a group; it is empty where there is none yet.
    pub(crate) fn read(group: &str) -> Self {
        let file = table::path(&format!("golden/{group}.txt"));
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let mut sections: Vec<Section> = Vec::new();
        for line in text.lines() {
            if let Some(row) = line.strip_prefix("## ") {
                sections.push(Section {
                    row: row.to_owned(),
                    text: String::new(),
                    wrong: None,
                });
            } else if let Some(section) = sections.last_mut() {
                writeln!(section.text, "{line}").unwrap();
            }
        }
        // An empty line stands between two.
        for section in &mut sections {
            section.text.truncate(section.text.trim_end_matches('\n').len());
            section.text.push('\n');
        }
        Self { file, sections }
    }

    /// Takes over what was said; what was not run stays as it was.
    pub(crate) fn bless(self, group: &Group, said: &[Section]) -> Self {
        let section = |row: &Row| {
            let of_row = |it: &&Section| it.row == row.name;
            said.iter()
                .find(of_row)
                .or_else(|| self.sections.iter().find(of_row))
                .cloned()
        };
        let sections: Vec<Section> = group.rows.iter().filter_map(section).collect();
        let texts: Vec<String> = sections
            .iter()
            .map(|it| format!("## {}\n{}\n", it.row, it.text.trim_end_matches('\n')))
            .collect();
        std::fs::write(&self.file, texts.join("\n")).unwrap();
        Self::read(&self.file.file_stem().unwrap().to_string_lossy())
    }

    /// How what was said differs.
    pub(crate) fn differences(&self, said: &[Section], by: &str) -> Vec<String> {
        let mut all = Vec::new();
        for section in said {
            all.extend(section.wrong.iter().map(|wrong| format!("{by}: {wrong}")));
            let golden = self.sections.iter().find(|it| it.row == section.row);
            let golden = golden.map_or("", |it| &it.text);
            let text = format!("{}\n", section.text.trim_end_matches('\n'));
            if golden != text {
                let diff = TextDiff::from_lines(golden, &text);
                let diff = diff
                    .unified_diff()
                    .header("golden", by)
                    .context_radius(3)
                    .to_string();
                all.push(format!("{}: {}\n{diff}", by, section.row));
            }
        }
        all
    }

    /// Sections that no row belongs to.
    pub(crate) fn strangers(&self, group: &Group) -> Vec<String> {
        let has_row = |section: &&Section| group.rows.iter().any(|row| row.name == section.row);
        let strangers = self.sections.iter().filter(|it| !has_row(it));
        strangers
            .map(|it| format!("{}: there is no row `{}`", self.file.display(), it.row))
            .collect()
    }
}
