//! Requests in Amazon SNS's query protocol, and the answers that give back what was in them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fanfare_server::query::{
    Answer, ErrorResponse, MAX_PARAMETERS, Members, MessageAttribute, Request, Structure, error_xml,
};
use roxmltree::Document;

/// Names of lists, maps and structures that operations read.
const NAMES: [&str; 6] =
    ["Tags", "TagKeys", "Attributes", "MessageAttributes", "PublishBatchRequestEntries", "attributes"];

/// Reads a request in every way that operations read one, and answers with what was in it.
///
/// The input up to the first byte `FF` is the URL's query string, and the rest is the body.
///
/// Claims: a query string and a body are read like one text of both; what is refused has more parameters than a request may
/// have; whatever is found under a name, the name is there; what was decoded from base64 is encoded to what was sent; an XML
/// reader finds in an answer and in an error the text that was put in, but for what XML cannot carry.
pub fn query_request(data: &[u8]) {
    let (query, body) = match data.iter().position(|byte| *byte == 0xff) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &data[data.len()..]),
    };
    let query = String::from_utf8_lossy(query);
    let read = Request::parse(Some(&query), body);
    let joined = [query.as_bytes(), body].join(&b'&');
    assert_eq!(read, Request::parse(None, &joined));
    let Ok(request) = read else {
        assert!(joined.iter().filter(|byte| **byte == b'&').count() >= MAX_PARAMETERS);
        return;
    };
    for name in NAMES {
        let _ = (request.boolean(name), request.integer(name));
        let (list, structures) = (request.list(name), request.structures(name));
        let (map, attributes) = (request.map(name), request.message_attributes(name));
        let pairs = map.as_ref().map_or(0, Vec::len);
        assert!(list.len().max(structures.len()).max(attributes.len()).max(pairs) <= MAX_PARAMETERS);
        assert_eq!(map.is_some(), request.has(name));
        let is_empty = list.is_empty() && structures.is_empty() && attributes.is_empty() && pairs == 0;
        assert!(request.has(name) || is_empty, "{name}");
        attributes.iter().for_each(check_attribute);
        structures.iter().for_each(check_structure);
    }
    for text in [request.action(), request.version(), request.text("Message")].into_iter().flatten() {
        check_answers(text);
    }
}

fn check_structure(structure: &Structure<'_>) {
    for name in ["Key", "Id"] {
        assert!(structure.text(name).is_none() || structure.has(name));
    }
    structure.message_attributes("MessageAttributes").iter().for_each(check_attribute);
}

fn check_attribute(attribute: &MessageAttribute<'_>) {
    match attribute.binary() {
        Ok(Some(bytes)) => assert_eq!(Some(BASE64.encode(bytes).as_str()), attribute.binary_value),
        Ok(None) => assert_eq!(attribute.binary_value, None),
        Err(_) => assert!(attribute.binary_value.is_some()),
    }
}

fn check_answers(text: &str) {
    let answer = Answer::with_result("Publish", Members::new().text("MessageId", text)).to_xml("r");
    let error = error_xml(ErrorResponse::new("InvalidParameter", 400, text), "r");
    let carried: String = text.chars().map(|c| if can_be_carried(c) { c } else { '\u{fffd}' }).collect();
    for (xml, name) in [(answer, "MessageId"), (error, "Message")] {
        let document = Document::parse(&xml).expect("an answer is XML");
        let mut named = document.descendants().filter(|node| node.has_tag_name((fanfare_server::query::XMLNS, name)));
        let (node, none) = (named.next().expect("the element is there"), named.next());
        assert_eq!((node.text().unwrap_or_default(), none), (carried.as_str(), None));
    }
}

/// Whether XML 1.0 has a way to write the character.
fn can_be_carried(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
