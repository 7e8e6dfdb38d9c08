//! Who holds the lock of a state, as a refused lock says it.

/// The `Lock Info:` that a refused lock comes with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockInfo {
    /// The id of the lock, which it is taken away by.
    pub id: String,
    /// What takes it: `OperationTypePlan`, `OperationTypeApply`, `init`, `state-push`. Empty where it is not known.
    pub operation: String,
    /// `user@host`. Empty where it is not known.
    pub who: String,
    /// The version of the engine that took it. Empty where it is not known.
    pub version: String,
    /// When, as it was written: `2026-01-01 10:00:00.5 +0000 UTC`. Empty where it is not known.
    pub created: String,
}

impl LockInfo {
    /// Reads the lock info in the text of a failure. Absent if there is none.
    ///
    /// The HTTP backend prints the info of the one who asks; only the id in `already locked: ID=<holder>` is the
    /// holder's, and nothing else is known then.
    pub fn read(text: &str) -> Option<Self> {
        if let Some((_, holder)) = text.split_once("already locked: ID=") {
            let id = holder.split_whitespace().next()?.to_owned();
            return Some(Self {
                id,
                ..Self::default()
            });
        }
        let (_, info) = text.split_once("Lock Info:")?;
        let mut lock = Self::default();
        for line in info.lines() {
            let line = line.trim_start_matches(['│', ' ', '\t']);
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let value = value.trim();
            match name {
                "ID" => value.clone_into(&mut lock.id),
                "Operation" => value.clone_into(&mut lock.operation),
                "Who" => value.clone_into(&mut lock.who),
                "Version" => value.clone_into(&mut lock.version),
                "Created" => value.clone_into(&mut lock.created),
                // The last one; what follows is Terraform's advice.
                "Info" => break,
                _ => {}
            }
        }
        (!lock.id.is_empty()).then_some(lock)
    }

    /// The holder in words: `root@host since 2026-01-01 10:00:00 UTC (OperationTypeApply)`.
    pub fn holder(&self) -> String {
        let who = if self.who.is_empty() {
            "somebody else"
        } else {
            &self.who
        };
        let mut words = who.to_owned();
        if let Some((moment, _)) = self.created.split_once('.') {
            words = format!("{words} since {moment} UTC");
        } else if !self.created.is_empty() {
            words = format!("{words} since {}", self.created.replace(" +0000", ""));
        }
        if !self.operation.is_empty() {
            words = format!("{words} ({})", self.operation);
        }
        words
    }
}

/// The id of the lock in the text of a failure; see [`LockInfo::read`].
pub fn lock_id(text: &str) -> Option<String> {
    LockInfo::read(text).map(|lock| lock.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Terraform 1.11 says with the Kubernetes backend.
    const HELD: &str = "Error acquiring the state lock: Error message: the state is already locked by another \
                        terraform client\nLock Info:\n  ID:        6a0c9c63-6c9d-8d5b-9a4e-0f6e2b8a7a11\n  Path:      \
                        \n  Operation: OperationTypeApply\n  Who:       ann@laptop\n  Version:   1.11.4\n  Created:   \
                        2026-01-01 10:00:00.123456789 +0000 UTC\n  Info:      \n\n\nTerraform acquires a state lock \
                        to protect the state from being written\nby multiple users at the same time.";

    #[test]
    fn every_field_of_the_info_is_read() {
        let lock = LockInfo::read(HELD).unwrap();
        assert_eq!(
            lock,
            LockInfo {
                id: "6a0c9c63-6c9d-8d5b-9a4e-0f6e2b8a7a11".into(),
                operation: "OperationTypeApply".into(),
                who: "ann@laptop".into(),
                version: "1.11.4".into(),
                created: "2026-01-01 10:00:00.123456789 +0000 UTC".into(),
            }
        );
        assert_eq!(
            lock.holder(),
            "ann@laptop since 2026-01-01 10:00:00 UTC (OperationTypeApply)"
        );
    }

    #[test]
    fn a_frame_around_the_text_is_no_part_of_it() {
        let framed = HELD.replace('\n', "\n│ ");
        assert_eq!(LockInfo::read(&framed), LockInfo::read(HELD));
    }

    #[test]
    fn the_info_of_the_one_who_asks_is_not_that_of_the_holder() {
        let http =
            "HTTP remote state already locked: ID=holder\nLock Info:\n  ID: requester\n  Who: me@here\n";
        let lock = LockInfo::read(http).unwrap();
        assert_eq!((lock.id.as_str(), lock.who.as_str()), ("holder", ""));
        assert_eq!(lock.holder(), "somebody else");
    }

    #[test]
    fn a_lock_without_an_id_is_none() {
        assert_eq!(LockInfo::read("Lock Info:\n  Who: me@here\n"), None);
        assert_eq!(LockInfo::read("nothing"), None);
    }
}
