//! Lists as people read them: a table with aligned columns. Scripts ask for `--json`.

use crate::pages::when;
use comfy_table::{Table, presets};

/// Prints a table; an empty cell is a dash.
pub(super) fn print<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
    println!("{}", text(head, rows));
}

/// A moment as a cell: in UTC, to the second.
pub(super) fn at(seconds: i64) -> String {
    when(seconds).machine()
}

/// The same where there may be none.
pub(super) fn at_or_none(seconds: Option<i64>) -> String {
    seconds.map(at).unwrap_or_default()
}

fn text<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head);
    for row in rows {
        table.add_row(row.map(|cell| if cell.is_empty() { "-".to_owned() } else { plain(&cell) }));
    }
    let lines: Vec<_> = table.lines().map(|line| line.trim().to_owned()).collect();
    lines.join("\n")
}

/// A terminal obeys control characters, and whoever registers a client chooses its name.
pub(super) fn plain(cell: &str) -> String {
    cell.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_names() {
        let rows = [["a".to_owned(), String::new()], ["longer".to_owned(), "wörter 日本".to_owned()]];
        assert_eq!(text(["name", "words"], rows), "name    words\na       -\nlonger  wörter 日本");
    }

    #[test]
    fn a_name_commands_no_terminal() {
        let evil = ["\u{1b}[2J\nx".to_owned()];
        assert_eq!(text(["name"], [evil]), "name\n\u{fffd}[2J\u{fffd}x");
    }

    #[test]
    fn moments_are_in_utc() {
        assert_eq!(at_or_none(Some(1_800_000_000)), "2027-01-15T08:00:00Z");
        assert_eq!(at_or_none(None), "");
    }
}
