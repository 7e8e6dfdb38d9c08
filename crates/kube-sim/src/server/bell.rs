//! A bell that wakes everybody who listens, in the order in which they began to.
//!
//! The `watch` channel of tokio would do, but it wakes its receivers in random order, and with them goes the order
//! of everything that follows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

#[derive(Debug, Default)]
struct Tower {
    /// A number that is another one after each ring.
    tone: AtomicU64,
    notify: Notify,
}

/// Rings.
#[derive(Debug, Default)]
pub(super) struct Bell(Arc<Tower>);

/// Hears a bell.
#[derive(Debug)]
pub(super) struct Listener {
    tower: Arc<Tower>,
    heard: u64,
}

impl Bell {
    /// A bell that was rung with this tone long ago.
    pub(super) fn new(tone: u64) -> Self {
        let bell = Self::default();
        bell.0.tone.store(tone, Ordering::SeqCst);
        bell
    }

    /// Rings, unless the last tone was the same.
    pub(super) fn ring(&self, tone: u64) {
        if self.0.tone.swap(tone, Ordering::SeqCst) != tone {
            self.0.notify.notify_waiters();
        }
    }

    /// Rings with the next tone.
    pub(super) fn ring_again(&self) {
        self.0.tone.fetch_add(1, Ordering::SeqCst);
        self.0.notify.notify_waiters();
    }

    /// Hears every ring from now on.
    pub(super) fn listen(&self) -> Listener {
        Listener {
            heard: self.0.tone.load(Ordering::SeqCst),
            tower: Arc::clone(&self.0),
        }
    }
}

impl Listener {
    /// Forgets the rings so far.
    pub(super) fn forget(&mut self) {
        self.heard = self.tower.tone.load(Ordering::SeqCst);
    }

    /// Waits for a ring since the last one that was heard or forgotten.
    pub(super) async fn heard(&mut self) {
        loop {
            let mut ring = std::pin::pin!(self.tower.notify.notified());
            // From here on no ring is missed.
            ring.as_mut().enable();
            let tone = self.tower.tone.load(Ordering::SeqCst);
            if tone != self.heard {
                self.heard = tone;
                return;
            }
            ring.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn listeners_wake_in_the_order_in_which_they_began() {
        for _ in 0..20 {
            let bell = Bell::new(7);
            let woken = Arc::new(Mutex::new(Vec::new()));
            let tasks: Vec<_> = (0..8)
                .map(|number| {
                    let (mut listener, woken) = (bell.listen(), Arc::clone(&woken));
                    tokio::spawn(async move {
                        listener.heard().await;
                        woken.lock().unwrap().push(number);
                    })
                })
                .collect();
            tokio::task::yield_now().await;
            bell.ring(7);
            tokio::task::yield_now().await;
            assert!(woken.lock().unwrap().is_empty(), "the same tone is no ring");
            bell.ring(8);
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(*woken.lock().unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_ring_before_the_wait_counts_unless_it_is_forgotten() {
        let bell = Bell::new(0);
        let mut listener = bell.listen();
        bell.ring_again();
        listener.heard().await;
        bell.ring_again();
        listener.forget();
        let quiet = tokio::time::timeout(std::time::Duration::from_secs(1), listener.heard()).await;
        assert!(quiet.is_err());
    }
}
