//! `kecs serve`.

use std::pin::{Pin, pin};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clock::Clock;
use futures::future::poll_immediate;
use kecs_controller::{Controller, Settings};
use kecs_core::plane::DataPlane;
use kecs_core::scheduler::Pace;
use kecs_server::access::{Access, Home, KeyRing};
use kecs_server::fallback::Fallback;
use kecs_server::measured::Measured;
use kecs_server::metrics::Metrics;
use kecs_server::request_id::{RequestIds, seed};
use kecs_server::server::{Running, Setup};
use kecs_server::traced::{Origins, Traced};
use kecs_sim::SimulatedPlane;
use kecs_store::{Lead, Store};

use crate::config::{Auth, Config, Engine};
use crate::logs::Logs;
use crate::{process, store};

/// Runs a server until the process is asked to stop, or no longer leads.
pub(crate) async fn run(config: Config) -> Result<()> {
    let logs = Logs::init(&config.log, config.log_format, config.otlp_endpoint.as_deref())?;
    let mut stop = pin!(process::stop_signal()?);
    let settings = Settings {
        stopped_tasks: config.stopped_tasks,
        seed: seed(uuid::Uuid::new_v4()),
        pace: Pace::default(),
    };
    let setup = setup(config)?;
    let engine = setup.store.engine();
    let leader = Leader {
        store: Arc::clone(&setup.store),
        plane: Arc::clone(&setup.plane),
        clock: setup.clock.clone(),
        metrics: setup.metrics.clone(),
        settings,
    };
    let running = Running::start(setup).await?;
    process::print(&format!("KECS answers on {}\n", running.endpoint))?;
    tracing::info!(
        address = %running.address,
        admin = running.admin_address.map(tracing::field::display),
        engine,
        "started"
    );
    // It answers already: who leads makes no difference to that.
    let lead = tokio::select! {
        biased;
        () = &mut stop => None,
        lead = leader.lead() => Some(lead?),
    };
    match lead {
        Some(lead) => leader.work(lead, running, stop).await?,
        None => stop_answering(running).await,
    }
    tracing::info!("stopped");
    logs.flush().await;
    Ok(())
}

async fn stop_answering(running: Running) {
    tracing::info!("stopping");
    running.stop().await;
}

/// What only one of the servers upon a store does.
struct Leader {
    store: Arc<dyn Store>,
    plane: Arc<dyn DataPlane>,
    clock: Clock,
    metrics: Metrics,
    settings: Settings,
}

impl Leader {
    /// Waits until this server is that one.
    async fn lead(&self) -> Result<Lead> {
        let mut lead = self.store.lead();
        if let Some(lead) = poll_immediate(&mut lead).await {
            return Ok(lead?);
        }
        tracing::info!("waiting to lead");
        Ok(lead.await?)
    }

    /// Keeps services and tasks as they should be, until the process is asked to stop.
    ///
    /// When the lead is lost, another server may have it already. This one ends at once then, with an error and without
    /// finishing anything, so that the two do not work side by side.
    async fn work(
        self,
        lead: Lead,
        running: Running,
        stop: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<()> {
        tracing::info!("leading");
        let controller = Controller::start(self.store, self.plane, self.clock, self.settings).await?;
        self.metrics.leads();
        let until_stopped = async {
            stop.await;
            stop_answering(running).await;
            controller.shutdown().await;
        };
        tokio::select! {
            biased;
            why = lead.lost() => {
                tracing::error!("the lead is lost: {why}");
                Err(why).context("this server no longer leads")
            }
            () = until_stopped => Ok(()),
        }
    }
}

fn setup(config: Config) -> Result<Setup> {
    let metrics = Metrics::new();
    let clock = Clock::system();
    let access = match &config.auth {
        Auth::Open => Access::Open,
        Auth::Keys(path) => Access::Keys(KeyRing::read(path)?),
    };
    let fallback = config.fallback.as_deref().map(Fallback::new).transpose()?;
    let origins = Origins::default();
    if let Engine::Postgres(_) = config.engine {
        // For the audit log: the records are elsewhere.
        store::make_directory(&config.data_dir)?;
    }
    let opened = store::open_cached(&config.engine, config.cache_entries, config.cache_ttl)?;
    let plane = SimulatedPlane::new(config.durations, config.capacity, clock.clone());
    Ok(Setup {
        store: Arc::new(Measured::new(opened.store, metrics.clone(), origins.clone())),
        plane: Arc::new(Traced::new(Arc::new(plane), origins)),
        listen: config.listen,
        admin_listen: config.admin_listen,
        endpoint: config.endpoint,
        access,
        home: Home {
            account: config.account,
            region: config.region,
        },
        fallback,
        max_body: config.max_body,
        audit: config.audit,
        upkeep: config.upkeep,
        grace: config.grace,
        metrics,
        refresh: opened.refresh,
        clock,
        ids: RequestIds::random(),
    })
}
