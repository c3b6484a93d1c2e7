//! The requests that a client of Amazon SNS sends and the answers that it reads, case by case.

use fanfare_server::query::{Answer, ErrorResponse, Members, MessageAttribute, Request, Structure, VERSION, error_xml};
use fanfare_testkit::vectors;
use libtest_mimic::{Arguments, Failed, Trial};
use roxmltree::{Document, Node};
use serde_json::{Map, Value, json};

/// A change that empties or renames the vectors must not pass for success.
const REQUESTS: usize = 30;
const ANSWERS: usize = 22;

fn main() {
    let arguments = Arguments::from_args();
    let requests = vectors::cases("query-requests", "cases");
    let answers = vectors::cases("query-responses", "cases");
    assert_eq!((requests.len(), answers.len()), (REQUESTS, ANSWERS), "the vectors are complete");
    let mut trials = Vec::new();
    for (number, case) in requests.into_iter().enumerate() {
        let name = format!("request {number} {}", text(&case["operation"]));
        trials.push(Trial::test(name, move || request(&case)));
    }
    for (number, case) in answers.into_iter().enumerate() {
        let name = format!("answer {number} {} {}", text(&case["operation"]), case["status"]);
        trials.push(Trial::test(name, move || answer(&case)));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// Decodes a body, also when it comes as a URL, and finds in it the parameters that the client was given.
fn request(case: &Value) -> Result<(), Failed> {
    let body = text(&case["body"]);
    let in_body = Request::parse(None, body.as_bytes())?;
    let in_url = Request::parse(Some(body), b"")?;
    for request in [&in_body, &in_url] {
        same(&json!(request.action()), &case["operation"])?;
        same(&json!(request.version()), &json!(VERSION))?;
        for pair in case["pairs"].as_array().expect("the pairs are a list") {
            same(&json!(request.text(text(&pair[0]))), &pair[1])?;
        }
        for (name, expected) in members(&case["params"]) {
            same(&decoded(name, expected, request)?, expected)?;
        }
        same(&json!(request.has("Absent")), &json!(false))?;
    }
    Ok(())
}

/// The parameter `name` as JSON, read in the way that fits the shape of what is expected.
fn decoded(name: &str, expected: &Value, request: &Request) -> Result<Value, Failed> {
    Ok(match expected {
        Value::String(_) => json!(request.text(name)),
        Value::Bool(_) => json!(request.boolean(name)?),
        Value::Number(_) => json!(request.integer(name)?),
        Value::Array(items) if items.iter().all(Value::is_string) => json!(request.list(name)),
        Value::Array(items) => structures(items, request.structures(name))?,
        Value::Object(_) if name == "MessageAttributes" => attributes(request.message_attributes(name))?,
        Value::Object(_) => {
            let pairs = request.map(name).ok_or("the map is absent")?;
            Value::Object(pairs.into_iter().map(|(key, value)| (key, Value::String(value))).collect())
        }
        Value::Null => return Err("a parameter is never null".into()),
    })
}

fn structures(expected: &[Value], found: Vec<Structure<'_>>) -> Result<Value, Failed> {
    same(&json!(found.len()), &json!(expected.len()))?;
    let mut items = Vec::new();
    for (expected, found) in expected.iter().zip(found) {
        let mut item = Map::new();
        for (name, value) in members(expected) {
            let decoded = match value {
                Value::String(_) => json!(found.text(name)),
                Value::Object(_) => attributes(found.message_attributes(name))?,
                other => return Err(format!("no item has a member like {other}").into()),
            };
            item.insert(name.clone(), decoded);
        }
        items.push(Value::Object(item));
    }
    Ok(Value::Array(items))
}

fn attributes(found: Vec<MessageAttribute<'_>>) -> Result<Value, Failed> {
    let mut attributes = Map::new();
    for attribute in found {
        let mut value = Map::new();
        value.insert("DataType".to_owned(), json!(attribute.data_type));
        if let Some(text) = attribute.string_value {
            value.insert("StringValue".to_owned(), json!(text));
        }
        if let Some(base64) = attribute.binary_value {
            same(&json!(attribute.binary()?), &json!([2, 3, 4]))?;
            value.insert("BinaryValue".to_owned(), json!({ "base64": base64 }));
        }
        attributes.insert(attribute.name.to_owned(), Value::Object(value));
    }
    Ok(Value::Object(attributes))
}

/// Writes the answer from what the client is to read in it, and compares it with the XML that the client did read it in.
fn answer(case: &Value) -> Result<(), Failed> {
    let parsed = &case["parsed_by_botocore"];
    let request_id = text(&parsed["ResponseMetadata"]["RequestId"]);
    let expected = text(&case["xml"]);
    let written = if parsed["Error"].is_object() {
        let status = u16::try_from(case["status"].as_u64().expect("the status is a number"))?;
        let (code, message) = (text(&parsed["Error"]["Code"]), text(&parsed["Error"]["Message"]));
        error_xml(ErrorResponse::new(code, status, message), request_id)
    } else {
        let operation = fixed(text(&case["operation"]));
        let result = members(parsed)
            .filter(|(name, _)| *name != "ResponseMetadata")
            .fold(Members::new(), |result, (name, value)| with(result, name, value));
        if operation == "DeleteTopic" || operation == "Unsubscribe" {
            same(&json!(result == Members::new()), &json!(true))?;
            Answer::without_result(operation).to_xml(request_id)
        } else {
            Answer::with_result(operation, result).to_xml(request_id)
        }
    };
    // Two documents as trees: the order of members says nothing to clients, and the vectors have another in one place.
    let (written, expected) = (Document::parse(&written)?, Document::parse(expected)?);
    same(&tree(written.root_element()), &tree(expected.root_element()))
}

fn with(members_so_far: Members, name: &str, value: &Value) -> Members {
    let name = fixed(name);
    match value {
        Value::String(text) => members_so_far.text(name, text),
        Value::Bool(value) => members_so_far.boolean(name, *value),
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_string) => {
            members_so_far.list(name, items.iter().map(text))
        }
        Value::Array(items) => {
            let item = |item| members(item).fold(Members::new(), |so_far, (name, value)| with(so_far, name, value));
            members_so_far.structures(name, items.iter().map(item))
        }
        Value::Object(entries) => members_so_far.map(name, entries.iter().map(|(key, value)| (key, text(value)))),
        Value::Number(_) | Value::Null => panic!("no answer has a member like {value}"),
    }
}

/// An element as its name, name space, and text or children; the children of one name keep their order.
fn tree(node: Node<'_, '_>) -> Value {
    let mut children: Vec<_> = node.children().filter(Node::is_element).collect();
    children.sort_by_key(|child| child.tag_name().name().to_owned());
    let children: Vec<Value> = children.into_iter().map(tree).collect();
    json!([node.tag_name().namespace(), node.tag_name().name(), node.text(), children])
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().expect("the value is an object").iter()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("the value is text")
}

/// Names in answers are part of the program; here they come from the vectors, few and small enough to be left standing.
fn fixed(name: &str) -> &'static str {
    name.to_owned().leak()
}

fn same(found: &Value, expected: &Value) -> Result<(), Failed> {
    if found == expected { Ok(()) } else { Err(format!("expected {expected}\n   found {found}").into()) }
}
