//! Texts and numbers of a file or a variable become values. What is wrong is said without repeating a secret.

use ipnet::IpNet;
use std::net::IpAddr;
use std::time::Duration;
use toml::Value;

/// A text; a number is one too, because a variable cannot say which it is.
pub(super) fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        _ => Err("has to be a text".to_owned()),
    }
}

/// `90`, `"90"`, `"90s"`, `"1h30m"`.
pub(super) fn duration(value: &Value) -> Result<Duration, String> {
    let problem = || r#"has to be a duration such as "90s", "10m", "12h" or "30d""#.to_owned();
    let text = text(value).map_err(|_| problem())?;
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut seconds: u64 = 0;
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(problem)?;
        let (number, tail) = rest.split_at(digits);
        let mut tail = tail.chars();
        let unit = match tail.next() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            _ => return Err(problem()),
        };
        let part = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit)).ok_or_else(problem)?;
        seconds = seconds.checked_add(part).ok_or_else(problem)?;
        rest = tail.as_str();
    }
    if text.is_empty() { Err(problem()) } else { Ok(Duration::from_secs(seconds)) }
}

/// A whole number.
pub(super) fn number(value: &Value) -> Result<u64, String> {
    let number = match value {
        Value::Integer(number) => u64::try_from(*number).ok(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| "has to be a whole number".to_owned())
}

/// `true`, `false`, or either as a text.
pub(super) fn boolean(value: &Value) -> Result<bool, String> {
    match value {
        Value::Boolean(value) => Ok(*value),
        Value::String(text) => text.parse().map_err(|_| "has to be true or false".to_owned()),
        _ => Err("has to be true or false".to_owned()),
    }
}

/// One text, a list of texts, or several in one, separated by commas.
pub(super) fn list(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        other => Ok(text(other)?.split(',').map(|item| item.trim().to_owned()).collect()),
    }
}

/// Networks, as [`list`] has them: `10.1.0.0/16`, or one address.
pub(super) fn networks(value: &Value) -> Result<Vec<IpNet>, String> {
    let read = |text: &String| text.parse().or_else(|_| text.parse().map(|ip: IpAddr| ip.into())).ok();
    let networks: Option<_> = list(value)?.iter().map(read).collect();
    networks.ok_or_else(|| r#"has to name networks such as "10.1.0.0/16" or addresses"#.to_owned())
}

/// A duration as it is written in a file.
pub(super) fn show(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (number, unit) = match seconds {
        0 => (0, 's'),
        s if s % 86_400 == 0 => (s / 86_400, 'd'),
        s if s % 3600 == 0 => (s / 3600, 'h'),
        s if s % 60 == 0 => (s / 60, 'm'),
        s => (s, 's'),
    };
    format!("{number}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks() {
        let read = |text: &str| networks(&Value::String(text.to_owned())).map(|all| all.len());
        assert_eq!((read("127.0.0.1"), read("10.0.0.0/8, ::1")), (Ok(1), Ok(2)));
        for bad in ["", "10.0.0.0/33", "localhost", "10.0.0.0/8,"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations() {
        let read = |text: &str| duration(&Value::String(text.to_owned())).map(|d| d.as_secs());
        for (text, seconds) in [("0", 0), ("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("30d", 2_592_000)] {
            assert_eq!(read(text), Ok(seconds), "{text}");
        }
        for bad in ["", "m", "10 m", "1.5h", "-1s", "10w", "10ms", "99999999999999999999s", "999999999999999999d"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(duration(&Value::Integer(7)).unwrap().as_secs(), 7);
        for seconds in [0, 59, 60, 3600, 5400, 86_400] {
            assert_eq!(read(&show(Duration::from_secs(seconds))), Ok(seconds));
        }
    }
}
