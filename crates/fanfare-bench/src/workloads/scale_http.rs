//! `subs_http`, `topics_100k`: what very many topics, and subscriptions of one topic, cost over HTTP.

use std::fs;
use std::io::Write as _;
use std::time::Instant;

use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::row::{Row, Target, Unit};
use crate::sample::Sample;
use crate::server::Server;
use crate::statistics::Spread;

/// Calls at a time.
const CALLERS: usize = 64;

/// Makes the subscriptions, lists all of them page by page, and ends them one by one.
pub(super) fn subscriptions(context: &Context) -> Result<Vec<Row>> {
    let count = context.of(1_000_000, 20_000, 200);
    let server = Server::start(context)?;
    let topic = server.create_topic("large")?;
    let memory = || Ok::<_, Failure>(server.memory()?.resident_kb as f64 * 1024.0);
    let before = memory()?;
    // Queues need no confirmation, and nothing is published to them.
    let subscribe = |half: &str| -> Result<(Sample, f64)> {
        let before = memory()?;
        let queue = format!("arn:aws:sqs:us-east-1:000000000000:queue-{half}-{{number}}");
        let form = format!("Action=Subscribe&TopicArn={topic}&Protocol=sqs&Endpoint={queue}&Version=2010-03-31");
        let made = server.load(CALLERS, count / 2, form)?;
        Ok((made, (memory()? - before).max(0.0) / (count / 2) as f64))
    };
    let made = [subscribe("a")?, subscribe("b")?];
    let grown = (memory()? - before).max(0.0) / count as f64;
    let list = format!("Action=ListSubscriptionsByTopic&TopicArn={topic}");
    let listed = pages(&server, &list, count, "SubscriptionArn")?;
    let place = context.place();
    fs::create_dir_all(place.path())?;
    let words = place.path().join("subscriptions");
    let end = |names: &[String]| -> Result<Sample> {
        let mut file = std::io::BufWriter::new(fs::File::create(&words)?);
        names.iter().try_for_each(|name| writeln!(file, "{name}"))?;
        file.flush()?;
        let form = "Action=Unsubscribe&SubscriptionArn={word}&Version=2010-03-31".to_owned();
        server.load_each(CALLERS, names.len() as u64, form, &words)
    };
    let (first, last) = listed.names.split_at(listed.names.len() / 2);
    let ended = [end(first)?, end(last)?];
    pages(&server, &list, 0, "SubscriptionArn")?;
    let grown_in_all = (memory()? - before).max(0.0) / count as f64;
    let seconds = |halves: [&Sample; 2]| Spread::of([halves[0].seconds + halves[1].seconds]);
    let p99 = |halves: [&Sample; 2]| Spread::of(halves.map(|half| half.p99_us));
    let of_each = made.each_ref().map(|(_, grown)| *grown);
    let (made, ended) = (made.each_ref().map(|(made, _)| made), ended.each_ref());
    Ok(vec![
        Row::once(
            "subs_http_memory",
            &format!("memory of each of {count} subscriptions of one topic, made over HTTP"),
            Unit::Bytes,
            Target::AtMost(300.0),
            grown,
        )?
        .noise(Spread::of_repeats(&of_each))
        .beside("when all have ended, and are remembered", Spread::of([grown_in_all]), Unit::Bytes),
        Row::repeated(
            "subs_http_made",
            "Subscribe/s, until all were made, by halves",
            Unit::PerSecond,
            Target::None,
            &made.map(Sample::rate),
        )?
        .beside("in", seconds(made), Unit::Seconds)
        .beside("p99", p99(made), Unit::Microseconds),
        listed.row("subs_pages", "ListSubscriptionsByTopic")?,
        Row::repeated(
            "subs_http_ended",
            "Unsubscribe/s, until none was left, by halves",
            Unit::PerSecond,
            Target::None,
            &ended.map(Sample::rate),
        )?
        .beside("in", seconds(ended), Unit::Seconds)
        .beside("p99", p99(ended), Unit::Microseconds),
    ])
}

/// Makes the topics, lists all of them page by page, and deletes them one by one.
pub(super) fn topics(context: &Context) -> Result<Vec<Row>> {
    let topics = context.of(100_000, 2_000, 200);
    let server = Server::start(context)?;
    let form = |action: &str, name: &str| format!("Action={action}&{name}-{{number}}&Version=2010-03-31");
    let make = |half: &str| -> Result<(Sample, f64)> {
        let before = server.memory()?.resident_kb;
        let made = server.load(CALLERS, topics / 2, form("CreateTopic", &format!("Name={half}")))?;
        let grown = server.memory()?.resident_kb.saturating_sub(before) as f64 * 1024.0;
        Ok((made, grown / (topics / 2) as f64))
    };
    let made = [make("a")?, make("b")?];
    let listed = pages(&server, "Action=ListTopics", topics, "TopicArn")?;
    let delete = |half: &str| {
        let arn = format!("TopicArn=arn:aws:sns:us-east-1:000000000000:{half}");
        server.load(CALLERS, topics / 2, form("DeleteTopic", &arn))
    };
    let deleted = [delete("a")?, delete("b")?];
    pages(&server, "Action=ListTopics", 0, "TopicArn")?;
    Ok(vec![
        Row::repeated(
            "topics_memory",
            &format!("memory of each of {topics} topics, by halves"),
            Unit::Bytes,
            Target::None,
            &made.each_ref().map(|(_, grown)| *grown),
        )?
        .beside("made", Spread::of(made.each_ref().map(|(made, _)| made.rate())), Unit::PerSecond)
        .beside("deleted", Spread::of(deleted.each_ref().map(Sample::rate)), Unit::PerSecond),
        listed.row("topics_pages", "ListTopics")?,
    ])
}

/// A list of many pages.
struct Listed {
    /// How long each page took.
    seconds: Vec<f64>,
    /// What was listed.
    names: Vec<String>,
}

impl Listed {
    /// The row of its pages.
    fn row(&self, name: &str, operation: &str) -> Result<Row> {
        let (page, growth) = self.growth();
        let figure = format!("the last pages of {operation} over the first ones");
        Ok(Row::once(name, &figure, Unit::Ratio, Target::AtMost(1.5), growth)?
            .noise(self.noise())
            .beside("a page", Spread::of([page * 1e6]), Unit::Microseconds)
            .beside("all pages", Spread::of([self.seconds.iter().sum()]), Unit::Seconds))
    }

    /// What one of the first pages takes, in seconds, and one of the last over it.
    fn growth(&self) -> (f64, f64) {
        let pages = &self.seconds;
        let tenth = (pages.len() / 10).max(1);
        let middle = |pages: &[f64]| Spread::of(pages.iter().copied()).map_or(f64::NAN, |spread| spread.median);
        let (first, last) = (middle(&pages[..tenth]), middle(&pages[pages.len() - tenth..]));
        (first, last / first)
    }

    /// What the middle page of each twentieth of the first tenth comes to over that of the other.
    fn noise(&self) -> Option<Spread> {
        let twentieth = (self.seconds.len() / 20).max(1);
        let halves = self.seconds.chunks(twentieth).take(2);
        let medians: Vec<_> = halves.filter_map(|half| Some(Spread::of(half.iter().copied())?.median)).collect();
        Spread::of_repeats(&medians)
    }
}

/// Every page of the list, on which `count` things are to be named in elements of that name, each once.
fn pages(server: &Server, list: &str, count: u64, element: &str) -> Result<Listed> {
    let (mut seconds, mut names, mut token) = (Vec::new(), Vec::new(), String::new());
    let (opening, closing) = (format!("<{element}>"), format!("</{element}>"));
    loop {
        let begun = Instant::now();
        let page = server.call(&format!("{list}&NextToken={}&Version=2010-03-31", crate::form::encoded(&token)))?;
        seconds.push(begun.elapsed().as_secs_f64());
        let found = page.split(&opening).skip(1).filter_map(|rest| rest.split_once(&closing));
        names.extend(found.map(|(name, _)| name.to_owned()));
        let Some((_, rest)) = page.split_once("<NextToken>") else { break };
        token = rest.split_once("</NextToken>").map(|(token, _)| token.to_owned()).unwrap_or_default();
    }
    let mut different: Vec<&String> = names.iter().collect();
    different.sort_unstable();
    different.dedup();
    match different.len() as u64 == count && names.len() as u64 == count {
        true => Ok(Listed { seconds, names }),
        false => {
            Err(Failure::new(format!("{} are listed, {} of them different, of {count}", names.len(), different.len())))
        }
    }
}
