//! What the filter index costs: load rate, memory, and CPU time per event and per match, beside asking every policy.
//!
//! `cargo bench -p fanfare-core --bench filter [largest number of policies]`. CPU time is the kernel's count for the thread.
#![allow(clippy::print_stdout, reason = "this is what it is for")]
#![allow(clippy::cast_precision_loss, reason = "figures for people")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

mod workload;

use std::alloc::System;
use std::fs;
use std::hint::black_box;

use cap::Cap;
use fanfare_core::Attributes;
use fanfare_core::filter::{Event, FilterIndex, FilterPolicy, FilterPolicyScope};

use workload::Workload;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

fn main() {
    let largest = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(1_000_000);
    parse();
    for workload in [Workload::Tenants, Workload::Mixed] {
        for policies in [1000, 10_000, 100_000, 1_000_000].into_iter().filter(|policies| *policies <= largest) {
            measure(workload, policies);
        }
    }
}

fn measure(workload: Workload, count: u64) {
    let texts: Vec<String> = (0..count).map(|number| workload.policy(number)).collect();
    let before = ALLOCATOR.allocated();
    let index = FilterIndex::new();
    let load = cpu(|| {
        for (key, text) in texts.iter().enumerate() {
            index.insert(key as u64, Some(&FilterPolicy::parse(text, FilterPolicyScope::MessageBody).unwrap()));
        }
    });
    let bytes = (ALLOCATOR.allocated() - before) as f64 / count as f64;

    let attributes = Attributes::new();
    let events: Vec<String> = (0..10_000).map(|number| workload.event(number, count)).collect();
    let asked = if workload == Workload::Mixed && count >= 100_000 { &events[..500] } else { &events[..] };
    let mut best = f64::INFINITY;
    let mut matches = 0;
    for _ in 0..5 {
        matches = 0;
        let took = cpu(|| {
            for event in asked {
                matches += black_box(index.matches(&Event::new(&attributes, event))).keys.len();
            }
        });
        best = best.min(took / asked.len() as f64);
    }
    let matches = matches as f64 / asked.len() as f64;

    // More of them would only wait for memory.
    let few = &texts[..texts.len().min(100_000)];
    let naive =
        naive(few, &events[..if count > 10_000 { 5 } else { 300 }], &attributes) * count as f64 / few.len() as f64;
    println!(
        "{workload:?} {count:>8} policies: {:>7.0} policies/s loaded, {bytes:>5.0} B each; {best:>8.2} us/event, \
         {matches:>7.1} matches, {:>6.2} us/match; every policy asked {naive:>8.1} us/event ({:.0} times)",
        count as f64 / load * 1e6,
        best / matches,
        naive / best
    );
}

fn naive(texts: &[String], events: &[String], attributes: &Attributes) -> f64 {
    let policies: Vec<_> =
        texts.iter().map(|text| FilterPolicy::parse(text, FilterPolicyScope::MessageBody).unwrap()).collect();
    let took = cpu(|| {
        for event in events {
            let event = Event::new(attributes, event);
            black_box(policies.iter().filter(|policy| policy.matches(&event).is_match()).count());
        }
    });
    took / events.len() as f64
}

/// Five policies and an event of 800 bytes of which they look at little, beside the same event made a `serde_json::Value`.
fn parse() {
    let mut event = r#"{"tenant":"t-0000001","type":"order.created","lines":["#.to_owned();
    while event.len() < 760 {
        event.push_str(r#"{"sku":"AB-123456","count":3,"price":12.50,"gift":false,"note":null},"#);
    }
    event.push_str(r#"{}],"vip":true}"#);
    let index = FilterIndex::new();
    for number in 0..5 {
        let policy = Workload::Tenants.policy(number);
        index.insert(number, Some(&FilterPolicy::parse(&policy, FilterPolicyScope::MessageBody).unwrap()));
    }
    let attributes = Attributes::new();
    let rounds = 20_000;
    let (mut ours, mut theirs) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..5 {
        ours = ours.min(cpu(|| {
            for _ in 0..rounds {
                black_box(index.matches(&Event::new(&attributes, black_box(&event))));
            }
        }));
        theirs = theirs.min(cpu(|| {
            for _ in 0..rounds {
                black_box(serde_json::from_str::<serde_json::Value>(black_box(&event)).unwrap());
            }
        }));
    }
    let (ours, theirs) = (ours / f64::from(rounds), theirs / f64::from(rounds));
    println!("{} bytes, 5 policies: {ours:.2} us/event, as a Value {theirs:.2} us: {:.2}", event.len(), ours / theirs);
}

/// The CPU time of the thread that `act` takes, in microseconds. The kernel counts in steps of some milliseconds, so what is
/// shorter has no figure.
fn cpu(act: impl FnOnce()) -> f64 {
    let now = || -> f64 {
        let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        text.split(' ').next().unwrap().parse().unwrap()
    };
    let before = now();
    act();
    (now() - before) / 1000.0
}
