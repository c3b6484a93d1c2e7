//! What many topics and many subscriptions cost the program: time and memory to make, list and delete them over HTTP.
//!
//! `cargo bench -p fanfare-server --bench scale [-- TOPICS SUBSCRIPTIONS]`, 100,000 and 1,000,000 unless said otherwise; once in
//! memory and once on disk. Rates depend on the machine, and the client shares it; memory and the flatness of the pages are
//! what counts.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints its figures and stops where it fails")]

mod program;

use std::time::{Duration, Instant};

use program::Program;
use tokio::task::JoinSet;

/// Calls at a time.
const CALLERS: usize = 64;

#[tokio::main]
async fn main() {
    let mut counts = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let (topics, subscriptions) = (counts.next().unwrap_or(100_000), counts.next().unwrap_or(1_000_000));
    let directory = std::env::temp_dir().join(format!("fanfare-scale-{}", std::process::id()));
    println!("{:<10}{:<44}{:>12}{:>14}{:>12}", "store", "what", "time", "rate", "memory");
    for store in ["memory", "disk"] {
        let place: Vec<String> = match store {
            "disk" => vec!["--data".to_owned(), directory.display().to_string()],
            _ => vec!["--memory".to_owned()],
        };
        let program = Program::start(&place);
        let report = |what: String, count: usize, took: Duration| {
            let rate = format!("{:.0}/s", count as f64 / took.as_secs_f64());
            println!("{store:<10}{what:<44}{:>10.2} s{rate:>14}{:>9.0} MB", took.as_secs_f64(), program.memory_mb());
        };
        println!("{store:<10}{:<44}{:>12}{:>14}{:>9.0} MB", "just started", "", "", program.memory_mb());

        let took = many(&program, topics, |n| format!("Action=CreateTopic&Name=topic-{n:07}")).await;
        report(format!("make {topics} topics"), topics, took);
        let (took, pages) = listed(&program, "Action=ListTopics", topics).await;
        report(format!("list them by pages{}", spread(&pages)), topics, took);
        let took =
            many(&program, topics, |n| format!("Action=DeleteTopic&TopicArn={}topic-{n:07}", program.arn(""))).await;
        report("delete them".to_owned(), topics, took);

        program.call("Action=CreateTopic&Name=large").await;
        let topic = program.arn("large");
        let subscribe = |n| {
            format!(
                "Action=Subscribe&TopicArn={topic}&Protocol=sqs&Endpoint=arn:aws:sqs:us-east-1:000000000000:q-{n:07}"
            )
        };
        let took = many(&program, subscriptions, subscribe).await;
        report(format!("make {subscriptions} subscriptions to one topic"), subscriptions, took);
        let list = format!("Action=ListSubscriptionsByTopic&TopicArn={topic}");
        let (took, pages) = listed(&program, &list, subscriptions).await;
        report(format!("list them by pages{}", spread(&pages)), subscriptions, took);
        let begun = Instant::now();
        program.call(&format!("Action=GetTopicAttributes&TopicArn={topic}")).await;
        report("count them".to_owned(), 1, begun.elapsed());
        let begun = Instant::now();
        program.call(&format!("Action=DeleteTopic&TopicArn={topic}")).await;
        report("delete the topic with them".to_owned(), subscriptions, begun.elapsed());
    }
    let _ = std::fs::remove_dir_all(directory);
}

/// How long `count` calls take, [`CALLERS`] at a time.
async fn many(program: &Program, count: usize, call: impl Fn(usize) -> String) -> Duration {
    let begun = Instant::now();
    let mut calls = JoinSet::new();
    for number in 0..count {
        if calls.len() == CALLERS {
            calls.join_next().await.unwrap().unwrap();
        }
        let (program, call) = (program.caller(), call(number));
        calls.spawn(async move { drop(program.call(&call).await) });
    }
    calls.join_all().await;
    begun.elapsed()
}

/// How long it takes to list everything, and each page of it.
async fn listed(program: &Program, call: &str, count: usize) -> (Duration, Vec<Duration>) {
    let (begun, mut pages, mut found, mut token) = (Instant::now(), Vec::new(), 0, String::new());
    loop {
        let page = Instant::now();
        let answer = program.call(&format!("{call}&NextToken={}", token.replace('=', "%3D").replace('+', "%2B"))).await;
        pages.push(page.elapsed());
        found += answer.matches("<member>").count();
        let Some((_, rest)) = answer.split_once("<NextToken>") else { break };
        token = rest.split_once("</NextToken>").unwrap().0.to_owned();
    }
    assert_eq!(found, count, "every item is listed once");
    (begun.elapsed(), pages)
}

/// The middle of the first tenth of the pages, and of the last.
fn spread(pages: &[Duration]) -> String {
    let middle = |pages: &[Duration]| {
        let mut pages = pages.to_vec();
        pages.sort();
        pages[pages.len() / 2].as_secs_f64() * 1000.0
    };
    let tenth = (pages.len() / 10).max(1);
    format!(" (first {:.1} ms, last {:.1} ms)", middle(&pages[..tenth]), middle(&pages[pages.len() - tenth..]))
}
