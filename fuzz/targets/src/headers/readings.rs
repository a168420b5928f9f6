//! The ways in which servers are known to read a path.

/// Every reading of a request's target: decoded up to three times, and each of these with backslashes as slashes, without
/// path parameters, with repeated slashes as one, with dot segments resolved.
pub(super) fn readings(target: &[u8]) -> Vec<Vec<u8>> {
    let path = target.split(|b| matches!(b, b'?' | b'#')).next().unwrap_or_default().to_vec();
    let mut all = vec![path];
    for _ in 0..3 {
        all.push(decoded(all.last().unwrap()));
    }
    let loose: Vec<_> = all.iter().map(|path| normalised(path)).collect();
    all.extend(loose);
    all.sort();
    all.dedup();
    all
}

/// The scope that such a request takes, as the configurations have it; `None` if it is open.
pub(super) fn demands(method: &[u8], path: &[u8], rest_is_open: bool) -> Option<&'static str> {
    let below = |prefix: &[u8]| super::is_below(path, prefix);
    if below(b"/orders") {
        let id = path.strip_prefix(b"/orders/").unwrap_or_default();
        let one = method == b"GET" && !id.is_empty() && !id.contains(&b'/');
        return Some(if one { "orders:read" } else { "orders:write" });
    }
    let open =
        rest_is_open || path == b"/healthz" || below(b"/maybe") || below(b"/login") || path.starts_with(b"/oauth2/");
    // What no rule is for takes what nobody has.
    if open { None } else { Some("nothing does") }
}

/// Percent-decoded once; what is no encoding stays.
pub(super) fn decoded(path: &[u8]) -> Vec<u8> {
    let digit = |b: Option<&u8>| b.and_then(|b| char::from(*b).to_digit(16));
    let (mut out, mut at) = (Vec::with_capacity(path.len()), 0);
    while let Some(byte) = path.get(at) {
        match (byte, digit(path.get(at + 1)), digit(path.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap());
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

fn normalised(path: &[u8]) -> Vec<u8> {
    let path: Vec<u8> = path.iter().map(|b| if *b == b'\\' { b'/' } else { *b }).collect();
    let mut segments: Vec<&[u8]> = Vec::new();
    let last = path.split(|b| *b == b'/').count() - 1;
    for (n, segment) in path.split(|b| *b == b'/').enumerate() {
        let segment = segment.split(|b| *b == b';').next().unwrap_or_default();
        match segment {
            b"" if n != last => {}
            b"." => {}
            b".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    [b"/", segments.join(&b'/').as_slice()].concat()
}
