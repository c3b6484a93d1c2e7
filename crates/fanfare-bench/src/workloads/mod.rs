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
    /// Measures it.
    pub(crate) run: fn(&Context) -> Result<Vec<Row>>,
}

/// Every workload, in the order that they run.
pub(crate) fn all() -> Vec<Workload> {
    vec![
        Workload { name: "http_fanout_100", about: "one message to 100 HTTP endpoints", run: fanout::to_100 },
        Workload { name: "http_fanout_1000", about: "one message to 1,000 HTTP endpoints", run: fanout::to_1000 },
        Workload { name: "tls_fanout", about: "one message to 100 HTTPS endpoints", run: fanout::over_tls },
        Workload { name: "fanout_n1_signed", about: "each message to one HTTP endpoint", run: signed::signed },
        Workload { name: "fanout_n1_raw", about: "the same without an envelope", run: signed::raw },
        Workload { name: "durable_publish_http", about: "Publish over HTTP, 64 callers", run: publishing::throughput },
        Workload { name: "durable_publish_lat", about: "Publish over HTTP, one caller", run: publishing::latency },
        Workload { name: "durable_append", about: "publish through the library", run: keeping::append },
        Workload { name: "append_vs_nats", about: "the same beside NATS JetStream", run: nats::append },
        Workload { name: "e2e_latency", about: "from publisher to subscriber", run: latency::end_to_end },
        Workload { name: "filter_tenant", about: "policies that each want a tenant's events", run: filters::tenants },
        Workload { name: "filter_mixed", about: "policies of all kinds", run: filters::mixed },
        Workload { name: "filter_parse", about: "few policies, large events", run: filters::parse },
        Workload { name: "slow_isolation", about: "healthy endpoints beside ill ones", run: isolation::isolation },
        Workload { name: "hang_memory", about: "attempts that nobody answers", run: memory::hanging },
        Workload { name: "backlog_memory", about: "a dead endpoint's queue, and a restart", run: memory::backlog },
        Workload { name: "subs_1m", about: "very many subscriptions", run: scale::subscriptions },
        Workload { name: "topics_100k", about: "very many topics", run: scale::topics },
        Workload { name: "idle", about: "a server that nobody calls", run: idle::idle },
        Workload { name: "peers", about: "another server, moto", run: peers::peers },
    ]
}
