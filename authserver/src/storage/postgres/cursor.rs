//! The feed's cursor on PostgreSQL, as text: `[a-z0-9.:_-]`, so that it needs no escapes in a URL.
//!
//! `p1.<identity>.<seen>` after everything up to a snapshot was read, `p1.<identity>.<seen>.<target>.<xid>.<key>` in the
//! middle of reading from one snapshot (`_`: from none) to another. Numbers are in base 36; a snapshot is
//! `xmin:xmax:` and the transactions open between the two, each as the distance from the one before.

use bearward_token::feed::MAX_CURSOR;

const VERSION: &str = "p1";
/// A cursor holds two snapshots and little else.
const MAX_SNAPSHOT: usize = MAX_CURSOR / 2 - 100;

/// What a transaction can see: all that committed before `xmin`, of the later ones below `xmax` those not in `open`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snapshot {
    xmin: u64,
    xmax: u64,
    open: Vec<u64>,
}

/// Where a follower is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Which database gave it; text of letters, digits and `-`.
    pub(super) identity: String,
    /// What it has read completely; `None`: nothing yet.
    pub(super) seen: Option<Snapshot>,
    /// How far it is in reading up to the next snapshot.
    pub(super) reading: Option<Reading>,
}

/// A reading of several pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// What it will have read after the last page: the snapshot of the first one.
    pub(super) target: Snapshot,
    /// The row after which it goes on.
    pub(super) xid: u64,
    /// The key of that row.
    pub(super) key: i64,
}

impl Snapshot {
    /// From PostgreSQL's text.
    pub(super) fn from_sql(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (Some(xmin), Some(xmax), Some(open), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let open = open.split(',').filter(|x| !x.is_empty()).map(|x| x.parse().ok()).collect::<Option<Vec<u64>>>()?;
        Self { xmin: xmin.parse().ok()?, xmax: xmax.parse().ok()?, open }.checked()
    }

    /// PostgreSQL's text.
    pub(super) fn to_sql(&self) -> String {
        let open: Vec<String> = self.open.iter().map(u64::to_string).collect();
        format!("{}:{}:{}", self.xmin, self.xmax, open.join(","))
    }

    /// Every transaction with a lower number is seen, or never committed; at least 3.
    pub(super) fn all_before(&self) -> u64 {
        self.xmin
    }

    /// Whether this is later than anything that happened before the other was taken.
    pub(super) fn is_ahead_of(&self, now: &Self) -> bool {
        self.xmax > now.xmax
    }

    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(':').map(parse36);
        let (xmin, xmax) = (numbers.next()??, numbers.next()??);
        let mut open = Vec::new();
        let mut last = xmin;
        for distance in numbers {
            last = last.checked_add(distance?)?;
            open.push(last);
        }
        Self { xmin, xmax, open }.checked()
    }

    /// Only what PostgreSQL itself would write, so that it never refuses a cursor.
    fn checked(self) -> Option<Self> {
        let ordered = self.open.is_sorted_by(|a, b| a < b);
        let within = self.open.iter().all(|x| (self.xmin..self.xmax).contains(x));
        let valid = self.xmin > 2 && self.xmin <= self.xmax && self.xmax <= i64::MAX.cast_unsigned();
        (ordered && within && valid).then_some(self)
    }

    /// Writes the snapshot. One with so many open transactions that it does not fit is cut where they become too many: it
    /// then counts as seen less than was, so some entries come again. None is ever skipped.
    fn write(&self, out: &mut String) {
        let end = out.len() + MAX_SNAPSHOT;
        let mut list = String::new();
        let mut last = self.xmin;
        let mut xmax = self.xmax;
        for &xid in &self.open {
            let mut next = String::from(":");
            write36(xid - last, &mut next);
            // 30: room for the two numbers in front.
            if out.len() + list.len() + next.len() + 30 > end {
                xmax = xid;
                break;
            }
            list.push_str(&next);
            last = xid;
        }
        write36(self.xmin, out);
        out.push(':');
        write36(xmax, out);
        out.push_str(&list);
    }
}

impl Cursor {
    /// `None` for anything that [`Cursor::write`] does not write.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        if parts.next()? != VERSION {
            return None;
        }
        let identity = parts.next()?.to_owned();
        let seen = match parts.next()? {
            "_" => None,
            text => Some(Snapshot::parse(text)?),
        };
        let reading = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (None, ..) => None,
            (Some(target), Some(xid), Some(key), None) => Some(Reading {
                target: Snapshot::parse(target)?,
                xid: parse36(xid).filter(|x| *x <= i64::MAX.cast_unsigned())?,
                key: parse36(key)?.cast_signed(),
            }),
            _ => return None,
        };
        (seen.is_some() || reading.is_some()).then_some(Self { identity, seen, reading })
    }

    /// The text that a follower sends back.
    pub(super) fn write(&self) -> String {
        let mut out = format!("{VERSION}.{}.", self.identity);
        match &self.seen {
            Some(seen) => seen.write(&mut out),
            None => out.push('_'),
        }
        if let Some(Reading { target, xid, key }) = &self.reading {
            out.push('.');
            target.write(&mut out);
            out.push('.');
            write36(*xid, &mut out);
            out.push('.');
            write36(key.cast_unsigned(), &mut out);
        }
        out
    }
}

fn write36(mut number: u64, out: &mut String) {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((number % 36) as u32, 36).unwrap_or('0'));
        number /= 36;
        if number == 0 {
            break;
        }
    }
    out.extend(digits.iter().rev());
}

/// Lower case only and without a sign, so that one number has one text.
fn parse36(text: &str) -> Option<u64> {
    let clean = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
    clean.then(|| u64::from_str_radix(text, 36).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn snapshots() -> impl Strategy<Value = Snapshot> {
        (3_u64..1 << 40, prop::collection::btree_set(0_u64..100_000, 0..300), 0_u64..1000).prop_map(
            |(xmin, open, more)| {
                let open: Vec<u64> = open.into_iter().map(|x| xmin + x).collect();
                let xmax = open.last().map_or(xmin, |x| x + 1) + more;
                Snapshot { xmin, xmax, open }
            },
        )
    }

    #[test]
    fn a_cursor_with_thousands_of_open_transactions_fits_and_claims_less() {
        let open: Vec<u64> = (0..5000).map(|i| 1_000_000 + i * 7).collect();
        let snapshot = Snapshot { xmin: 1_000_000, xmax: 2_000_000, open };
        let reading = Some(Reading { target: snapshot.clone(), xid: i64::MAX.cast_unsigned(), key: -1 });
        let cursor = Cursor { identity: "e".repeat(60), seen: Some(snapshot.clone()), reading };
        let text = cursor.write();
        assert!(text.len() <= MAX_CURSOR, "{}", text.len());
        let read = Cursor::parse(&text).unwrap().seen.unwrap();
        assert!(read.open.len() > 300 && read.xmax < snapshot.xmax);
        let visible = |s: &Snapshot, xid| xid < s.xmin || (xid < s.xmax && s.open.binary_search(&xid).is_err());
        for xid in (990_000..2_010_000).step_by(3) {
            assert!(!visible(&read, xid) || visible(&snapshot, xid), "{xid} claimed as seen");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            seen in prop::option::of(snapshots()), target in snapshots(), xid in 0_u64..1 << 62, key: i64, paging: bool,
        ) {
            prop_assume!(seen.is_some() || paging);
            let reading = paging.then_some(Reading { target, xid, key });
            let cursor = Cursor { identity: "0a-1b".to_owned(), seen, reading };
            let text = cursor.write();
            prop_assert!(text.len() <= MAX_CURSOR);
            prop_assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".:_-".contains(&b)));
            prop_assert_eq!(Cursor::parse(&text), Some(cursor));
        }

        #[test]
        fn sql_text_comes_back(snapshot in snapshots()) {
            prop_assert_eq!(Snapshot::from_sql(&snapshot.to_sql()), Some(snapshot));
        }

        #[test]
        fn no_text_panics(text in "(p1\\.)?[a-z0-9.:_-]{0,60}") {
            if let Some(cursor) = Cursor::parse(&text) {
                prop_assert!(cursor.write().len() <= MAX_CURSOR.max(text.len()));
            }
        }
    }
}
