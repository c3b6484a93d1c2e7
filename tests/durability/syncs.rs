//! When the program syncs, as the system sees it: before every answer, and once for answers that are given together.

use std::collections::BTreeMap;
use std::fs;

use crate::scene::Scene;
use crate::worker_process::Worker;

/// What the system saw, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Event {
    /// A sync of the log, or of the database's own, began.
    SyncBegan,
    /// One of them succeeded.
    SyncEnded,
    /// It was written that a publish begins.
    Tried(String),
    /// An answer is about to be written.
    Acked(String),
}

#[tokio::test]
#[ignore = "needs strace"]
async fn every_answer_waits_for_a_sync_of_its_own_when_publishes_come_one_by_one() {
    let events = traced("one-by-one", 50, 1).await;
    assert_every_answer_follows_a_sync(&events, 50);
    let mut synced = 0;
    for event in events {
        match event {
            Event::SyncEnded => synced += 1,
            Event::Acked(text) => {
                assert!(synced >= 1, "no sync since the answer before {text}");
                synced = 0;
            }
            Event::SyncBegan | Event::Tried(_) => {}
        }
    }
}

#[tokio::test]
#[ignore = "needs strace"]
async fn publishes_that_come_together_share_a_sync() {
    let events = traced("together", 640, 64).await;
    assert_every_answer_follows_a_sync(&events, 640);
    let first = events.iter().position(|event| matches!(event, Event::Tried(_))).unwrap();
    let syncs = events[first..].iter().filter(|event| **event == Event::SyncEnded).count();
    assert!(syncs < 640 / 2, "{syncs} syncs for 640 answers");
}

/// Between the beginning of a publish and its answer, a sync has begun and ended.
fn assert_every_answer_follows_a_sync(events: &[Event], answers: usize) {
    let mut acked = 0;
    for (at, event) in events.iter().enumerate() {
        let Event::Acked(text) = event else { continue };
        let tried = events.iter().position(|event| *event == Event::Tried(text.clone())).unwrap();
        let meanwhile = &events[tried..at];
        let began = meanwhile.iter().position(|event| *event == Event::SyncBegan);
        let ended = meanwhile.iter().rposition(|event| *event == Event::SyncEnded);
        assert!(began.is_some_and(|began| Some(began) < ended), "{text} was answered without a sync");
        acked += 1;
    }
    assert_eq!(acked, answers);
}

/// Publishes to nobody, so that nothing but publishing syncs, and tells what the system saw.
async fn traced(name: &str, count: usize, publishers: usize) -> Vec<Event> {
    let mut scene = Scene::new(name).await;
    let trace = scene.beside("trace");
    let path = trace.to_str().unwrap().to_owned();
    let strace = ["strace", "-f", "-y", "-s", "200", "-e", "trace=fsync,fdatasync,write", "-o", &path];
    let mut worker = Worker::start(scene.command(&strace));
    let published = scene.publish(&mut worker, count, publishers, 10).await;
    assert_eq!(published.acked, count, "{:?}", published.refused);
    scene.stop(worker).await;
    let events = events(&fs::read_to_string(&trace).unwrap());
    scene.clean_up();
    events
}

/// Reads what `strace -f -y` writes: a line for each call, or two when calls of other threads come in between.
fn events(trace: &str) -> Vec<Event> {
    let mut events = Vec::new();
    let mut unfinished = BTreeMap::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.trim_start().split_once(' ') else { continue };
        let call = call.trim_start();
        if let Some(begun) = call.strip_suffix(" <unfinished ...>") {
            events.extend(began(begun));
            unfinished.insert(thread.to_owned(), begun.to_owned());
        } else if call.starts_with("<... ") {
            let begun = unfinished.remove(thread).unwrap_or_default();
            events.extend(ended(&begun, call));
        } else {
            events.extend(began(call));
            events.extend(ended(call, call));
        }
    }
    events
}

fn began(call: &str) -> Option<Event> {
    match said(call) {
        Some(("ack", rest)) => Some(Event::Acked(rest.split_once(' ')?.1.to_owned())),
        _ => is_sync(call).then_some(Event::SyncBegan),
    }
}

/// `line` is what the end of the call was written on.
fn ended(call: &str, line: &str) -> Option<Event> {
    match said(call) {
        Some(("try", rest)) => Some(Event::Tried(rest.to_owned())),
        _ => (is_sync(call) && line.ends_with("= 0")).then_some(Event::SyncEnded),
    }
}

fn is_sync(call: &str) -> bool {
    (call.starts_with("fdatasync(") || call.starts_with("fsync("))
        && (call.contains("/fanfare.db-log>") || call.contains("/fanfare.db-wal>"))
}

/// The first word and the rest of a line that was written to standard output.
fn said(call: &str) -> Option<(&str, &str)> {
    let line = call.strip_prefix("write(1<")?.split_once(">, \"")?.1.split_once("\\n\"")?.0;
    line.split_once(' ')
}

#[test]
fn a_trace_is_read_in_the_order_of_what_happened() {
    let trace = r#"7  write(1<pipe:[3]>, "try orders a 1 0 parcel\n", 24) = 24
8  fdatasync(9</s/fanfare.db-wal> <unfinished ...>
7  write(1<pipe:[3]>, "try orders b 1 0 parcel\n", 24 <unfinished ...>
8  <... fdatasync resumed>)         = 0
7  <... write resumed>)             = 24
8  fsync(9</s/fanfare.db>)          = 0
8  fdatasync(9</s/fanfare.db-wal>)  = -1 EIO (Input/output error)
7  write(1<pipe:[3]>, "ack id orders a 1 0 parcel\n", 27) = 27
"#;
    let tried = |text: &str| Event::Tried(text.to_owned());
    let expected = [
        tried("orders a 1 0 parcel"),
        Event::SyncBegan,
        Event::SyncEnded,
        tried("orders b 1 0 parcel"),
        Event::SyncBegan,
        Event::Acked("orders a 1 0 parcel".to_owned()),
    ];
    assert_eq!(events(trace), expected);
}
