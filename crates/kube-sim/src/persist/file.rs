//! The file of a world.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::record::{self, FormatError};
use crate::server::Journal;
use crate::world::{LoadError, World};

/// The log may become this much longer than four snapshots before it is replaced by a new one.
const SLACK: u64 = 4 * 1024 * 1024;

/// Why a world cannot be kept in a file, or not be taken from it.
#[derive(Debug, thiserror::Error)]
pub enum PersistError {
    /// The file cannot be read or written.
    #[error("{action} {}", .path.display())]
    File {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What is in the file is no world.
    #[error("read the world from {}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: FormatError,
    },
    /// What is in the file is whole, and yet no world.
    #[error("take up the world of {}", .path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<LoadError>,
    },
}

/// Keeps a world in a file; give it to [`ApiServer::set_journal`](crate::ApiServer::set_journal).
#[derive(Debug)]
pub struct WorldFile {
    path: PathBuf,
    file: Arc<File>,
    /// How long the file is; what is beyond is not part of it.
    size: u64,
    /// At which length it is replaced by a snapshot.
    limit: u64,
    sync: Sync,
    /// The file is not in a known state: nothing more may be added.
    broken: bool,
}

/// A world that was found in a file.
#[derive(Debug)]
pub struct Reopened {
    /// The world. Its conversions have to be registered again.
    pub world: World,
    /// The file, to which more can be added.
    pub file: WorldFile,
    /// How many bytes at its end were dropped, because the last record was never written completely: the request that
    /// belongs to it was not answered.
    pub dropped: u64,
}

impl WorldFile {
    /// A file for a world. Whatever is there is replaced.
    pub fn create(path: &Path, world: &World) -> Result<Self, PersistError> {
        let failed = |source| PersistError::File {
            action: "write",
            path: path.to_owned(),
            source,
        };
        let (file, size) = replace(path, world).map_err(failed)?;
        Self::of(path, file, size, size).map_err(failed)
    }

    /// The world of a file; none if there is no such file.
    ///
    /// Fails if the file cannot be read, or is not as it was written.
    pub fn open(path: &Path) -> Result<Option<Reopened>, PersistError> {
        let failed = |action| {
            move |source| PersistError::File {
                action,
                path: path.to_owned(),
                source,
            }
        };
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read")(error)),
        };
        let content = record::read(&bytes).map_err(|source| PersistError::Format {
            path: path.to_owned(),
            source,
        })?;
        let world = World::load(content.dump).map_err(|source| PersistError::Load {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        let file = OpenOptions::new()
            .append(true)
            .open(path)
            .map_err(failed("open"))?;
        if content.torn > 0 {
            file.set_len(content.whole)
                .map_err(failed("cut off the incomplete record at the end of"))?;
        }
        let file = Self::of(path, file, content.whole, content.base).map_err(failed("open"))?;
        Ok(Some(Reopened {
            world,
            file,
            dropped: content.torn,
        }))
    }

    fn of(path: &Path, file: File, size: u64, base: u64) -> io::Result<Self> {
        let file = Arc::new(file);
        Ok(Self {
            path: path.to_owned(),
            sync: Sync::start(Arc::clone(&file))?,
            file,
            size,
            limit: 4 * base + SLACK,
            broken: false,
        })
    }

    /// Makes the file a snapshot of the world.
    fn rewrite(&mut self, world: &World) -> io::Result<()> {
        let (file, size) = replace(&self.path, world)?;
        *self = Self::of(&self.path, file, size, size)?;
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = (&*self.file).write_all(bytes) {
            // Half a record in the middle would make the file unreadable.
            self.broken = self.file.set_len(self.size).is_err();
            return Err(error);
        }
        self.size += bytes.len() as u64;
        self.sync.ask();
        Ok(())
    }
}

impl Journal for WorldFile {
    fn commit(&mut self, before: u64, world: &World) -> io::Result<()> {
        if self.broken {
            // The snapshot does not need what is there.
            return self.rewrite(world);
        }
        let Some(delta) = world.delta_since(before) else {
            return self.rewrite(world);
        };
        self.append(&record::writes(delta))?;
        if self.size > self.limit
            && let Err(error) = self.rewrite(world)
        {
            // Everything is in the longer file; later there may be room for a snapshot.
            tracing::warn!(path = %self.path.display(), %error, "the file of the world could not be made shorter");
            self.limit = self.size + SLACK;
        }
        Ok(())
    }
}

/// Puts a file with a snapshot in the place of `path`, in one step.
fn replace(path: &Path, world: &World) -> io::Result<(File, u64)> {
    let beside = path.with_extension("new");
    let bytes = record::beginning(world.dump());
    // What an earlier process left half-written is nobody's.
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    // Secrets are in it.
    let mut file = OpenOptions::new()
        .append(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    // The name has to outlive a crash as well.
    if let Some(directory) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
        File::open(directory)?.sync_all()?;
    }
    Ok((file, bytes.len() as u64))
}

/// Asks the device to keep what was written, on a thread of its own; several requests become one.
#[derive(Debug)]
struct Sync {
    asks: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sync {
    fn start(file: Arc<File>) -> io::Result<Self> {
        let (asks, asked) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("world-sync".to_owned())
            .spawn(move || {
                for () in asked {
                    if let Err(error) = file.sync_data() {
                        tracing::error!(%error, "the device does not keep the file of the world");
                    }
                }
            })?;
        Ok(Self {
            asks: Some(asks),
            thread: Some(thread),
        })
    }

    fn ask(&self) {
        // One that waits already covers this one.
        let _ = self.asks.as_ref().map(|asks| asks.try_send(()));
    }
}

impl Drop for Sync {
    fn drop(&mut self) {
        self.asks = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed; there is nothing to add.
            let _ = thread.join();
        }
    }
}
