//! `capt describe`: how a cluster stands, why, and what to do next.

use std::io::stdout;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use capt_picture::page::Look;
use capt_picture::{Options, Page};
use capt_runtime::Clock;
use jiff::Timestamp;

use crate::cli::{ConnectionArgs, DescribeArgs, PageFormat};
use crate::connect::Session;
use crate::gather::{self, Events, Gathered};
use crate::output;

/// Describes a cluster.
pub(crate) async fn run(connection: &ConnectionArgs, args: &DescribeArgs, program: &str) -> Result<ExitCode> {
    let session = Session::new(connection).await?;
    let gathered = gather::cluster(&session, &args.name, Events::Wanted).await?;
    let page = page(&gathered, program, Clock::system().now());
    let look = Look {
        width: output::width(&stdout()),
        color: output::is_colored(&stdout()),
        all_conditions: args.show_conditions,
    };
    output::print(&render(&page, args.output, look)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The page about what was gathered.
pub(crate) fn page(gathered: &Gathered, program: &str, now: Timestamp) -> Page {
    // Nothing that is shown is finer than a second.
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let options = Options {
        now,
        program,
        happenings: &gathered.happenings,
        gaps: &gathered.gaps,
    };
    Page::new(&gathered.picture, &gathered.cluster, &options)
}

/// A page in one of its forms.
pub(crate) fn render(page: &Page, format: PageFormat, look: Look) -> Result<String> {
    Ok(match format {
        PageFormat::Text => page.text(look),
        PageFormat::Json => {
            let text = serde_json::to_string_pretty(page).context("write the page as JSON")?;
            format!("{text}\n")
        }
        PageFormat::Yaml => serde_saphyr::to_string(page).context("write the page as YAML")?,
    })
}
