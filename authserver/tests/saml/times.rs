//! The edges of time.

use crate::files::{EXPECTED, NOW, check, pinned, read};
use bearward::saml::{Expected, Refused};

const UNTIL: i64 = NOW + 300;
const FROM: i64 = NOW - 60;

fn at(now: i64) -> Result<(), Refused> {
    check(&read("accepted", "by-hand"), &pinned(), &Expected { now, ..EXPECTED }).map(drop)
}

pub(crate) fn ends_when_it_says() {
    assert_eq!(at(UNTIL + EXPECTED.skew - 1), Ok(()));
    assert_eq!(at(UNTIL + EXPECTED.skew), Err(Refused::Claims("its Conditions do not hold now")));
}

pub(crate) fn begins_when_it_says() {
    assert_eq!(at(FROM - EXPECTED.skew), Ok(()));
    assert_eq!(at(FROM - EXPECTED.skew - 1), Err(Refused::Claims("its Conditions do not hold now")));
}
