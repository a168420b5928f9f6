use super::*;
use proptest::prelude::*;

fn read(target: &str) -> Option<String> {
    MatchPath::parse(target.as_bytes()).ok().map(|path| String::from_utf8(path.as_bytes().to_vec()).unwrap())
}

fn matches(pattern: &Pattern, path: &str) -> bool {
    pattern.matches(&MatchPath::parse(path.as_bytes()).unwrap())
}

#[test]
fn a_path_that_is_clear_is_taken() {
    for (target, path) in [
        ("/", "/"),
        ("/orders/1", "/orders/1"),
        ("/orders/", "/orders/"),
        ("/orders?x=/../%2f;", "/orders"),
        ("/%6frders", "/orders"),
        ("/a%20b", "/a b"),
        ("/caf%C3%A9", "/café"),
        ("/100%25", "/100%"),
        ("/a..b/.c/...", "/a..b/.c/..."),
    ] {
        assert_eq!(read(target).as_deref(), Some(path), "{target}");
    }
}

#[test]
fn a_path_that_can_be_read_in_two_ways_is_refused() {
    for target in [
        "",
        "*",
        "orders",
        "http://x/orders",
        "/a%2fb",
        "/a%2Fb",
        "/a%5cb",
        "/a\\b",
        "/a/../b",
        "/a/./b",
        "/..",
        "/.",
        "/a/%2e%2e/b",
        "/a/.%2E/b",
        "/a//b",
        "//a",
        "//",
        "/a;x/b",
        "/a%3bx",
        "/a%00",
        "/a%0d%0ab",
        "/a%7f",
        "/a%",
        "/a%4",
        "/a%zz",
        "/%252e",
        "/%252f",
        "/%25%36%66",
        "/%25%36f",
        "/a#b",
        "/a b",
        "/a\u{1}",
        "/a%c0%afb",
        "/a%e0%80%afb",
        "/caf%e9",
    ] {
        assert_eq!(read(target), None, "{target:?}");
    }
    assert_eq!(MatchPath::parse(b"/\xff"), Err(Ambiguous));
}

#[test]
fn patterns_match_whole_segments() {
    let exact = Pattern::path("/orders").unwrap();
    assert!(matches(&exact, "/orders") && matches(&exact, "/orders?x") && !matches(&exact, "/orders/"));
    let template = Pattern::path("/orders/{id}/items").unwrap();
    assert!(matches(&template, "/orders/7/items"));
    for path in ["/orders/7", "/orders/7/items/", "/orders/7/8/items", "/orders/items"] {
        assert!(!matches(&template, path), "{path}");
    }
    let last = Pattern::path("/orders/{id}").unwrap();
    assert!(matches(&last, "/orders/7") && !matches(&last, "/orders/") && !matches(&last, "/orders"));
    let prefix = Pattern::prefix("/orders").unwrap();
    assert!(matches(&prefix, "/orders") && matches(&prefix, "/orders/") && matches(&prefix, "/orders/7/8"));
    assert!(!matches(&prefix, "/ordersx") && !matches(&prefix, "/order"));
    let below = Pattern::prefix("/oauth2/").unwrap();
    assert!(matches(&below, "/oauth2/token") && matches(&below, "/oauth2/") && !matches(&below, "/oauth2"));
    let all = Pattern::prefix("/").unwrap();
    assert!(matches(&all, "/") && matches(&all, "/a/b"));
}

#[test]
fn patterns_that_no_request_could_match_are_refused() {
    for path in ["", "orders", "/a/../b", "/a//b", "/a?b", "/a%2fb"] {
        assert_eq!(Pattern::path(path), Err(PatternError::Path), "{path}");
        assert_eq!(Pattern::prefix(path), Err(PatternError::Path), "{path}");
    }
    for path in ["/a{b}", "/{}", "/{a", "/a}", "/{a}{b}", "/{{a}}"] {
        assert_eq!(Pattern::path(path), Err(PatternError::Template), "{path}");
    }
    assert_eq!(Pattern::prefix("/{a}"), Err(PatternError::Template));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = MatchPath::parse(&bytes);
        let _ = Pattern::path(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn encoding_does_not_get_round_a_rule(segment in "[a-z]{1,8}", which in 0_usize..8) {
        // Whatever letter is written in hexadecimal, the rule for the path still holds.
        let pattern = Pattern::path(&format!("/{segment}")).unwrap();
        let which = which % segment.len();
        let encoded: String = segment.char_indices()
            .map(|(i, c)| if i == which { format!("%{:02x}", u32::from(c)) } else { c.to_string() })
            .collect();
        let path = format!("/{encoded}");
        prop_assert!(matches(&pattern, &path));
    }
}
