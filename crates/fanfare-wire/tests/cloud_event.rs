//! Events that messages are, and messages that events become.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use fanfare_core::{Message, MessageBuilder, Notification, Publication, Timestamp, TopicArn};
use fanfare_wire::CloudEvent;
use proptest::prelude::*;

/// The event of a message on a topic, in JSON.
fn event(message: MessageBuilder) -> String {
    let topic = TopicArn::parse("arn:aws:sns:us-east-1:111111111111:orders").unwrap();
    let publication =
        Publication::new("id-1", topic, Timestamp::from_unix_ms(1_767_323_045_678), message.build().unwrap());
    CloudEvent::of(&Notification::new(publication, "http")).to_json()
}

const MADE: &str = concat!(
    r#"{"specversion":"1.0","id":"id-1","source":"arn:aws:sns:us-east-1:111111111111:orders","#,
    r#""type":"fanfare.sns.notification","#
);

#[test]
fn a_message_is_an_event_with_what_every_event_has_first_and_the_data_last() {
    let json = event(Message::builder("a \"parcel\"").subject("News"));
    let rest = concat!(
        r#""datacontenttype":"text/plain","subject":"News","time":"2026-01-02T03:04:05.678Z","#,
        r#""data":"a \"parcel\""}"#
    );
    assert_eq!(json, format!("{MADE}{rest}"));
}

#[test]
fn objects_and_arrays_are_json_and_other_texts_are_texts() {
    for (text, rest) in [
        ("[1, 2]", r#""datacontenttype":"application/json","time":"2026-01-02T03:04:05.678Z","data":[1, 2]}"#),
        ("42", r#""datacontenttype":"text/plain","time":"2026-01-02T03:04:05.678Z","data":"42"}"#),
        ("{not json}", r#""datacontenttype":"text/plain","time":"2026-01-02T03:04:05.678Z","data":"{not json}"}"#),
    ] {
        assert_eq!(event(Message::builder(text)), format!("{MADE}{rest}"), "{text}");
    }
}

#[test]
fn attributes_become_extensions_whose_names_are_free() {
    let message = Message::builder("x").string("Store-Name", "a").string("storename", "b").string("ID", "c");
    let message = message.string("__", "d").string("data", "e").number("size", 5);
    let rest =
        r#""datacontenttype":"text/plain","size":"5","storename":"a","time":"2026-01-02T03:04:05.678Z","data":"x"}"#;
    assert_eq!(event(message), format!("{MADE}{rest}"));
}

#[test]
fn a_message_that_lacks_what_every_event_has_is_none() {
    let message = Message::builder("x").string("ce-specversion", "1.0").string("ce-id", "1").string("ce-source", "/s");
    assert!(event(message).starts_with(MADE));
}

#[test]
fn a_place_in_a_group_is_told() {
    let json = event(Message::builder("x").group_id("g"));
    assert!(json.contains(r#""partitionkey":"g""#), "{json}");
}

proptest! {
    /// Whatever comes in: it is refused, or it goes out as it came in.
    #[test]
    fn an_event_survives_being_a_message(
        source in "[!-~]{1,20}",
        subject in "\\PC{1,20}",
        number in any::<i32>(),
        data in prop_oneof![
            Just(None),
            "\\PC{1,30}".prop_map(|text| Some(serde_json::Value::String(text))),
            any::<i64>().prop_map(|number| Some(serde_json::json!({ "n": [number, null, true] }))),
        ],
    ) {
        let mut given = serde_json::json!({
            "specversion": "1.0", "id": "1", "source": source, "type": "t", "subject": subject, "extension": number,
        });
        if let Some(data) = data {
            given["data"] = data;
        }
        let read = CloudEvent::from_json(given.to_string().as_bytes()).unwrap();
        let back: serde_json::Value = serde_json::from_str(&event(read.to_message())).unwrap();
        prop_assert_eq!(back, given);
    }

    /// Nothing that is not an event makes the reader panic.
    #[test]
    fn any_bytes_are_an_event_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = CloudEvent::from_json(&bytes);
        let _ = CloudEvent::batch_from_json(&bytes);
    }
}
