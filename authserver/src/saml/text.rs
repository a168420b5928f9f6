//! Before any XML parser: what may come at all. A single pass that knows tags, quotes and CDATA refuses everything
//! an assertion has no use for, and bounds what the parser would otherwise spend memory, stack or time on.

use super::{MAX_BYTES, Refused};
use roxmltree::{Document, ParsingOptions};

/// The deepest nesting; an assertion with its signature needs about ten levels.
const MAX_DEPTH: usize = 32;
/// The most attributes and namespace declarations of one element.
const MAX_ATTRIBUTES: usize = 32;
/// The most nodes: elements and texts.
const MAX_NODES: u32 = 4096;

/// Checks the octets and normalises line ends (XML 1.0 §2.11).
pub(super) fn prepare(bytes: &[u8]) -> Result<String, Refused> {
    if bytes.len() > MAX_BYTES {
        return Err(Refused::Shape("it is too large"));
    }
    let text = str::from_utf8(bytes).map_err(|_| Refused::Shape("it is not UTF-8"))?;
    let text = declaration(text.strip_prefix('\u{FEFF}').unwrap_or(text))?;
    scan(text)?;
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// Parses a prepared text.
pub(super) fn parse(text: &str) -> Result<Document<'_>, Refused> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|_| Refused::Shape("it is not well-formed XML"))
}

/// Takes the XML declaration off. An encoding that it names must be the one that was read.
fn declaration(text: &str) -> Result<&str, Refused> {
    let Some(rest) = text.strip_prefix("<?xml").filter(|rest| rest.starts_with([' ', '\t', '\r', '\n'])) else {
        return Ok(text);
    };
    let (declared, rest) = rest.split_once("?>").ok_or(Refused::Shape("it is not well-formed XML"))?;
    let unquoted: String = declared.chars().filter(|c| !matches!(c, ' ' | '\t' | '\r' | '\n')).collect();
    match unquoted.replace('\'', "\"").to_ascii_lowercase().as_str() {
        "version=\"1.0\""
        | "version=\"1.0\"encoding=\"utf-8\""
        | "version=\"1.0\"encoding=\"utf-8\"standalone=\"yes\""
        | "version=\"1.0\"encoding=\"utf-8\"standalone=\"no\""
        | "version=\"1.0\"standalone=\"yes\""
        | "version=\"1.0\"standalone=\"no\"" => Ok(rest),
        _ => Err(Refused::Shape("its XML declaration is not that of XML 1.0 in UTF-8")),
    }
}

fn scan(text: &str) -> Result<(), Refused> {
    let mut rest = text;
    let mut depth = 0_usize;
    while let Some((_, markup)) = rest.split_once('<') {
        if let Some(cdata) = markup.strip_prefix("![CDATA[") {
            rest = cdata.split_once("]]>").ok_or(Refused::Shape("it is not well-formed XML"))?.1;
        } else if markup.starts_with('!') {
            return Err(Refused::Shape("it has a comment, a DTD or an entity declaration"));
        } else if markup.starts_with('?') {
            return Err(Refused::Shape("it has a processing instruction"));
        } else {
            let (tag, after) = tag(markup)?;
            rest = after;
            depth = match (tag.starts_with('/'), tag.ends_with('/')) {
                (true, _) => depth.saturating_sub(1),
                (false, true) => depth,
                (false, false) => depth.saturating_add(1),
            };
            if depth > MAX_DEPTH {
                return Err(Refused::Shape("it is nested too deeply"));
            }
        }
    }
    Ok(())
}

/// Up to the `>` that ends a tag: one inside quotes does not.
fn tag(markup: &str) -> Result<(&str, &str), Refused> {
    let mut quote = None;
    let mut values = 0_usize;
    for (at, byte) in markup.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => {
                let (tag, after) = markup.split_at_checked(at).unwrap_or((markup, ""));
                return Ok((tag, after.strip_prefix('>').unwrap_or(after)));
            }
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                values = values.saturating_add(1);
                if values > MAX_ATTRIBUTES {
                    return Err(Refused::Shape("an element has too many attributes"));
                }
            }
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    Err(Refused::Shape("it is not well-formed XML"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> &'static str {
        match prepare(text.as_bytes()) {
            Err(Refused::Shape(why)) => why,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn what_an_assertion_has_no_use_for_is_refused() {
        for (text, why) in [
            ("<!DOCTYPE a><a/>", "comment"),
            ("<a><!-- --></a>", "comment"),
            ("<a><?pi?></a>", "processing"),
            (" <?xml version='1.0'?><a/>", "processing"),
            ("<?xml version='1.1'?><a/>", "declaration"),
            ("<?xml version='1.0' encoding='UTF-16'?><a/>", "declaration"),
            ("<a", "well-formed"),
            ("<a b='>", "well-formed"),
            ("<a><![CDATA[ ]]</a>", "well-formed"),
        ] {
            assert!(refused(text).contains(why), "{text}");
        }
        assert!(refused(&"<a>".repeat(MAX_DEPTH + 1)).contains("deep"));
        let many: String = (0..=MAX_ATTRIBUTES).map(|i| format!(" a{i}=''")).collect();
        assert!(refused(&format!("<a{many}/>")).contains("attributes"));
        assert!(refused(&" ".repeat(MAX_BYTES + 1)).contains("large"));
        assert_eq!(prepare(b"<a>\xff</a>").err(), Some(Refused::Shape("it is not UTF-8")));
    }

    #[test]
    fn what_only_looks_like_it_passes() {
        let text =
            "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<a b='<!-- >'><![CDATA[<!-- <?x?>\r\n]]>\r</a>";
        // roxmltree refuses the `<` inside the quotes; here it only must not confuse the count.
        assert_eq!(prepare(text.as_bytes()).unwrap(), "\n<a b='<!-- >'><![CDATA[<!-- <?x?>\n]]>\n</a>");
        assert!(prepare(format!("{}{}", "<a>".repeat(MAX_DEPTH), "</a>".repeat(MAX_DEPTH)).as_bytes()).is_ok());
    }

    #[test]
    fn nodes_are_bounded() {
        let text = format!("<a>{}</a>", "<b/>".repeat(MAX_NODES as usize));
        assert!(parse(&prepare(text.as_bytes()).unwrap()).is_err());
    }
}
