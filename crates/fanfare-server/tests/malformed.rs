//! Requests that no client of Amazon SNS sends: each is refused as Amazon SNS refuses, and the program goes on.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use url::form_urlencoded::Serializer;

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:topic";
const FIFO: &str = "arn:aws:sns:us-east-1:000000000000:topic.fifo";

/// A running program, spoken to byte by byte.
struct Program {
    child: Child,
    address: String,
    log: PathBuf,
}

impl Program {
    /// A program with a standard topic and a FIFO topic, which writes its log under `name`.
    fn start(name: &str) -> Self {
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("malformed-{name}.log"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--memory", "--auth", "off", "--listen", "127.0.0.1:0", "--outbox", "sqs,email,http"])
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("fanfare listens on http://").unwrap().to_owned();
        let program = Self { child, address, log };
        program.taken(&form("CreateTopic", &[("Name", "topic")]));
        let fifo =
            [("Name", "topic.fifo"), ("Attributes.entry.1.key", "FifoTopic"), ("Attributes.entry.1.value", "true")];
        program.taken(&form("CreateTopic", &fifo));
        program
    }

    /// Sends bytes on a connection of their own: the status, and the body of what comes back.
    fn send(&self, request: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // It may have had enough before it has read everything.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let shown = String::from_utf8_lossy(&request[..request.len().min(300)]).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {shown}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(status < 500, "{shown}: {answer}");
        (status, body.to_owned())
    }

    /// The text of a refusal with that status and code, after which the program still answers.
    fn refused(&self, request: &[u8], status: u16, code: &str) -> String {
        let (found, xml) = self.send(request);
        let shown = String::from_utf8_lossy(&request[..request.len().min(300)]).into_owned();
        let document = roxmltree::Document::parse(&xml).unwrap_or_else(|error| panic!("{error}: {shown}: {xml}"));
        let text = |name| {
            let node = document.descendants().find(|node| node.tag_name().name() == name);
            node.and_then(|node| node.text()).unwrap_or_default().to_owned()
        };
        assert_eq!((found, text("Code").as_str(), text("Type").as_str()), (status, code, "Sender"), "{shown}: {xml}");
        self.answers();
        text("Message")
    }

    fn taken(&self, request: &[u8]) {
        let (status, body) = self.send(request);
        assert_eq!(status, 200, "{}: {body}", String::from_utf8_lossy(&request[..request.len().min(300)]));
    }

    fn answers(&self) {
        self.taken(&form("ListTopics", &[]));
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        if !std::thread::panicking() {
            assert!(!log.contains("panicked"), "{log}");
        }
    }
}

/// A POST of parameters.
fn form(action: &str, parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Serializer::new(String::new());
    body.append_pair("Action", action).append_pair("Version", "2010-03-31").extend_pairs(parameters);
    post("/", body.finish().as_bytes())
}

/// A POST of a body as it is.
fn post(target: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut request = format!(
        "POST {target} HTTP/1.1\r\nHost: fanfare\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: fanfare\r\nConnection: close\r\n\r\n").into_bytes()
}

#[test]
fn operations_that_do_not_exist_are_refused() {
    let program = Program::start("operations");
    let version = "Version=2010-03-31";
    for (body, code) in [
        ("", "MissingAction"),
        (version, "MissingAction"),
        ("action=ListTopics", "MissingAction"),
        ("Action=", "InvalidAction"),
        ("Action=listtopics", "InvalidAction"),
        ("Action=SendMessage&Version=2012-11-05", "InvalidAction"),
        ("Action=ListTopics&Version=2010-03-30", "InvalidAction"),
        ("Action=ListTopics&Version=", "InvalidAction"),
        ("Action=%00", "InvalidAction"),
        ("Action=%FF%FE", "InvalidAction"),
    ] {
        program.refused(&post("/", body.as_bytes()), 400, code);
        program.refused(&get(&format!("/?{body}")), 400, code);
    }
    let json = "POST / HTTP/1.1\r\nHost: fanfare\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.0\r\n\
                X-Amz-Target: AmazonSNS.ListTopics\r\nContent-Length: 2\r\n\r\n{}";
    program.refused(json.as_bytes(), 400, "MissingAction");
    let message = program.refused(&post("/", b"Action=%3C%26%3E%22%27%01"), 400, "InvalidAction");
    assert_eq!(message, "Could not find operation <&>\"'\u{FFFD} for version 2010-03-31");
}

#[test]
fn parameters_may_come_in_every_way_that_amazon_sns_takes_them() {
    let program = Program::start("ways");
    let query = "Action=ListTopics&Version=2010-03-31";
    program.taken(&get(&format!("/?{query}")));
    program.taken(&post(&format!("/?{query}"), b""));
    program.taken(&post("/?Action=ListTopics", b"Version=2010-03-31"));
    program.taken(&post("/some/where/else", query.as_bytes()));
    program.taken(&get(&format!("/000000000000/sns/?{query}")));
    program.taken(&post("/", b"Action=List%54opics&&&=&%3D=&Version=2010-03-31"));
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
        let request = format!("{method} /?{query} HTTP/1.1\r\nHost: fanfare\r\nConnection: close\r\n\r\n");
        assert_eq!(program.send(request.as_bytes()).0, 405, "{method}");
    }
}

#[test]
fn lists_and_maps_of_every_shape_are_read_or_refused() {
    let program = Program::start("lists");
    let tag = |parameters: &[(&str, &str)]| {
        let mut all = vec![("ResourceArn", TOPIC)];
        all.extend(parameters);
        form("TagResource", &all)
    };
    program.taken(&tag(&[("Tags.member.3.Key", "c"), ("Tags.member.1.Key", "a")]));
    program.taken(&tag(&[("Tags.member.4294967296.Key", "no member"), ("Tags.member.1.Key", "a")]));
    program.refused(&tag(&[("Tags.member.1.Key", "a"), ("Tags.member.2.Key", "a")]), 400, "InvalidParameter");
    program.refused(&tag(&[("Tags.member.1.Value", "without a key")]), 400, "InvalidParameter");
    let many: String = (0..10_001).map(|number| format!("Tags.member.{number}.Key=k{number}&")).collect();
    program.refused(&post("/", format!("Action=TagResource&{many}").as_bytes()), 400, "InvalidParameter");
    let fifty_one: String = (0..51).map(|number| format!("&Tags.member.{number}.Key=k{number}")).collect();
    let request = format!("Action=TagResource&ResourceArn={TOPIC}{fifty_one}");
    program.refused(&post("/", request.as_bytes()), 400, "TagLimitExceeded");
    for empty in ["PublishBatchRequestEntries=", "PublishBatchRequestEntries.member=", ""] {
        let request = format!("Action=PublishBatch&TopicArn={TOPIC}&{empty}");
        program.refused(&post("/", request.as_bytes()), 400, "EmptyBatchRequest");
    }
    program.refused(&form("ListTopics", &[("NextToken", "Zm9yZ2Vk")]), 400, "InvalidParameter");
}

#[test]
fn texts_that_are_none_and_sizes_beyond_measure_are_refused() {
    let program = Program::start("texts");
    for name in ["%", "%zz", "%00", "a%00", "%FF", "%C3", "%ED%A0%80", "a%0D%0Ab", "a%2Fb", "%F0%9F%98%80"] {
        let request = format!("Action=CreateTopic&Name={name}");
        let message = program.refused(&post("/", request.as_bytes()), 400, "InvalidParameter");
        assert_eq!(message, "Invalid parameter: Topic Name", "{name}");
    }
    let mut bytes = b"Action=CreateTopic&Name=".to_vec();
    bytes.extend(0x80..=0xFF);
    program.refused(&post("/", &bytes), 400, "InvalidParameter");
    let publish = |more: &[(&str, &str)]| {
        let mut all = vec![("TopicArn", TOPIC)];
        all.extend(more);
        form("Publish", &all)
    };
    for subject in ["a\r\nBcc: b", "a\u{1}", "a\0b", "\u{7f}", "\n"] {
        let message = program.refused(&publish(&[("Message", "m"), ("Subject", subject)]), 400, "InvalidParameter");
        assert_eq!(message, "Invalid parameter: Subject", "{subject:?}");
    }
    let longest = "m".repeat(262_144);
    program.taken(&publish(&[("Message", &longest)]));
    program.refused(&publish(&[("Message", &format!("{longest}m"))]), 400, "InvalidParameter");
    program.refused(&publish(&[("Message", "")]), 400, "InvalidParameter");
    program.refused(&publish(&[]), 400, "InvalidParameter");
    let body = vec![b'a'; 4 * 1024 * 1024 + 1];
    program.refused(&post("/", &body), 413, "RequestEntityTooLarge");
    let head = "POST / HTTP/1.1\r\nHost: fanfare\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    program.refused(format!("{head}zz\r\n").as_bytes(), 400, "MalformedHttpRequest");
    program.taken(format!("{head}11\r\nAction=ListTopics\r\n0\r\n\r\n").as_bytes());
    // It ends in the middle of what was announced: nobody waits for an answer, and nothing else is held up.
    let mut cut = post("/", b"Action=ListTopics");
    cut.truncate(cut.len() - 4);
    TcpStream::connect(&program.address).unwrap().write_all(&cut).unwrap();
    for garbage in
        ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"]
    {
        assert_eq!(program.send(garbage.as_bytes()).0, 400, "{garbage:?}");
    }
    let header = format!("GET / HTTP/1.1\r\nHost: fanfare\r\nX: {}\r\n\r\n", "x".repeat(1024 * 1024));
    assert_eq!(program.send(header.as_bytes()).0, 431);
    program.answers();
}

#[test]
fn message_attributes_that_are_none_are_refused() {
    let program = Program::start("attributes");
    let publish = |name: &str, kind: &str, field: &str, value: &str| {
        form(
            "Publish",
            &[
                ("TopicArn", TOPIC),
                ("Message", "m"),
                ("MessageAttributes.entry.1.Name", name),
                ("MessageAttributes.entry.1.Value.DataType", kind),
                (&format!("MessageAttributes.entry.1.Value.{field}"), value),
            ],
        )
    };
    let long = "a".repeat(257);
    for name in ["", ".", "AWS.x", "amazon.x", "a b", "é", "a\0", &long] {
        program.refused(&publish(name, "String", "StringValue", "v"), 400, "ParameterValueInvalid");
    }
    for number in ["NaN", "Infinity", "0x10", "1 2", "-", "1e", ""] {
        program.refused(&publish("n", "Number", "StringValue", number), 400, "ParameterValueInvalid");
    }
    program.refused(&publish("b", "Binary", "BinaryValue", "not base64!"), 400, "InvalidParameter");
    // Read only when somebody filters by it.
    program.taken(&publish("l", "String.Array", "StringValue", "no JSON"));
}

#[test]
fn ids_and_arns_that_are_none_are_refused() {
    let program = Program::start("ids");
    let fifo = |group: &str, id: &str| {
        let ids = [("TopicArn", FIFO), ("Message", "m"), ("MessageGroupId", group), ("MessageDeduplicationId", id)];
        form("Publish", &ids)
    };
    let (longest, longer) = ("a".repeat(128), "a".repeat(129));
    program.taken(&fifo(&longest, &longest));
    for (group, id) in [("", "d"), ("g", ""), (&longer, "d"), ("g", &longer), ("g g", "d"), ("g", "é"), ("g", "\n")] {
        program.refused(&fifo(group, id), 400, "InvalidParameter");
    }
    program.taken(&form("Publish", &[("TopicArn", TOPIC), ("Message", "m"), ("MessageGroupId", "g")]));
    for (arn, status, code) in [
        ("", 400, "InvalidParameter"),
        ("arn:aws:sns:us-east-1:000000000000:", 400, "InvalidParameter"),
        ("arn:aws:sqs:us-east-1:000000000000:topic", 400, "InvalidParameter"),
        ("arn:aws:sns:us-east-1:000000000000:a b", 400, "InvalidParameter"),
        ("arn:aws:sns::000000000000:topic", 400, "InvalidParameter"),
        (":::::::::::", 400, "InvalidParameter"),
        ("arn:aws:sns:us-east-1:000000000000:none", 404, "NotFound"),
    ] {
        program.refused(&form("Publish", &[("TopicArn", arn), ("Message", "m")]), status, code);
        program.refused(&form("GetTopicAttributes", &[("TopicArn", arn)]), status, code);
    }
    let three = [("TopicArn", TOPIC), ("TargetArn", TOPIC), ("PhoneNumber", "+15550100"), ("Message", "m")];
    program.refused(&form("Publish", &three), 400, "InvalidParameter");
}

#[test]
fn policies_that_are_deep_or_full_of_repetition_are_refused_at_once() {
    let program = Program::start("policies");
    let deep = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    let wide = format!(r#"{{"a":[{}]}}"#, vec![r#""v""#; 20_000].join(","));
    let branches = (0..12).fold(r#"{"a":["v"]}"#.to_owned(), |inner, _| format!(r#"{{"$or":[{inner},{inner}]}}"#));
    let stars = format!(r#"{{"a":[{{"wildcard":"{}"}}]}}"#, "a*".repeat(1000));
    for name in ["FilterPolicy", "RedrivePolicy", "DeliveryPolicy"] {
        for policy in [&deep, &wide, &branches, &stars, "[", "\"", "nul", "\u{feff}{}", "1e999"] {
            let parameters = [
                ("TopicArn", TOPIC),
                ("Protocol", "http"),
                ("Endpoint", "http://example.com/"),
                ("Attributes.entry.1.key", name),
                ("Attributes.entry.1.value", policy),
            ];
            let message = program.refused(&form("Subscribe", &parameters), 400, "InvalidParameter");
            let shown: String = policy.chars().take(40).collect();
            assert!(message.starts_with("Invalid parameter: Attributes Reason: "), "{name} {shown}: {message}");
            assert!(message.contains(name), "{name} {shown}: {message}");
        }
    }
    for name in ["DeliveryPolicy", "Policy", "ArchivePolicy"] {
        let parameters = [("TopicArn", FIFO), ("AttributeName", name), ("AttributeValue", deep.as_str())];
        program.refused(&form("SetTopicAttributes", &parameters), 400, "InvalidParameter");
    }
    let structured = [("TopicArn", TOPIC), ("MessageStructure", "json"), ("Message", deep.as_str())];
    program.refused(&form("Publish", &structured), 400, "InvalidParameter");
    program.refused(
        &form("Publish", &[("TopicArn", TOPIC), ("MessageStructure", "xml"), ("Message", "{}")]),
        400,
        "InvalidParameter",
    );
}
