//! Golden data recorded from Amazon SNS, one JSON document for each theme; `vectors/README.md` says where it comes from.

use serde_json::Value;

/// The documents by name.
const DOCUMENTS: [(&str, &str); 19] = [
    ("api-errors", include_str!("../vectors/api-errors.json")),
    ("api-model", include_str!("../vectors/api-model.json")),
    ("aws-attributes", include_str!("../vectors/aws-attributes.json")),
    ("aws-envelopes", include_str!("../vectors/aws-envelopes.json")),
    ("delivery-logs", include_str!("../vectors/delivery-logs.json")),
    ("delivery-policy", include_str!("../vectors/delivery-policy.json")),
    ("fifo-content-dedup", include_str!("../vectors/fifo-content-dedup.json")),
    ("filter-policy-complexity", include_str!("../vectors/filter-policy-complexity.json")),
    ("filter-policy-invalid", include_str!("../vectors/filter-policy-invalid.json")),
    ("filter-policy-match", include_str!("../vectors/filter-policy-match.json")),
    ("filter-policy-match-large", include_str!("../vectors/filter-policy-match-large.json")),
    ("http-headers", include_str!("../vectors/http-headers.json")),
    ("mobile-push", include_str!("../vectors/mobile-push.json")),
    ("query-requests", include_str!("../vectors/query-requests.json")),
    ("query-responses", include_str!("../vectors/query-responses.json")),
    ("signature-canonical-strings", include_str!("../vectors/signature-canonical-strings.json")),
    ("signed-messages", include_str!("../vectors/signed-messages.json")),
    ("sigv4-sns", include_str!("../vectors/sigv4-sns.json")),
    ("validation", include_str!("../vectors/validation.json")),
];

/// The document of that name, parsed with the order of its keys kept.
///
/// # Panics
/// When there is no such document.
pub fn document(name: &str) -> Value {
    let Some((_, text)) = DOCUMENTS.iter().find(|(known, _)| *known == name) else {
        panic!("no vectors named {name:?}; there are {:?}", DOCUMENTS.map(|(known, _)| known));
    };
    serde_json::from_str(text).expect("the vectors are valid JSON")
}

/// The list `key` of the document `name`.
///
/// # Panics
/// When the document or the list does not exist.
pub fn cases(name: &str, key: &str) -> Vec<Value> {
    match document(name).get_mut(key).map(Value::take) {
        Some(Value::Array(cases)) => cases,
        _ => panic!("the vectors {name:?} have no list {key:?}"),
    }
}
