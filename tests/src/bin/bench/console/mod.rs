//! How quick the console's pages are where there is much: 50,000 clients, 1,000,000 grants. Every page, by an
//! administrator who signed in through the form, over HTTP, on a real PostgreSQL.

mod fill;
mod pages;
mod report;
mod visitor;

use crate::say;
use bearward_tests::Result;
use bearward_tests::authserver::Alone;
use bearward_tests::pg::Postgres;
use bearward_tests::stack::Parts;
use pages::{PAGES, Page};
pub(crate) use report::section;
use std::time::Duration;
use visitor::Visitor;

/// How often each page is asked for; each time about another object, another place of the list.
const TIMES: u64 = 200;

/// What one page took.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    page: &'static Page,
    /// From the request until the last byte of the page.
    times: Vec<Duration>,
    /// The longest page, in bytes.
    bytes: usize,
}

pub(crate) async fn measure(parts: &Parts) -> Result<Vec<Figure>> {
    let postgres = Postgres::start()?;
    let database = postgres.database()?;
    let alone = Alone::on(parts.authserver.clone(), database.clone()).await?;
    say("console: filling the database");
    fill::fill(&postgres, &database)?;
    let visitor = Visitor::sign_in(&alone.url).await?;
    // In turns, so that what slows the machine down slows all pages down; the first turn warms up and does not count.
    let mut figures: Vec<Figure> = PAGES.iter().map(|page| Figure { page, times: Vec::new(), bytes: 0 }).collect();
    for turn in 0..=TIMES {
        if turn % 50 == 1 {
            say(&format!("console: turn {turn} of {TIMES}"));
        }
        for figure in &mut figures {
            let (took, bytes) = visitor.visit(figure.page, turn).await?;
            if turn > 0 {
                figure.times.push(took);
                figure.bytes = figure.bytes.max(bytes);
            }
        }
    }
    Ok(figures)
}
