//! Durations as people write them: `300`, `300.0`, `"300s"`, `"5m"`, `"1.5s"`, `"250ms"`.

use serde_json::Value;
use std::fmt;

/// Three centuries.
const MOST_MS: u64 = 10_000_000_000_000;

/// A duration, in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span(u64);

impl Span {
    pub(super) const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub(super) fn millis(self) -> u64 {
        self.0
    }

    /// From a count of units; `None` if it is negative, not a number, or centuries.
    fn from_units(count: f64, unit_ms: f64) -> Option<Self> {
        let millis = (count * unit_ms).round();
        // In this range the conversion is exact.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        (0.0..=MOST_MS as f64).contains(&millis).then_some(Self(millis as u64))
    }

    fn parse(text: &str) -> Option<Self> {
        let digits = text.len().saturating_sub(text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len());
        let (count, unit) = text.split_at_checked(digits)?;
        let unit_ms: u64 = match unit {
            "ms" => 1,
            "" | "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        let (whole, fraction) = count.split_once('.').unwrap_or((count, "0"));
        // Whole numbers throughout: the standard library's parser of floats would be a tenth of the module.
        let fraction_ms = match (fraction.parse::<u64>().ok()?, u32::try_from(fraction.len()).ok()?) {
            (_, 7..) => return None,
            (number, digits) => number.checked_mul(unit_ms)?.checked_div(10_u64.checked_pow(digits)?)?,
        };
        let millis = whole.parse::<u64>().ok()?.checked_mul(unit_ms)?.checked_add(fraction_ms)?;
        (millis <= MOST_MS).then_some(Self(millis))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ms if ms.is_multiple_of(3_600_000) => write!(f, "{}h", ms / 3_600_000),
            ms if ms.is_multiple_of(60_000) => write!(f, "{}m", ms / 60_000),
            ms if ms.is_multiple_of(1_000) => write!(f, "{}s", ms / 1_000),
            ms => write!(f, "{ms}ms"),
        }
    }
}

impl Span {
    /// From a JSON value: seconds as a number, or a text with a unit.
    pub(super) fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::Number(seconds) => Self::from_units(seconds.as_f64()?, 1_000.0),
            Value::String(text) => Self::parse(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<u64> {
        Span::from_json(&serde_json::from_str(json).ok()?).map(Span::millis)
    }

    #[test]
    fn every_way_of_writing_five_minutes() {
        for json in ["300", "300.0", "\"300\"", "\"300s\"", "\"5m\"", "\"300000ms\"", "\"5.0m\""] {
            assert_eq!(read(json), Some(300_000), "{json}");
        }
        assert_eq!(read("\"1.5s\""), Some(1_500));
        assert_eq!(read("\"2h\""), Some(7_200_000));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for json in ["-1", "-0.5", "1e300", "\"\"", "\"s\"", "\"5 m\"", "\"5d\"", "\"1.2.3s\"", "null", "[]", "\"-5s\""]
        {
            assert_eq!(read(json), None, "{json}");
        }
    }

    #[test]
    fn it_prints_in_the_unit_that_fits() {
        assert_eq!(Span(86_400_000).to_string(), "24h");
        assert_eq!(Span(90_000).to_string(), "90s");
        assert_eq!(Span(250).to_string(), "250ms");
    }
}
