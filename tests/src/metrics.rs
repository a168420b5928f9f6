//! The Prometheus text format, as far as counting needs it.

/// The sum of all samples of `name` whose labels contain every one of `labels` (written `label="value"`).
#[must_use]
pub fn sum(text: &str, name: &str, labels: &[&str]) -> f64 {
    let value = |line: &str| {
        let rest = line.strip_prefix(name)?;
        let (given, value) = match rest.strip_prefix('{') {
            Some(rest) => rest.rsplit_once('}')?,
            None => ("", rest.strip_prefix(' ')?),
        };
        labels.iter().all(|label| given.contains(label)).then(|| value.trim().parse::<f64>().ok()).flatten()
    };
    text.lines().filter_map(value).sum()
}

#[cfg(test)]
mod tests {
    use super::sum;

    const TEXT: &str = "# HELP a_total about\na_total{route=\"/x\",status=\"200\"} 2\na_total{route=\"/y\",status=\"200\"} 3\na_total_more 9\nb 4\n";

    #[test]
    fn only_what_is_asked_for_is_counted() {
        assert_eq!(sum(TEXT, "a_total", &[]), 5.0);
        assert_eq!(sum(TEXT, "a_total", &["route=\"/x\""]), 2.0);
        assert_eq!(sum(TEXT, "b", &[]), 4.0);
        assert_eq!(sum(TEXT, "c", &[]), 0.0);
    }
}
