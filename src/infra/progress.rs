//! The progress bar of a run, on stderr and only where that is a terminal.
//!
//! Words come from the caller; elsewhere than on a terminal nothing is drawn.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Below so many columns the bar is short.
const ROOMY: usize = 80;

/// Columns of the terminal on stderr; `None` = it is none, or does not say.
pub fn columns() -> Option<usize> {
    #[cfg(unix)]
    let columns = rustix::termios::tcgetwinsize(std::io::stderr()).ok().map(|size| usize::from(size.ws_col));
    #[cfg(not(unix))]
    let columns: Option<usize> = None;
    columns.filter(|columns| *columns > 0)
}

/// A bar over the iterations of a run.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Starts a bar over so many iterations, `done` of which are there already.
    pub fn start(total: u64, done: u64) -> Self {
        // The target draws nothing where stderr is no terminal.
        Self::on(ProgressDrawTarget::stderr(), total, done)
    }

    /// Starts a bar that draws nothing (`--quiet`).
    pub fn hidden() -> Self {
        Self::on(ProgressDrawTarget::hidden(), 0, 0)
    }

    fn on(target: ProgressDrawTarget, total: u64, done: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), target).with_position(done);
        let width = if columns().is_some_and(|columns| columns < ROOMY) { 8 } else { 30 };
        // The message is cut where the line ends; a second line would stay on the screen.
        let template = format!("[{{bar:{width}}}] {{pos}}/{{len}} {{elapsed_precise}} {{wide_msg}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message("the first iteration is under way");
        if !bar.is_hidden() {
            // Between two iterations the elapsed time shows that the run continues.
            bar.enable_steady_tick(Duration::from_secs(1));
        }
        Self { bar }
    }

    /// Whether anything is drawn.
    pub fn is_drawn(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// So many iterations are done. `text` follows the bar: ETA, verdict so far.
    pub fn step(&self, done: u64, text: String) {
        self.bar.set_position(done);
        self.bar.set_message(text);
    }

    /// A line above the bar. Drawn only where the bar is; the caller writes it elsewhere otherwise.
    pub fn line(&self, text: &str) {
        self.bar.println(text);
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// `ETA 1:55:00, so far PASS`: what follows the bar and the elapsed time. `left` is `None` where it is
/// not known.
pub fn text(left: Option<Duration>, verdict: &str) -> String {
    let left = left.map_or_else(|| "?".to_owned(), clock);
    format!("ETA {left}, so far {verdict}")
}

/// Hours, minutes, seconds.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_hours_minutes_and_seconds() {
        let seconds = Duration::from_secs;
        assert_eq!(text(Some(seconds(6900)), "PASS"), "ETA 1:55:00, so far PASS");
        assert_eq!(text(Some(seconds(259_199)), "FAIL"), "ETA 71:59:59, so far FAIL");
        assert_eq!(text(None, "WARN"), "ETA ?, so far WARN");
    }

    #[test]
    fn without_a_terminal_nothing_is_drawn_and_nothing_fails() {
        let progress = Progress::hidden();
        progress.step(1, "x".to_owned());
        progress.line("y");
        progress.finish();
        assert!(!progress.is_drawn());
    }
}
