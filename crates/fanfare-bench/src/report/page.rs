//! The page about a run: `README.md` of this crate.

use std::fmt::Write as _;

use super::pictures::Picture;
use super::reasons::reason;
use crate::row::{Row, Target};
use crate::suite::Results;

const OPENING: &str = "\
# What Fanfare costs

Absolute rates say more about a machine than about a program. So every figure here is divided by that of something bare which
does the same work on the same machine in the same minute: a bare HTTP client over the same connections, a file that is appended
to and synced, a server that does nothing, one core that signs. The two sides take turns; a result is the median of all
rounds, with its range. Noise is what the denominator came to over itself in the same rounds, or, where nothing is divided, the
figure over that of the round before.

```console
$ cargo xtask bench                   # everything, about half an hour
$ cargo xtask bench --quick           # a look
$ cargo xtask bench http_fanout_100   # one workload
$ cargo xtask bench --list
$ cargo xtask bench --page            # everything, and this page anew
```

It builds the server with optimisation (but for Amazon's SDKs, which nothing here calls) and measures it as a process of its
own, on a disk, with signed calls. Subscribers are a hand-written sink in another process, load comes from a third, and all of
them share the machine's cores: rates would be higher with the other sides elsewhere. Processor time is that of the server
alone, from publish to the answer of the last subscriber. No figure makes the command fail.

This page and its pictures are written by that command: to change them, change `src/report`.
";

const CLOSING: &str = "
## What stands beside what

| workload | ours | beside it |
| --- | --- | --- |
| `http_fanout_*` | the server: 512 bytes published with 16 callers, an envelope of about 1.5 KB to each endpoint | hyper's `client::conn::http1`, and reqwest, one thread, as many connections, bodies and headers of the same size |
| `tls_fanout` | the same over HTTPS | hyper over rustls with aws-lc-rs |
| `fanout_n1_signed` | each message to one endpoint, so that each needs a signature | signing on one core with the same code, times the threads that the server signs on |
| `fanout_n1_raw` | the same with `RawMessageDelivery`: no signature | Publish to a topic that nobody subscribes to |
| `durable_publish_http` | Publish with Signature Version 4, kept on disk, 1 KB, 64 callers | a bare hyper server that reads the request and answers 300 bytes |
| `durable_publish_lat` | the same, one caller | the sync of a file, and the bare server |
| `durable_append_*` | `Fanfare::publish` on a store on disk, so many at a time | `write` and `fdatasync` of so many records |
| `append_vs_nats` | the same, 256 at a time | NATS JetStream by its Rust client: in a file, which is synced now and then |
| `e2e_latency_*` | 20 messages a second, from the caller's clock to the subscriber's | a sync, a signature and two exchanges |
| `filter_*` | matching an event of 150 (`filter_parse`: 800) bytes | reading it as a `serde_json::Value`; asking each policy |
| `slow_isolation*` | 35 healthy endpoints beside 5 that hang, 5 that take 5 s and 5 that answer 503 | the same 35 alone |
| `hang_memory` | the server's memory with 10,000 attempts that nobody answers | |
| `backlog_*`, `restart_backlog` | a million notifications for an endpoint that hangs; the next start | the same without; reading the store's files |
| `subs_*`, `restart_subs` | a million subscriptions of one topic, through the library: made, published to, kept through a restart, and ended | a thousand messages to a thousand; reading the files and parsing the policies |
| `subs_http_*`, `subs_pages` | a million subscriptions of one topic over HTTP: 64 callers make them, all pages are listed and counted, 64 callers end them one by one, and none is listed | the first pages |
| `subs_most_*` | as many subscriptions as Amazon SNS allows, when asked for by its name alone (`subs_12m`) | |
| `topics_*` | 100,000 topics over HTTP: made, listed by all pages, deleted one by one | the first pages |
| `idle_*` | a server that nobody calls | |
| `peer_moto_*` | the server | moto's server, which keeps everything in memory and signs nothing |

Amazon SNS lets a topic have 12,500,000 subscriptions. On a machine with 2 cores and 24 GiB they took 225 bytes each, 2.8 GB in
all, 5.6 GB at the most while one message went to every one of them, and 4.7 GB of disk; all were made, published to, found again
by another start, and ended. `cargo xtask bench subs_12m` does it again.

With `--quick` the numbers are smaller. Amazon's filter engine (Java) and servers that no registry has are not run; the targets
of `filter_*` and `peer_*` come from measurements of them on a machine of this kind.
";

/// The page.
pub(super) fn text(results: &Results, pictures: &[Picture]) -> String {
    let mut page = OPENING.to_owned();
    let aimed = results.rows.iter().filter(|row| row.target != Target::None);
    let met = aimed.clone().filter(|row| row.is_met()).count();
    let extent = if results.full { "" } else { " This was a `--quick` run, which is for a look only." };
    let _ = writeln!(
        page,
        "\n## Results\n\n{met} of {} targets met, {} on {}.{extent}\n",
        aimed.count(),
        results.begun,
        results.machine
    );
    for picture in pictures {
        let _ = writeln!(page, "![{}](plots/{})\n", picture.says, picture.file);
    }
    page.push_str("| | what | target | result | range | noise | measured beside | command |\n");
    page.push_str("| --- | --- | --- | --- | --- | --- | --- | --- |\n");
    results.rows.iter().for_each(|row| line(&mut page, row));
    let missed: Vec<_> = results.rows.iter().filter(|row| !row.is_met()).collect();
    if !missed.is_empty() {
        page.push_str("\n## What is missed, and why\n\n");
        for row in missed {
            let why = match row.why.as_str() {
                "" => reason(&row.name).unwrap_or("Not yet looked into."),
                why => why,
            };
            let (name, target) = (&row.name, row.target_shown());
            let result = row.unit.shown(row.result.median);
            let _ = writeln!(
                page,
                "- **{name}**, {result} where {target} is aimed at. {why} (`cargo xtask bench {}`)",
                row.workload
            );
        }
    }
    page + CLOSING
}

fn line(page: &mut String, row: &Row) {
    let shown = |value| row.unit.shown(value);
    let verdict = match row.target {
        Target::None => "",
        _ if row.is_met() => " ✓",
        _ => " ✗",
    };
    let range = if row.result.low < row.result.high {
        format!("{} to {}", shown(row.result.low), shown(row.result.high))
    } else {
        String::new()
    };
    let noise = match row.noise {
        Some(noise) => format!("{:.2} to {:.2}", noise.low, noise.high),
        // Zeros have no ratio: what they lie between is in the range.
        None => "—".to_owned(),
    };
    let _ = writeln!(
        page,
        "| `{}` | {} | {} | **{}**{verdict} | {range} | {noise} | {} | `cargo xtask bench {}` |",
        row.name,
        row.figure,
        row.target_shown(),
        shown(row.result.median),
        row.beside_shown(),
        row.workload
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Unit;

    #[test]
    fn a_row_that_misses_says_why_and_one_that_meets_does_not() {
        let row = |name, result, why| {
            Row::once(name, "a over b", Unit::Ratio, Target::AtLeast(0.9), result).unwrap().why(why)
        };
        let rows = vec![row("good", 0.95, "hidden"), row("bad", 0.5, "It waits.")];
        let results = Results { begun: "today".into(), machine: "a machine".into(), full: true, seconds: 1.0, rows };
        let page = text(&results, &[]);
        assert!(page.contains("1 of 2 targets met, today on a machine."), "{page}");
        assert!(page.contains("| `good` | a over b | ≥ 0.90 | **0.95** ✓ |"), "{page}");
        assert!(page.contains("- **bad**, 0.50 where ≥ 0.90 is aimed at. It waits."), "{page}");
        assert!(!page.contains("hidden"), "{page}");
    }
}
