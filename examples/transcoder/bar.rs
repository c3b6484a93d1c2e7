//! A progress bar on the terminal.

use std::time::Duration;

/// How many signs the bar has.
const WIDTH: u64 = 40;

/// The bar of one job. It is drawn anew on its line whenever there is another percent.
#[derive(Debug)]
pub(crate) struct Bar {
    name: String,
    whole: Duration,
    percent: Option<u64>,
}

impl Bar {
    /// Draws an empty bar for a video as long as `whole`.
    pub(crate) fn new(name: &str, whole: Duration) -> Self {
        let mut bar = Self { name: name.to_owned(), whole, percent: None };
        bar.draw(0);
        bar
    }

    /// Shows that the video is done up to `position`; what is not the end has 99 percent at most.
    pub(crate) fn advance(&mut self, position: Duration) {
        let whole = self.whole.as_millis().max(1);
        let percent = u64::try_from(position.as_millis() * 100 / whole).unwrap_or(u64::MAX);
        self.draw(percent.min(99));
    }

    /// Shows that all is done, and leaves the line.
    pub(crate) fn finish(mut self) {
        self.draw(100);
    }

    fn draw(&mut self, percent: u64) {
        if self.percent.is_none_or(|drawn| drawn < percent) {
            let done = percent * WIDTH / 100;
            let (done, left) = ("#".repeat(done as usize), "-".repeat((WIDTH - done) as usize));
            eprint!("\r{} [{done}{left}] {percent:>3} %", self.name);
            self.percent = Some(percent);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        eprintln!();
    }
}
