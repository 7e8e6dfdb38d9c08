//! `kecs serve`.

use std::sync::Arc;

use anyhow::Result;
use clock::Clock;
use kecs_controller::{Controller, Settings};
use kecs_core::scheduler::Pace;
use kecs_server::access::{Access, Home, KeyRing};
use kecs_server::fallback::Fallback;
use kecs_server::measured::Measured;
use kecs_server::metrics::Metrics;
use kecs_server::request_id::{RequestIds, seed};
use kecs_server::server::{Running, Setup};
use kecs_server::traced::{Origins, Traced};
use kecs_sim::SimulatedPlane;

use crate::config::{Auth, Config};
use crate::logs::Logs;
use crate::{process, store};

/// Runs a server until the process is asked to stop.
pub(crate) async fn run(config: Config) -> Result<()> {
    let logs = Logs::init(&config.log, config.log_format, config.otlp_endpoint.as_deref())?;
    let stop = process::stop_signal()?;
    let stopped_tasks = config.stopped_tasks;
    let setup = setup(config)?;
    let (store, plane, clock) = (
        Arc::clone(&setup.store),
        Arc::clone(&setup.plane),
        setup.clock.clone(),
    );
    let running = Running::start(setup).await?;
    let settings = Settings {
        stopped_tasks,
        seed: seed(uuid::Uuid::new_v4()),
        pace: Pace::default(),
    };
    let engine = store.engine();
    let controller = Controller::start(store, plane, clock, settings).await?;
    process::print(&format!("KECS answers on {}\n", running.endpoint))?;
    tracing::info!(
        address = %running.address,
        admin = running.admin_address.map(tracing::field::display),
        engine,
        "started"
    );
    stop.await;
    tracing::info!("stopping");
    running.stop().await;
    controller.shutdown().await;
    tracing::info!("stopped");
    logs.flush().await;
    Ok(())
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
