//! Logs on standard error, and traces to a collector.

use std::io::IsTerminal as _;

use anyhow::{Context, Result};
use telemetry::LogFormat;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// What is to be sent before the process ends.
pub(crate) struct Logs {
    #[cfg(feature = "otlp")]
    provider: Option<opentelemetry_sdk::trace::SdkTracerProvider>,
}

impl Logs {
    /// Sends logs to standard error, and traces to the endpoint. `filter` has the form of `RUST_LOG`.
    pub(crate) fn init(filter: &str, format: LogFormat, otlp_endpoint: Option<&str>) -> Result<Self> {
        let parsed = EnvFilter::try_new(filter).with_context(|| format!("read the log filter `{filter}`"))?;
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr);
        let lines = match format {
            LogFormat::Text => lines.boxed(),
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
        };
        let registry = tracing_subscriber::registry().with(parsed).with(lines);
        #[cfg(feature = "otlp")]
        {
            let provider = otlp_endpoint.map(provider).transpose()?;
            let traces = provider.as_ref().map(|provider| {
                let tracer = opentelemetry::trace::TracerProvider::tracer(provider, "kecs");
                tracing_opentelemetry::layer().with_tracer(tracer)
            });
            registry.with(traces).try_init().context("set up logs")?;
            Ok(Self { provider })
        }
        #[cfg(not(feature = "otlp"))]
        {
            anyhow::ensure!(
                otlp_endpoint.is_none(),
                "this build sends no traces: it was built without the feature `otlp`"
            );
            registry.try_init().context("set up logs")?;
            Ok(Self {})
        }
    }

    /// Sends what is left. A collector that is away is not waited for.
    #[allow(clippy::unused_async, reason = "without traces there is nothing to send")]
    pub(crate) async fn flush(self) {
        #[cfg(feature = "otlp")]
        if let Some(provider) = self.provider {
            // It blocks until the collector has answered.
            let sent = tokio::task::spawn_blocking(move || provider.shutdown()).await;
            if !matches!(sent, Ok(Ok(()))) {
                tracing::warn!("the last traces could not be sent");
            }
        }
    }
}

#[cfg(feature = "otlp")]
fn provider(endpoint: &str) -> Result<opentelemetry_sdk::trace::SdkTracerProvider> {
    use opentelemetry_otlp::WithExportConfig as _;
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::runtime::Tokio;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor;

    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .build()
        .context("set up traces")?;
    Ok(SdkTracerProvider::builder()
        .with_span_processor(BatchSpanProcessor::builder(exporter, Tokio).build())
        .with_resource(Resource::builder().with_service_name("kecs").build())
        .build())
}
