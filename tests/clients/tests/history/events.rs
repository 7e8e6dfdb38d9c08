//! A subscriber of events that goes on after the server was killed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, watch};
use tokio_tungstenite::client_async;

/// How long it takes at most until something is told.
const LIMIT: Duration = Duration::from_mins(2);

/// An event as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) sequence: u64,
    pub(crate) id: String,
    pub(crate) resource: String,
}

/// Follows events from the first one on.
pub(crate) struct Follower {
    address: watch::Sender<String>,
    told: Arc<Mutex<Vec<Told>>>,
    progress: watch::Receiver<usize>,
}

impl Follower {
    /// Begins at a server.
    pub(crate) fn start(address: &str) -> Self {
        let (address, addresses) = watch::channel(address.to_owned());
        let (count, progress) = watch::channel(0);
        let told = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(follow(addresses, Arc::clone(&told), count));
        Self {
            address,
            told,
            progress,
        }
    }

    /// The server is there now.
    pub(crate) fn go_on_at(&self, address: &str) {
        self.address.send_replace(address.to_owned());
    }

    /// All that was told up to the first event of a resource whose ARN ends so.
    pub(crate) async fn until(mut self, resource: &str) -> Vec<Told> {
        let all = async {
            loop {
                {
                    let told = self.told.lock().await;
                    if told.iter().any(|it| it.resource.ends_with(resource)) {
                        return told.clone();
                    }
                }
                self.progress
                    .changed()
                    .await
                    .expect("the follower goes on as long as this does");
            }
        };
        tokio::time::timeout(LIMIT, all)
            .await
            .unwrap_or_else(|_| panic!("{resource} is not told of"))
    }
}

async fn follow(
    mut addresses: watch::Receiver<String>,
    told: Arc<Mutex<Vec<Told>>>,
    count: watch::Sender<usize>,
) {
    loop {
        let address = addresses.borrow_and_update().clone();
        let since = told.lock().await.last().map_or(0, |it: &Told| it.sequence);
        let url = format!("ws://{address}/v1/events?since={since}");
        if let Ok(stream) = TcpStream::connect(&address).await
            && let Ok((mut socket, _)) = client_async(url, stream).await
        {
            while let Some(Ok(message)) = socket.next().await {
                let Ok(Ok(event)) = message.to_text().map(serde_json::from_str::<Value>) else {
                    continue;
                };
                // How far it is behind is told in between.
                let Some(sequence) = event["sequence"].as_u64() else {
                    continue;
                };
                let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
                let one = Told {
                    sequence,
                    id: text("id"),
                    resource: text("resource"),
                };
                told.lock().await.push(one);
                count.send_modify(|count| *count += 1);
            }
        }
        // Gone: until somebody says where to go on.
        if addresses.changed().await.is_err() {
            return;
        }
    }
}

/// Where numbers do not count on by one, and ids that came twice.
pub(crate) fn gaps(told: &[Told]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (expected, one) in (1..).zip(told) {
        if one.sequence != expected {
            wrong.push(format!("{} instead of {expected}", one.sequence));
            break;
        }
    }
    let mut ids = BTreeSet::new();
    wrong.extend(
        told.iter()
            .filter(|it| !ids.insert(&it.id))
            .map(|it| format!("{} came twice", it.id)),
    );
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_on_and_ids_differ() {
        let told = |numbers: &[(u64, &str)]| -> Vec<Told> {
            let one = |(sequence, id): &(u64, &str)| Told {
                sequence: *sequence,
                id: (*id).to_owned(),
                resource: String::new(),
            };
            numbers.iter().map(one).collect()
        };
        assert_eq!(gaps(&told(&[(1, "a"), (2, "b")])), Vec::<String>::new());
        assert_eq!(gaps(&told(&[(2, "a")])), ["2 instead of 1"]);
        assert_eq!(gaps(&told(&[(1, "a"), (3, "b")])), ["3 instead of 2"]);
        assert_eq!(gaps(&told(&[(1, "a"), (1, "b")])), ["1 instead of 2"]);
        assert_eq!(gaps(&told(&[(1, "a"), (2, "a")])), ["a came twice"]);
    }
}
