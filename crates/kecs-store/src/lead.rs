//! That one of several servers leads.

use std::future;
use std::sync::mpsc;

use tokio::sync::oneshot;

use crate::error::StoreError;

/// The lead among the servers upon one store. It is given up when this, or the future of [`Lead::lost`], is dropped.
#[derive(Debug)]
pub struct Lead {
    /// Who else there may be; `None`: nobody.
    others: Option<Held>,
}

/// A lead that somebody else takes when it is not held.
#[derive(Debug)]
struct Held {
    /// Dropped to give it up.
    _hold: mpsc::Sender<()>,
    lost: oneshot::Receiver<StoreError>,
}

impl Lead {
    /// The lead of the only server that there is: it is never lost.
    pub const fn alone() -> Self {
        Self { others: None }
    }

    /// A lead that is over once something comes of `lost`. It is given up by the end of `hold`.
    #[cfg_attr(
        not(feature = "postgres"),
        allow(dead_code, reason = "every other store has one server")
    )]
    pub(crate) const fn among_others(hold: mpsc::Sender<()>, lost: oneshot::Receiver<StoreError>) -> Self {
        Self {
            others: Some(Held { _hold: hold, lost }),
        }
    }

    /// Waits until this server no longer leads, and says why. From then on another may.
    pub async fn lost(self) -> StoreError {
        match self.others {
            None => future::pending().await,
            // `held` lives as long as this is waited for.
            Some(mut held) => (&mut held.lost).await.unwrap_or(StoreError::Closed),
        }
    }
}
