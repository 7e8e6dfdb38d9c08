//! Lists in pages.
//!
//! A token names the last key of the page before it, so that a list goes on where it was whatever comes and goes
//! meanwhile. It is sealed with the request that it came of: with other filters, another caller's scope or a changed
//! letter it is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kecs_model::{Input, Refusal, refuse};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::key::{Key, Scope, Term};
use crate::tx::Tx;
use crate::view::{Entry, Page};

/// Bytes of the digest that a token begins with.
const SEAL: usize = 16;

/// Letters that a token has at most: far above the longest key.
const LONGEST: usize = 4096;

/// Records that are read at once where a filter skips some of them.
const CHUNK: usize = 100;

/// Which page a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging {
    request: Vec<u8>,
    after: Option<Key>,
    limit: usize,
    descending: bool,
}

/// What becomes of a record on the way into a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick<T> {
    /// It is shown so.
    Take(T),
    /// It is not asked for.
    Skip,
    /// Neither is anything behind it.
    Stop,
}

/// A page and the token of the one behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// What is on the page.
    pub items: Vec<T>,
    /// There is more, behind this token.
    pub next_token: Option<String>,
}

impl Paging {
    /// The page that `request` asks for by its `nextToken` and `maxResults`; `size` is how much is on a page where it
    /// does not say. All its other members are the filters that the token is sealed with.
    pub fn of<I: Input>(scope: &Scope, request: &I, size: usize) -> Result<Self, Refusal> {
        let mut filters = super::write(request)?;
        let mut take = |name| filters.as_object_mut().and_then(|it| it.remove(name));
        let (token, max) = (take("nextToken"), take("maxResults"));
        let limit = max.as_ref().and_then(Value::as_u64).filter(|max| *max > 0);
        let limit = limit.and_then(|max| usize::try_from(max).ok());
        let mut paging = Self {
            request: format!(
                "{}\n{}\n{}\n{filters}\n",
                I::OPERATION,
                scope.account,
                scope.region
            )
            .into_bytes(),
            after: None,
            limit: limit.unwrap_or(size),
            descending: false,
        };
        if let Some(token) = token.as_ref().and_then(Value::as_str).filter(|it| !it.is_empty()) {
            paging.after = Some(paging.open(token)?);
        }
        Ok(paging)
    }

    /// From the last key to the first.
    #[must_use]
    pub fn descending(mut self, descending: bool) -> Self {
        self.descending = descending;
        self
    }

    /// Begins behind this key at the earliest.
    #[must_use]
    pub fn from(mut self, key: Key) -> Self {
        self.after = Some(self.after.map_or(key.clone(), |after| after.max(key)));
        self
    }

    /// The key that the page begins behind.
    pub fn after(&self) -> Option<&Key> {
        self.after.as_ref()
    }

    /// How many are on the page at most.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The page of a term. No more is read than is shown, and one beyond it, as far as nothing is skipped.
    pub fn select<T>(
        &self,
        tx: &Tx<'_>,
        term: &Term,
        mut pick: impl FnMut(&Entry) -> Result<Pick<T>, Refusal>,
    ) -> Result<Listed<T>, Refusal> {
        let mut items = Vec::new();
        let mut last: Option<Key> = None;
        let mut after = self.after.clone();
        // Where little is skipped little more is read, and where much is skipped more each time.
        let mut more = 1;
        loop {
            let missing = self.limit.saturating_add(1).saturating_sub(items.len());
            let limit = missing.max(more);
            more = (more * 4).min(CHUNK);
            let page = Page {
                after: after.as_ref(),
                limit,
                descending: self.descending,
            };
            let entries = tx.list(term, page)?;
            let whole = entries.len() < limit;
            after = entries.last().map(|entry| entry.key.clone()).or(after);
            for entry in &entries {
                match pick(entry)? {
                    Pick::Take(_) if items.len() == self.limit => {
                        let next_token = last.map(|key| self.seal(&key));
                        return Ok(Listed { items, next_token });
                    }
                    Pick::Take(item) => {
                        items.push(item);
                        last = Some(entry.key.clone());
                    }
                    Pick::Skip => {}
                    Pick::Stop => return Ok(Listed::whole(items)),
                }
            }
            if whole {
                return Ok(Listed::whole(items));
            }
        }
    }

    /// The page of a list that is at hand, in the order of its keys.
    pub fn cut<T>(&self, all: impl IntoIterator<Item = (Key, T)>) -> Listed<T> {
        let after = |key: &Key| self.after.as_ref().is_none_or(|after| key > after);
        let mut rest = all.into_iter().filter(|(key, _)| after(key)).peekable();
        let mut items = Vec::new();
        while let Some((key, item)) = rest.next() {
            items.push(item);
            if items.len() == self.limit && rest.peek().is_some() {
                let next_token = Some(self.seal(&key));
                return Listed { items, next_token };
            }
        }
        Listed::whole(items)
    }

    /// The page with what is not kept set between what is, in the order of the keys.
    pub fn blend<T>(&self, kept: Listed<(Key, T)>, fixed: impl IntoIterator<Item = (Key, T)>) -> Listed<T> {
        let more = kept.next_token.is_some();
        let behind = |key: &Key| self.after.as_ref().is_none_or(|after| key > after);
        let mut all = kept.items;
        // Where there is more, what comes behind the page is cut off with it.
        all.extend(fixed.into_iter().filter(|(key, _)| behind(key)));
        all.sort_by(|one, other| one.0.cmp(&other.0));
        let more = more || all.len() > self.limit;
        all.truncate(self.limit);
        let next_token = all.last().filter(|_| more).map(|(key, _)| self.seal(key));
        let items = all.into_iter().map(|(_, item)| item).collect();
        Listed { items, next_token }
    }

    fn digest(&self, key: &[u8]) -> Vec<u8> {
        let mut digest = Sha256::new();
        digest.update(&self.request);
        digest.update(key);
        digest.finalize()[..SEAL].to_vec()
    }

    fn seal(&self, key: &Key) -> String {
        let key = key.as_str().as_bytes();
        let mut token = self.digest(key);
        token.extend_from_slice(key);
        URL_SAFE_NO_PAD.encode(token)
    }

    fn open(&self, token: &str) -> Result<Key, Refusal> {
        let read = |token: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
            let (seal, key) = bytes.split_at_checked(SEAL)?;
            let sealed = self.digest(key) == seal;
            let key = sealed.then(|| std::str::from_utf8(key).ok()).flatten()?;
            Some(Key::from_text(key))
        };
        let short = Some(token).filter(|token| token.len() <= LONGEST);
        short
            .and_then(read)
            .ok_or_else(|| refuse!(InvalidParameterException, "Invalid token {value}", value = token))
    }
}

impl<T> Listed<T> {
    const fn whole(items: Vec<T>) -> Self {
        Self {
            items,
            next_token: None,
        }
    }
}
