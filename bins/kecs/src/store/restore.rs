//! A copy that takes the place of a store.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
#[cfg(feature = "duckdb")]
use kecs_store::duckdb::DuckDb;
use kecs_store::sqlite::Sqlite;

use crate::config::Engine;
use crate::process;

/// Puts a copy where no store is; by force also where one is, which is kept beside it.
pub(super) fn restore(engine: &Engine, copy: &Path, force: bool) -> Result<()> {
    let said = match engine {
        Engine::Sqlite(path) => {
            // Opening it makes sure that no server has it, and that all of it is in this one file.
            let close = || Sqlite::open(path).map(drop).map_err(Into::into);
            replace(path, force, close, || Ok(Sqlite::restore(copy, path)?))?
        }
        Engine::DuckDb(folder) => duckdb(folder, copy, force)?,
        Engine::Memory => bail!("the store `memory` ends with its server: there is no backup of it"),
        Engine::Postgres(_) => {
            bail!(
                "`restore` brings back the file of the store `sqlite`: use `import` or pg_restore for PostgreSQL"
            )
        }
    };
    process::print(&said)
}

#[cfg(feature = "duckdb")]
fn duckdb(folder: &Path, copy: &Path, force: bool) -> Result<String> {
    let close = || DuckDb::open(folder).map(drop).map_err(Into::into);
    replace(folder, force, close, || Ok(DuckDb::restore(copy, folder)?))
}

#[cfg(not(feature = "duckdb"))]
fn duckdb(folder: &Path, _copy: &Path, _force: bool) -> Result<String> {
    super::duckdb(folder).map(|_| String::new())
}

/// Fills `place`, and answers with what is to be said of it. What is there is moved aside when it was closed, and comes
/// back if the place cannot be filled.
fn replace(
    place: &Path,
    force: bool,
    close: impl FnOnce() -> Result<()>,
    fill: impl FnOnce() -> Result<()>,
) -> Result<String> {
    let restored = format!("restored to {}\n", place.display());
    if !place.exists() {
        return fill().map(|()| restored);
    }
    if !force {
        bail!(
            "there is a store at {}: move it away, or use --force",
            place.display()
        );
    }
    close()?;
    let aside = aside(place);
    fs::rename(place, &aside).with_context(|| format!("keep {}", place.display()))?;
    if let Err(error) = fill() {
        fs::rename(&aside, place).with_context(|| {
            format!(
                "the restore has failed ({error:#}), and {} is now {}",
                place.display(),
                aside.display()
            )
        })?;
        return Err(error);
    }
    Ok(format!(
        "{restored}the store that was there is {}\n",
        aside.display()
    ))
}

/// Where a store is kept: under a name that nothing has.
fn aside(place: &Path) -> PathBuf {
    let named = |ending: &str| {
        let mut name = place.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let others = (2_u64..).map(|number| named(&format!(".before-restore.{number}")));
    let mut all = std::iter::once(named(".before-restore")).chain(others);
    // There is always one more number than there are files.
    all.find(|name| !name.exists())
        .unwrap_or_else(|| named(".before-restore"))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn filled(place: &Path, with: &str) -> Result<String> {
        replace(place, true, || Ok(()), || Ok(fs::write(place, with)?))
    }

    #[test]
    fn each_store_that_was_there_is_kept() {
        let folder = TempDir::new().unwrap();
        let place = folder.path().join("kecs.db");
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let said = filled(&place, "one").unwrap();
        assert_eq!(said, format!("restored to {}\n", place.display()));
        assert!(
            filled(&place, "two")
                .unwrap()
                .ends_with("kecs.db.before-restore\n")
        );
        assert!(
            filled(&place, "three")
                .unwrap()
                .ends_with("kecs.db.before-restore.2\n")
        );
        assert!(
            filled(&place, "four")
                .unwrap()
                .ends_with("kecs.db.before-restore.3\n")
        );
        let kept = [
            "kecs.db.before-restore",
            "kecs.db.before-restore.2",
            "kecs.db.before-restore.3",
            "kecs.db",
        ];
        assert_eq!(kept.map(read), ["one", "two", "three", "four"]);
    }

    #[test]
    fn a_store_stays_where_a_copy_cannot_take_its_place() {
        let folder = TempDir::new().unwrap();
        let engine = Engine::Sqlite(folder.path().join("kecs.db"));
        let Engine::Sqlite(place) = &engine else {
            unreachable!()
        };
        drop(Sqlite::open(place).unwrap());
        let before = fs::read(place).unwrap();
        let copy = folder.path().join("copy");
        fs::write(&copy, "no store").unwrap();
        restore(&engine, &copy, true).unwrap_err();
        assert_eq!(fs::read(place).unwrap(), before);
        let refused = restore(&engine, &copy, false).unwrap_err().to_string();
        assert!(refused.ends_with("move it away, or use --force"), "{refused}");
        let names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|it| it.unwrap().file_name())
            .collect();
        assert_eq!(names.len(), 3, "{names:?}");
        // In use: it is not moved.
        let _open = Sqlite::open(place).unwrap();
        restore(&engine, &copy, true).unwrap_err();
        assert!(place.exists());
    }
}
