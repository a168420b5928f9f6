//! Steps through a document that leave nothing unsaid: children in the order the schema has, text that is only text.

use super::{DSIG, Refused, SAML};
use roxmltree::{Document, Node};

/// The root, if it is an assertion and every identifier in the document means one element.
pub(super) fn assertion<'a, 'i>(document: &'a Document<'i>) -> Result<Node<'a, 'i>, Refused> {
    let root = document.root_element();
    if !is(root, SAML, "Assertion") {
        return Err(Refused::Shape("its root is not a SAML 2.0 Assertion"));
    }
    if root.attribute("Version") != Some("2.0") {
        return Err(Refused::Shape("its Version is not 2.0"));
    }
    let mut identifiers = Vec::new();
    for node in root.descendants() {
        if node.is_comment() || node.is_pi() {
            return Err(Refused::Shape("it has a comment or a processing instruction"));
        }
        if node != root && (is(node, SAML, "Assertion") || is(node, SAML, "EncryptedAssertion")) {
            return Err(Refused::Shape("it holds another assertion"));
        }
        for attribute in node.attributes().filter(|a| names_identifier(a.name())) {
            if identifiers.contains(&attribute.value()) {
                return Err(Refused::Shape("two elements have one identifier"));
            }
            identifiers.push(attribute.value());
            if node == root && (attribute.name() != "ID" || attribute.namespace().is_some()) {
                return Err(Refused::Shape("its identifier is not in the attribute ID alone"));
            }
        }
    }
    Ok(root)
}

/// What some reader, somewhere, takes for an identifier: `ID`, `Id`, `id`, `xml:id`, SAML 1's `AssertionID`.
fn names_identifier(name: &str) -> bool {
    name.eq_ignore_ascii_case("id") || name.eq_ignore_ascii_case("AssertionID")
}

/// The `ID` of an assertion.
pub(super) fn identifier<'a>(assertion: Node<'a, '_>) -> Result<&'a str, Refused> {
    assertion.attribute("ID").filter(|id| !id.is_empty()).ok_or(Refused::Shape("it has no ID"))
}

/// The text of `Issuer`, its first child. An issuer is an entity's name, so any other format is refused.
pub(super) fn issuer(assertion: Node<'_, '_>) -> Result<String, Refused> {
    let issuer = assertion.first_element_child().filter(|node| is(*node, SAML, "Issuer"));
    let issuer = issuer.ok_or(Refused::Shape("its first child is not its Issuer"))?;
    let format = issuer.attribute("Format").unwrap_or("urn:oasis:names:tc:SAML:2.0:nameid-format:entity");
    if format != "urn:oasis:names:tc:SAML:2.0:nameid-format:entity" {
        return Err(Refused::Shape("its Issuer is not an entity"));
    }
    text(issuer)
}

/// Whether a node is this element.
pub(super) fn is(node: Node<'_, '_>, namespace: &str, name: &str) -> bool {
    node.is_element() && node.tag_name().namespace() == Some(namespace) && node.tag_name().name() == name
}

/// The child elements of an element that holds nothing but elements and white space.
pub(super) fn elements<'a, 'i>(node: Node<'a, 'i>) -> Result<Vec<Node<'a, 'i>>, Refused> {
    let stray = |child: &Node<'_, '_>| {
        !child.is_element() && !child.text().unwrap_or_default().chars().all(|c| matches!(c, ' ' | '\t' | '\r' | '\n'))
    };
    if node.children().any(|child| stray(&child)) {
        return Err(Refused::Shape("there is text between elements"));
    }
    Ok(node.children().filter(Node::is_element).collect())
}

/// The children of this name among an element's direct children.
pub(super) fn named<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Result<Vec<Node<'a, 'i>>, Refused> {
    Ok(elements(node)?.into_iter().filter(|child| is(*child, SAML, name)).collect())
}

/// The one child of this name, or none; more is refused.
pub(super) fn at_most_one<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Result<Option<Node<'a, 'i>>, Refused> {
    match named(node, name)?.as_slice() {
        [] => Ok(None),
        [child] => Ok(Some(*child)),
        _ => Err(Refused::Shape("an element comes twice where one is due")),
    }
}

/// The text of an element that holds nothing else, without white space around it; empty is refused.
pub(super) fn text(node: Node<'_, '_>) -> Result<String, Refused> {
    if node.children().any(|child| !child.is_text()) {
        return Err(Refused::Shape("there is markup where text is due"));
    }
    let text: String = node.children().filter_map(|child| child.text()).collect();
    match text.trim_matches([' ', '\t', '\r', '\n']) {
        "" => Err(Refused::Shape("an element is empty where text is due")),
        text => Ok(text.to_owned()),
    }
}

/// The `ds:Signature` elements, wherever they are.
pub(super) fn signatures<'a, 'i>(root: Node<'a, 'i>) -> Vec<Node<'a, 'i>> {
    root.descendants().filter(|node| is(*node, DSIG, "Signature")).collect()
}
