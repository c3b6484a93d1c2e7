//! `subs_1m`, `topics_100k`: what very many subscriptions and topics cost.

use super::memory::scanned;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::process;
use crate::roles::Role;
use crate::roles::crowd::CrowdTask;
use crate::row::{Row, Target, Unit};
use crate::sample::Sample;
use crate::server::Server;
use crate::statistics::Spread;

pub(super) fn subscriptions(context: &Context) -> Result<Vec<Row>> {
    let subscriptions = context.of(1_000_000, 30_000, 300);
    let (plain, _, _) = crowd(context, subscriptions, false, 1)?;
    // As many as were made in the time that there is.
    let subscriptions = plain.items;
    let (filtered, bytes, read) = crowd(context, subscriptions, true, 1)?;
    let with_policy = filtered.items;
    let few = subscriptions.div_ceil(1000);
    let (of_few, _, _) = crowd(context, few, false, 1000.min(subscriptions / few))?;
    let of = |sample: &Sample, name: &str| Spread::of([sample.figure(name)]);
    let memory = format!("memory of each of {subscriptions} subscriptions of one topic");
    let floor = read + filtered.figure("parse");
    Ok(vec![
        Row::of("subs_memory", &memory, Unit::Bytes, Target::AtMost(300.0), of(&plain, "bytes"))?
            .beside("made", of(&plain, "made"), Unit::PerSecond),
        Row::of("subs_memory_filtered", &format!("memory of each of {with_policy} subscriptions, each with a policy"), Unit::Bytes, Target::AtMost(650.0), of(&filtered, "bytes"))?
            .beside("made", of(&filtered, "made"), Unit::PerSecond),
        Row::of("subs_bookkeeping", "until publish answers, for each subscription", Unit::Nanoseconds, Target::AtMost(200.0), of(&plain, "publish_ns"))?
            .beside("filtered", of(&filtered, "publish_ns"), Unit::Nanoseconds),
        Row::once(
            "subs_deliveries",
            &format!("deliveries/s of one message to {subscriptions} over those of many to {few}, to endpoints that only count"),
            Unit::Ratio,
            Target::AtLeast(0.8),
            plain.rate() / of_few.rate(),
        )?
        .beside("to all", Spread::of([plain.rate()]), Unit::PerSecond)
        .beside("to few", Spread::of([of_few.rate()]), Unit::PerSecond),
        Row::once(
            "restart_subs",
            &format!("opening {with_policy} filtered subscriptions over reading the bytes and the policies"),
            Unit::Ratio,
            Target::AtMost(1.5),
            filtered.figure("open") / floor,
        )?
        .beside("open", of(&filtered, "open"), Unit::Seconds)
        .beside("read", Spread::of([read]), Unit::Seconds)
        .beside("policies", of(&filtered, "parse"), Unit::Seconds)
        .beside("on disk", Spread::of([bytes as f64 / 1e6]), Unit::Megabytes),
    ])
}

/// What a crowd came to, the bytes of its store, and the seconds that reading them takes.
fn crowd(context: &Context, subscriptions: u64, filtered: bool, messages: u64) -> Result<(Sample, u64, f64)> {
    let place = context.place();
    let (directory, seconds_max) = (place.path().to_owned(), context.of(300.0, 5.0, 5.0));
    let task = CrowdTask { directory, subscriptions, seconds_max, filtered, messages };
    let sample = process::perform(&Role::Crowd(task))?;
    let (bytes, seconds) = scanned(place.path())?;
    Ok((sample, bytes, seconds))
}

pub(super) fn topics(context: &Context) -> Result<Vec<Row>> {
    let topics = context.of(100_000, 2_000, 200);
    let server = Server::start(context)?;
    let before = server.memory()?.resident_kb;
    let form = |action: &str, name: &str| format!("Action={action}&{name}topic-{{number}}&Version=2010-03-31");
    let made = server.load(64, topics, form("CreateTopic", "Name="))?;
    let grown = server.memory()?.resident_kb.saturating_sub(before) as f64 * 1024.0 / topics as f64;
    let topic_pages = growth(&pages(&server, "Action=ListTopics", topics)?);
    let deleted = server.load(64, topics, form("DeleteTopic", "TopicArn=arn:aws:sns:us-east-1:000000000000:"))?;
    // Queues need no confirmation, and nothing is published to them.
    let topic = server.create_topic("large")?;
    let queue = "arn:aws:sqs:us-east-1:000000000000:queue-{number}";
    let subscribe = format!("Action=Subscribe&TopicArn={topic}&Protocol=sqs&Endpoint={queue}&Version=2010-03-31");
    let subscribed = server.load(64, topics, subscribe)?;
    let list = format!("Action=ListSubscriptionsByTopic&TopicArn={topic}");
    let subscription_pages = growth(&pages(&server, &list, topics)?);
    let row = |name, figure: &str, (first, ratio): (f64, f64)| {
        let row = Row::once(name, figure, Unit::Ratio, Target::AtMost(1.5), ratio)?;
        Ok::<_, Failure>(row.beside("a page", Spread::of([first * 1e6]), Unit::Microseconds))
    };
    Ok(vec![
        Row::once("topics_memory", &format!("memory of each of {topics} topics"), Unit::Bytes, Target::None, grown)?
            .beside("made", Spread::of([made.rate()]), Unit::PerSecond)
            .beside("deleted", Spread::of([deleted.rate()]), Unit::PerSecond)
            .beside("subscriptions made", Spread::of([subscribed.rate()]), Unit::PerSecond),
        row("topics_pages", "the last pages of ListTopics over the first ones", topic_pages)?,
        row("subs_pages", "the last pages of ListSubscriptionsByTopic over the first ones", subscription_pages)?,
    ])
}

/// What one of the first pages takes, in seconds, and one of the last over it.
fn growth(pages: &[f64]) -> (f64, f64) {
    let tenth = (pages.len() / 10).max(1);
    let middle = |pages: &[f64]| Spread::of(pages.iter().copied()).map_or(f64::NAN, |spread| spread.median);
    let (first, last) = (middle(&pages[..tenth]), middle(&pages[pages.len() - tenth..]));
    (first, last / first)
}

/// How long each page of the list takes, in seconds.
fn pages(server: &Server, list: &str, count: u64) -> Result<Vec<f64>> {
    let (mut pages, mut found, mut token) = (Vec::new(), 0, String::new());
    loop {
        let begun = std::time::Instant::now();
        let page = server.call(&format!("{list}&NextToken={}&Version=2010-03-31", crate::form::encoded(&token)))?;
        pages.push(begun.elapsed().as_secs_f64());
        found += page.matches("<member>").count() as u64;
        let Some((_, rest)) = page.split_once("<NextToken>") else { break };
        token = rest.split_once("</NextToken>").map(|(token, _)| token.to_owned()).unwrap_or_default();
    }
    match found == count {
        true => Ok(pages),
        false => Err(Failure::new(format!("{found} of {count} are listed"))),
    }
}
