//! A bar that fills while a file is read: on a terminal only, and on standard error, so that nothing else is disturbed.

use std::io::{IsTerminal as _, Write as _};

/// How wide the bar is, in letters.
const WIDTH: u64 = 30;

/// A bar.
pub(super) struct Progress {
    /// How much there is; 0 if nobody knows.
    total: u64,
    shown: bool,
    terminal: bool,
}

impl Progress {
    /// For so many bytes; 0 if that is not known.
    pub(super) fn new(total: u64) -> Self {
        Self { total, shown: false, terminal: std::io::stderr().is_terminal() }
    }

    /// Shows how far it is, in bytes, with a few words; a line of its own where there is no terminal.
    pub(super) fn show(&mut self, done: u64, words: &str) {
        if !self.terminal {
            eprintln!("{words}");
            return;
        }
        self.shown = true;
        eprint!("\r{} {words}\x1b[K", bar(done, self.total));
        // What cannot be shown is not missed.
        let _ = std::io::stderr().flush();
    }

    /// Takes the bar away.
    pub(super) fn end(&mut self) {
        if std::mem::take(&mut self.shown) {
            eprint!("\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

fn bar(done: u64, total: u64) -> String {
    let Some(percent) = done.min(total).saturating_mul(100).checked_div(total) else { return String::new() };
    let full = percent.saturating_mul(WIDTH) / 100;
    let part = |letter: &str, many: u64| letter.repeat(usize::try_from(many).unwrap_or(0));
    format!("[{}{}] {percent:>3} %", part("#", full), part("-", WIDTH.saturating_sub(full)))
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn a_bar_fills() {
        assert_eq!(bar(0, 0), "");
        assert_eq!(bar(0, 7), format!("[{}]   0 %", "-".repeat(30)));
        assert_eq!(bar(1, 2), format!("[{}{}]  50 %", "#".repeat(15), "-".repeat(15)));
        assert_eq!(bar(9, 7), format!("[{}] 100 %", "#".repeat(30)));
    }
}
