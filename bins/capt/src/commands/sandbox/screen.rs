//! Where the view goes: a tree on a terminal, lines elsewhere.

use std::io::{IsTerminal as _, stderr, stdin, stdout};
use std::time::Duration;

use anyhow::Result;
use capt_picture::Picture;
use capt_sandbox::watch::{Change, Journal, clock, render};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::output;

/// The width of a terminal that does not say how wide it is.
const WIDTH: usize = 100;

/// One of the two standard streams for output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl Stream {
    fn write(self, text: &str) -> Result<()> {
        match self {
            Self::Out => output::print(text),
            Self::Err => output::note(text),
        }
    }
}

/// Shows what happens.
pub(in crate::commands) enum Screen {
    /// One line for each change.
    Lines {
        /// Where they go.
        stream: Stream,
        /// What was said.
        journal: Journal,
    },
    /// A tree that is drawn anew.
    Tree {
        /// Where it is drawn.
        stream: Stream,
        /// Draws it.
        area: ProgressBar,
        /// As long as the tree is drawn.
        _silence: Silence,
    },
}

impl Screen {
    /// A tree if the stream is a terminal, else lines.
    pub(in crate::commands) fn new(stream: Stream) -> Self {
        let (is_terminal, target) = match stream {
            Stream::Out => (stdout().is_terminal(), ProgressDrawTarget::stdout()),
            Stream::Err => (stderr().is_terminal(), ProgressDrawTarget::stderr()),
        };
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if !is_terminal || is_dumb {
            return Self::Lines {
                stream,
                journal: Journal::default(),
            };
        }
        let area = ProgressBar::with_draw_target(None, target);
        area.set_style(ProgressStyle::with_template("{msg}").expect("the template is sound"));
        Self::Tree {
            stream,
            area,
            _silence: Silence::begin(),
        }
    }

    /// Shows one change.
    pub(in crate::commands) fn show(
        &mut self,
        change: &Change,
        picture: &Picture,
        elapsed: Duration,
    ) -> Result<()> {
        match self {
            Self::Lines { stream, journal } => {
                let Some(line) = journal.note(change, elapsed) else {
                    return Ok(());
                };
                stream.write(&format!("{line}\n"))
            }
            Self::Tree { .. } => {
                self.redraw(picture, elapsed);
                Ok(())
            }
        }
    }

    /// Draws the tree with the time as it is now.
    pub(in crate::commands) fn redraw(&self, picture: &Picture, elapsed: Duration) {
        if let Self::Tree { stream, area, .. } = self {
            let mut lines = render(picture, width(*stream));
            lines.push(format!("{} elapsed", clock(elapsed)));
            area.set_message(lines.join("\n"));
        }
    }

    /// Leaves the last tree where it is and the cursor below it.
    pub(in crate::commands) fn finish(&self) -> Result<()> {
        match self {
            Self::Lines { .. } => Ok(()),
            Self::Tree { stream, area, .. } => {
                area.abandon();
                stream.write("\n")
            }
        }
    }
}

fn width(stream: Stream) -> usize {
    let size = match stream {
        Stream::Out => rustix::termios::tcgetwinsize(stdout()),
        Stream::Err => rustix::termios::tcgetwinsize(stderr()),
    };
    // Some terminals have no size.
    let columns = size
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns > 0);
    columns.unwrap_or(WIDTH)
}

/// While this lives, the terminal does not print `^C` for Ctrl-C: it would stand in the tree, move the cursor, and what
/// is drawn next would be a line too low.
pub(in crate::commands) struct Silence(Option<Termios>);

impl Silence {
    fn begin() -> Self {
        let Ok(before) = tcgetattr(stdin()) else {
            return Self(None);
        };
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHOCTL);
        let is_set = tcsetattr(stdin(), OptionalActions::Now, &silent).is_ok();
        Self(is_set.then_some(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // A terminal that is gone needs no restoring.
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
    }
}
