//! Rows of a form, as many as somebody needs, without scripts: fields are numbered, the last row is empty, and a button sends
//! the form to get another one or to be rid of one. Nothing is stored by that, and nothing that was typed is lost.

use crate::http::params::Params;

/// The most rows that are read.
const MOST: usize = 64;

/// What a button asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// One row more.
    Add,
    /// Without this one.
    Remove(usize),
}

/// What `do` asks of these rows: `claim-add`, or `claim-remove 2`.
pub(super) fn asked(of: &str, what: &str) -> Option<Ask> {
    let rest = what.strip_prefix(of)?;
    match rest.strip_prefix("-remove ") {
        Some(number) => number.parse().ok().map(Ask::Remove),
        None => (rest == "-add").then_some(Ask::Add),
    }
}

/// The name of a field of a row, from 0 on: `claim name 2`.
pub(super) fn field(of: &str, part: &str, row: usize) -> String {
    format!("{of} {part} {row}")
}

/// Every row that was sent.
pub(super) fn read<const N: usize>(form: &Params, of: &str, parts: &[&str; N]) -> Vec<[String; N]> {
    let sent = |row: usize| parts.iter().any(|part| form.has(&field(of, part, row)));
    let row = |row| parts.map(|part| form.get(&field(of, part, row)).unwrap_or_default().to_owned());
    (0..MOST).filter(|number| sent(*number)).map(row).collect()
}

/// Does what was asked.
pub(super) fn change<T: Default>(rows: &mut Vec<T>, ask: Ask) {
    match ask {
        Ask::Add => rows.push(T::default()),
        Ask::Remove(number) if number < rows.len() => drop(rows.remove(number)),
        Ask::Remove(_) => {}
    }
}
