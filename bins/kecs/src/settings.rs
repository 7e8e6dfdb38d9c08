//! Every setting: as a flag, as a variable of the environment, and in a file.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches};
use serde_json::Value;

mod table;

pub use table::SETTINGS;

#[cfg(test)]
mod tests;

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Its name in the file; with two dashes before it, its flag.
    pub name: &'static str,
    /// What holds where nobody says anything; `None`: nothing does.
    pub default: Option<&'static str>,
    /// What its values are called.
    pub value: &'static str,
    /// What it is, in one sentence without its end.
    pub help: &'static str,
}

/// Where a value came from. The first of these that has one counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A flag.
    Flag,
    /// A variable of the environment.
    Environment,
    /// The file.
    File(PathBuf),
    /// Nobody said anything.
    Default,
}

/// The value of each setting that has one, and where it came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<&'static str, (String, Source)>);

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be opened.
    #[error("read the settings of {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is no map of names to values.
    #[error("understand the settings of {path}: {message}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The file has a name that is no setting.
    #[error("{path} has `{name}`, which is no setting{hint}")]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
        /// What was meant, perhaps.
        hint: String,
    },
    /// A value cannot be.
    #[error("`{name}` cannot be `{value}` ({from}): {why}")]
    Value {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// Where that came from.
        from: Source,
        /// What is wrong with it.
        why: String,
    },
    /// A setting needs another.
    #[error("{0}")]
    Missing(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment => f.write_str("environment"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

impl Setting {
    /// The setting of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }

    /// Its variable of the environment.
    pub fn variable(&self) -> String {
        format!("KECS_{}", self.name.replace('-', "_").to_uppercase())
    }

    /// Its flag.
    pub fn arg(&self) -> Arg {
        let mut help = self.help.to_owned();
        let _ = write!(help, " [env: {}]", self.variable());
        if let Some(default) = self.default {
            let _ = write!(help, " [default: {default}]");
        }
        Arg::new(self.name)
            .long(self.name)
            .value_name(self.value)
            .help(help)
    }
}

impl Settings {
    /// What flags, the environment and the file say, in this order, and else the defaults.
    pub fn resolve(
        flags: &ArgMatches,
        environment: impl Fn(&str) -> Option<String>,
        file: Option<&Path>,
    ) -> Result<Self, SettingsError> {
        let mut written = match file {
            Some(path) => read(path)?,
            None => BTreeMap::new(),
        };
        let mut settings = BTreeMap::new();
        for setting in SETTINGS {
            let flag = flags.try_get_one::<String>(setting.name).ok().flatten();
            let flag = flag.map(|value| (value.clone(), Source::Flag));
            // A variable that is set to nothing is as good as none: that is how shells and unit files unset it.
            let variable = environment(&setting.variable()).filter(|value| !value.is_empty());
            let variable = variable.map(|value| (value, Source::Environment));
            let path = file.unwrap_or(Path::new("")).to_owned();
            let in_file = written
                .remove(setting.name)
                .map(|value| (value, Source::File(path)));
            let default = setting.default.map(|value| (value.to_owned(), Source::Default));
            if let Some(found) = flag.or(variable).or(in_file).or(default) {
                settings.insert(setting.name, found);
            }
        }
        Ok(Self(settings))
    }

    /// The value of a setting, if it has one.
    pub fn get(&self, name: &'static str) -> Option<&str> {
        self.0.get(name).map(|(value, _)| value.as_str())
    }

    /// The value of a setting as what it is.
    pub fn parse<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, SettingsError> {
        let Some((value, source)) = self.0.get(name) else {
            return Ok(None);
        };
        parse(value).map(Some).map_err(|why| SettingsError::Value {
            name,
            value: value.clone(),
            from: source.clone(),
            why,
        })
    }

    /// The value of a setting that has a default.
    pub fn need<T>(
        &self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, SettingsError> {
        let value = self.parse(name, parse)?;
        value.ok_or_else(|| SettingsError::Missing(format!("`{name}` must be given")))
    }

    /// A line for each setting, as a file that says the same, with where each value came from.
    pub fn render(&self) -> String {
        let width = SETTINGS
            .iter()
            .map(|setting| setting.name.len())
            .max()
            .unwrap_or_default();
        let mut text = String::new();
        for setting in SETTINGS {
            let _ = match self.0.get(setting.name) {
                Some((value, source)) => {
                    let value = Value::from(value.as_str());
                    let name = format!("{}:", setting.name);
                    writeln!(text, "{name:<width$} {value} # {source}", width = width + 1)
                }
                None => writeln!(text, "# {} is not set", setting.name),
            };
        }
        text
    }
}

/// The names and values of a file.
fn read(path: &Path) -> Result<BTreeMap<String, String>, SettingsError> {
    let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Read {
        path: path.to_owned(),
        source,
    })?;
    let wrong = |message: String| SettingsError::Parse {
        path: path.to_owned(),
        message,
    };
    let written: Option<BTreeMap<String, Value>> =
        serde_saphyr::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let mut values = BTreeMap::new();
    for (name, value) in written.unwrap_or_default() {
        if Setting::named(&name).is_none() {
            return Err(SettingsError::Unknown {
                path: path.to_owned(),
                hint: hint(&name),
                name,
            });
        }
        let value = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(on) => on.to_string(),
            Value::Null => continue,
            Value::Array(_) | Value::Object(_) => {
                return Err(wrong(format!("`{name}` is no single value")));
            }
        };
        values.insert(name, value);
    }
    Ok(values)
}

/// The setting whose name is nearest.
fn hint(name: &str) -> String {
    let near = SETTINGS
        .iter()
        .map(|setting| (strsim::damerau_levenshtein(name, setting.name), setting.name));
    match near.min() {
        Some((distance, nearest)) if distance <= 3 => format!(": `{nearest}` is"),
        Some(_) | None => String::new(),
    }
}

/// The table of settings for the documentation.
pub fn markdown() -> String {
    let mut text = String::from(
        "| Setting (file) | Flag | Variable | Default | Meaning |\n| --- | --- | --- | --- | --- |\n",
    );
    for setting in SETTINGS {
        let default = setting
            .default
            .map_or_else(String::new, |value| format!("`{value}`"));
        let _ = writeln!(
            text,
            "| `{name}` | `--{name} {value}` | `{variable}` | {default} | {help} |",
            name = setting.name,
            value = setting.value,
            variable = setting.variable(),
            help = setting.help,
        );
    }
    text
}
