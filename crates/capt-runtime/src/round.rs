//! One round of one object: observe, decide, execute, report.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use capt_core::decision::Requeue;
use capt_core::fault::{Fault, FaultClass};
use capt_core::plan::{Outcome, Report};
use capt_core::wait::Notice;
use jiff::Timestamp;
use kube::{Client, Resource as _, ResourceExt};
use serde_json::Value;
use tokio::time::timeout;

use crate::cache::{Caches, Kept, KindCache, describe};
use crate::events::Events;
use crate::fault;
use crate::interest::{Item, KindId, Watched};
use crate::interpreter::{Actuator, execute};
use crate::status::{Memo, is_due, normalised, status_of};
use crate::writer::StatusRefused;
use crate::{Clock, Metrics, ObjectKey, Subject, View, Writer};

/// An observation is a handful of reads; one that takes longer hangs.
const OBSERVE_DEADLINE: Duration = Duration::from_mins(1);

/// A status patch and an Event are one or two requests.
const REPORT_DEADLINE: Duration = Duration::from_secs(30);

/// So many times in a row a round that came too late is repeated before people are told. Each time the object is
/// looked at anew, so only what is written without end gets past it.
const MOST_OVERTAKEN: u32 = 3;

/// What is remembered of an object from round to round, none of which matters after a restart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    /// The object of the last round: one of the same name may be another.
    pub(crate) uid: Option<String>,
    /// How the last plan ended, unless its consequences are not persisted yet.
    pub(crate) last: Option<Arc<Report>>,
    pub(crate) status: Option<Memo>,
    /// Rounds in a row whose writes came too late.
    pub(crate) overtaken: u32,
}

/// What a round starts from.
#[derive(Debug, Clone)]
pub(crate) struct RoundInput {
    pub(crate) item: Item,
    pub(crate) memory: Memory,
    /// Whether caches that are behind have had their time: ask the API server.
    pub(crate) is_patience_over: bool,
}

/// How a round ended.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The object does not exist.
    Gone,
    /// A cache is behind our own writes.
    Parked,
    /// All is done that was to be done now.
    Settled {
        requeue: Requeue,
        /// Whether earlier failures are over: something was done, or there is nothing left to do.
        is_success: bool,
    },
    /// Something changed before it could be written: the object before its status, or what the plan writes.
    Conflicted,
    /// Something failed.
    Faulted { retry_after: Option<Duration> },
}

/// A round that is over.
#[derive(Debug)]
pub(crate) struct RoundEnd {
    pub(crate) verdict: Verdict,
    pub(crate) memory: Memory,
    /// The objects for which it has asked the API server, because no watch did: they are news for all who read them.
    pub(crate) refreshed: Vec<(KindId, ObjectKey)>,
}

/// A [`Subject`] whose type is not known.
#[async_trait]
pub(crate) trait Controller: Send + Sync {
    fn name(&self) -> &'static str;
    fn kind(&self) -> KindId;
    fn gone(&self, key: &ObjectKey);
    async fn round(&self, input: RoundInput) -> RoundEnd;
}

/// A [`Subject`] with everything its rounds need.
pub(crate) struct Reconciler<S: Subject> {
    pub(crate) subject: S,
    pub(crate) cache: Arc<KindCache<S::Object>>,
    pub(crate) caches: Arc<Caches>,
    pub(crate) client: Client,
    pub(crate) clock: Clock,
    pub(crate) writer: Writer,
    pub(crate) events: Events,
    pub(crate) metrics: Arc<dyn Metrics>,
}

/// A complete observation.
struct Observed<S: Subject> {
    object: Arc<S::Object>,
    snapshot: S::Snapshot,
}

enum Observation<S: Subject> {
    Complete(Observed<S>),
    Gone,
    Parked,
    Failed(Fault),
}

#[async_trait]
impl<S: Subject> Controller for Reconciler<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn kind(&self) -> KindId {
        self.cache.id
    }

    fn gone(&self, key: &ObjectKey) {
        self.metrics.state(&S::Object::kind(&()), key, None);
        self.subject.gone(key);
    }

    async fn round(&self, input: RoundInput) -> RoundEnd {
        let mut memory = input.memory.clone();
        let mut refreshed = Vec::new();
        let verdict = match self.observe(&input, &mut memory, &mut refreshed).await {
            Observation::Complete(observed) => self.act(&input.item.key, observed, &mut memory).await,
            Observation::Gone => Verdict::Gone,
            Observation::Parked => Verdict::Parked,
            Observation::Failed(fault) => {
                self.log(&input.item.key, "cannot observe", &fault);
                self.tell(&input.item.key, &fault).await;
                Verdict::Faulted {
                    retry_after: fault.retry_after,
                }
            }
        };
        RoundEnd {
            verdict,
            memory,
            refreshed,
        }
    }
}

impl<S: Subject> Reconciler<S> {
    async fn observe(
        &self,
        input: &RoundInput,
        memory: &mut Memory,
        refreshed: &mut Vec<(KindId, ObjectKey)>,
    ) -> Observation<S> {
        let mut has_asked = false;
        loop {
            let view = self.view(&input.item);
            let observed = self.observe_once(&input.item.key, &view, memory).await;
            let stale = view.stale();
            if stale.is_empty() {
                if let Some(mistake) = view.mistake() {
                    return Observation::Failed(mistake);
                }
                if let Ok(Some(_)) = &observed {
                    self.caches.retain_interests(&input.item, &view.watched());
                }
                return match observed {
                    Ok(Some(observed)) => Observation::Complete(observed),
                    Ok(None) => Observation::Gone,
                    Err(fault) => Observation::Failed(fault),
                };
            }
            // Nothing that was seen beside a stale cache counts, not even a fault.
            let to_ask: BTreeSet<_> = stale
                .into_iter()
                .filter(|(kind, key)| input.is_patience_over || self.caches.is_unknown(*kind, key))
                .collect();
            if has_asked || to_ask.is_empty() {
                return Observation::Parked;
            }
            for (kind, key) in to_ask {
                if let Err(fault) = self.caches.refresh(&self.client, kind, &key).await {
                    return Observation::Failed(fault);
                }
                refreshed.push((kind, key));
            }
            has_asked = true;
        }
    }

    async fn observe_once(
        &self,
        key: &ObjectKey,
        view: &View,
        memory: &mut Memory,
    ) -> Result<Option<Observed<S>>, Fault> {
        let Kept::Full(store) = &self.cache.kept else {
            let fault = Fault::new(FaultClass::Environment, "KindNotWatched", "only metadata is kept");
            return Err(fault.on(describe::<S::Object>(key)));
        };
        view.note(Watched::Object(self.cache.id, key.clone()));
        let Some(object) = store
            .get(key)
            .filter(|object| !self.subject.is_left_alone(object))
        else {
            return Ok(None);
        };
        if !view.stale().is_empty() {
            return Ok(None); // our own object is behind: there is no point in looking at the others
        }
        if memory.uid != object.uid() {
            if memory.uid.is_some() {
                self.subject.gone(key);
            }
            *memory = Memory {
                uid: object.uid(),
                ..Memory::default()
            };
        }
        let observing = self
            .subject
            .observe(Arc::clone(&object), view, memory.last.as_deref());
        match timeout(OBSERVE_DEADLINE, observing).await {
            Ok(snapshot) => Ok(Some(Observed {
                object,
                snapshot: snapshot?,
            })),
            Err(_elapsed) => Err(Fault::new(
                FaultClass::Transient,
                "ObservationTimedOut",
                format!(
                    "reading the state took longer than {} s",
                    OBSERVE_DEADLINE.as_secs()
                ),
            )
            .on(describe::<S::Object>(key))),
        }
    }

    async fn act(&self, key: &ObjectKey, observed: Observed<S>, memory: &mut Memory) -> Verdict {
        let Observed { object, snapshot } = observed;
        // One moment for the whole round: what is rendered is what was decided.
        let now = self.clock.now();
        let decision = self.subject.decide(&snapshot, now);
        let performer = Performer {
            subject: &self.subject,
            snapshot: &snapshot,
            writer: &self.writer,
        };
        let report = execute(&decision.plan, &performer).await;
        memory.overtaken = if is_overtaken(&report) {
            memory.overtaken.saturating_add(1)
        } else {
            0
        };
        if (1..=MOST_OVERTAKEN).contains(&memory.overtaken) {
            tracing::debug!(controller = S::NAME, object = %key, times = memory.overtaken, "a write came too late");
            return Verdict::Conflicted;
        }
        for fault in report.faults() {
            self.log(key, "a step failed", fault);
        }
        let status = self.subject.status(&snapshot, &decision, &report, now);
        let state = status["state"].as_str();
        self.metrics.state(&S::Object::kind(&()), key, state);
        let written = self.report(key, &object, normalised(status), memory).await;
        let is_idle = report.outcomes.is_empty();
        let is_success = report.is_success();
        let retry_after = report.faults().filter_map(|fault| fault.retry_after).max();
        // The consequences of the last report are persisted with the status or must be drawn again.
        if !is_idle || written.is_ok() {
            memory.last = Some(Arc::new(report));
        }
        let has_written = match written {
            Ok(has_written) => has_written,
            Err(Unreported::Conflict) => return Verdict::Conflicted,
            Err(Unreported::Fault(fault)) => {
                self.log(key, "cannot write the status", &fault);
                return Verdict::Faulted {
                    retry_after: fault.retry_after.max(retry_after),
                };
            }
        };
        self.publish(&object, &decision.notices, now).await;
        if !is_success {
            return Verdict::Faulted { retry_after };
        }
        Verdict::Settled {
            requeue: decision.requeue,
            is_success: !is_idle || !has_written,
        }
    }

    /// Writes the status if it differs from what is there; says whether it was written.
    async fn report(
        &self,
        key: &ObjectKey,
        object: &S::Object,
        status: Value,
        memory: &mut Memory,
    ) -> Result<bool, Unreported> {
        let unreadable = |error: serde_json::Error| {
            let fault = Fault::new(FaultClass::Invalid, "NotSerializable", error.to_string());
            Unreported::Fault(fault.on(describe::<S::Object>(key)))
        };
        let present = status_of(object).map_err(unreadable)?;
        let version = self.writer.newest_version(object);
        if !is_due(&status, &present, memory.status)
            || self.caches.is_deleted_by_us::<S::Object>(key, &version.uid)
        {
            return Ok(false);
        }
        let writing = self.writer.apply_status::<S::Object>(key, &version, &status);
        match timeout(REPORT_DEADLINE, writing).await {
            Ok(Ok(written)) => {
                let result = status_of(&written).map_err(unreadable)?;
                memory.status = Some(Memo::new(&status, &result));
                Ok(true)
            }
            // Deleted meanwhile: the watch says so too.
            Ok(Err(StatusRefused::NotFound)) => Ok(false),
            Ok(Err(StatusRefused::Conflict)) => Err(Unreported::Conflict),
            Ok(Err(StatusRefused::Fault(fault))) => Err(Unreported::Fault(fault)),
            Err(_elapsed) => {
                let message = "the status patch was not answered in time";
                let fault = Fault::new(FaultClass::Transient, "Timeout", message);
                Err(Unreported::Fault(fault.on(describe::<S::Object>(key))))
            }
        }
    }

    async fn publish(&self, object: &S::Object, notices: &[Notice], now: Timestamp) {
        for notice in notices {
            let publishing = self.events.publish(object, notice, now);
            if timeout(REPORT_DEADLINE, publishing).await.is_err() {
                tracing::warn!(
                    reason = notice.reason,
                    "publishing an event was not answered in time"
                );
            }
        }
    }

    /// Without a snapshot there is no status to say what is wrong, so an Event does, unless it passes.
    async fn tell(&self, key: &ObjectKey, fault: &Fault) {
        let Kept::Full(store) = &self.cache.kept else {
            return;
        };
        if fault.class == FaultClass::Transient {
            return;
        }
        if let Some(object) = store.get(key) {
            let notice = Notice::warning(fault.code.clone(), fault.to_string());
            self.publish(&object, &[notice], self.clock.now()).await;
        }
    }

    fn view(&self, item: &Item) -> View {
        View::new(Arc::clone(&self.caches), self.client.clone(), item.clone())
    }

    #[allow(clippy::unused_self, reason = "reads as a part of the controller")]
    fn log(&self, key: &ObjectKey, what: &'static str, fault: &Fault) {
        tracing::warn!(
            controller = S::NAME,
            object = %key,
            class = fault.class.name(),
            code = fault.code,
            %fault,
            "{what}"
        );
    }
}

/// Whether nothing but writes that came too late keeps a plan from being done: decided again on what there is now,
/// it is another plan.
fn is_overtaken(report: &Report) -> bool {
    !report.is_success()
        && report.outcomes.values().all(|outcome| match outcome {
            Outcome::Done | Outcome::Skipped { .. } => true,
            Outcome::Failed(fault) => fault::is_overtaken(fault),
            Outcome::TimedOut => false,
        })
}

/// Why the status is not written.
enum Unreported {
    Conflict,
    Fault(Fault),
}

/// A [`Subject`] with its snapshot as what carries out its plan.
struct Performer<'a, S: Subject> {
    subject: &'a S,
    snapshot: &'a S::Snapshot,
    writer: &'a Writer,
}

#[async_trait]
impl<S: Subject> Actuator<S::Command> for Performer<'_, S> {
    async fn run(&self, command: &S::Command) -> Result<(), Fault> {
        self.subject.perform(command, self.snapshot, self.writer).await
    }
}
