//! The workloads, each with what it is compared with.

mod fanout;
mod filters;
mod idle;
mod isolation;
mod keeping;
mod latency;
mod memory;
mod nats;
mod peers;
mod publishing;
mod scale;
mod scale_http;
mod signed;

use crate::context::Context;
use crate::failure::Result;
use crate::row::Row;

/// Something that is measured.
pub(crate) struct Workload {
    /// The word for the command line.
    pub(crate) name: &'static str,
    /// What is measured, in a few words.
    pub(crate) about: &'static str,
    /// Whether it is part of a run of everything.
    pub(crate) when: When,
    /// Measures it.
    pub(crate) run: fn(&Context) -> Result<Vec<Row>>,
}

/// Whether a workload is part of a run of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// It is.
    Always,
    /// It takes too long, and runs when it is asked for.
    Named,
}

/// Every workload, in the order that they run.
pub(crate) fn all() -> Vec<Workload> {
    let always = |name, about, run: fn(&Context) -> Result<Vec<Row>>| Workload { name, about, when: When::Always, run };
    vec![
        always("http_fanout_100", "one message to 100 HTTP endpoints", fanout::to_100),
        always("http_fanout_1000", "one message to 1,000 HTTP endpoints", fanout::to_1000),
        always("tls_fanout", "one message to 100 HTTPS endpoints", fanout::over_tls),
        always("fanout_n1_signed", "each message to one HTTP endpoint", signed::signed),
        always("fanout_n1_raw", "the same without an envelope", signed::raw),
        always("durable_publish_http", "Publish over HTTP, 64 callers", publishing::throughput),
        always("durable_publish_lat", "Publish over HTTP, one caller", publishing::latency),
        always("durable_append", "publish through the library", keeping::append),
        always("append_vs_nats", "the same beside NATS JetStream", nats::append),
        always("e2e_latency", "from publisher to subscriber", latency::end_to_end),
        always("filter_tenant", "policies that each want a tenant's events", filters::tenants),
        always("filter_mixed", "policies of all kinds", filters::mixed),
        always("filter_parse", "few policies, large events", filters::parse),
        always("slow_isolation", "healthy endpoints beside ill ones", isolation::isolation),
        always("hang_memory", "attempts that nobody answers", memory::hanging),
        always("backlog_memory", "a dead endpoint's queue, and a restart", memory::backlog),
        always("subs_1m", "very many subscriptions", scale::subscriptions),
        always("subs_http", "very many subscriptions over HTTP", scale_http::subscriptions),
        Workload {
            name: "subs_12m",
            about: "as many subscriptions as Amazon SNS allows; a fifth with --quick",
            when: When::Named,
            run: scale::most_subscriptions,
        },
        always("topics_100k", "very many topics", scale_http::topics),
        always("idle", "a server that nobody calls", idle::idle),
        always("peers", "another server, moto", peers::peers),
    ]
}
