//! Why figures are missed, and what would be needed: what profiles of the server have shown.

/// The reason by the beginning of a row's name, the longest first.
const REASONS: &[(&str, &str)] = &[
    ("http_fanout_1000", "As with a hundred endpoints, for a thousand lanes and their connections."),
    (
        "http_fanout",
        "A delivery is an exchange, two fifths of the processor time in the kernel; a fifth of all is allocation, a tenth is the \
         store's thread, and a fifteenth the signature. The rest is hyper's connection, the lane, timers, and what observers \
         count. Needed: one buffer for head and body of a request and none for its headers.",
    ),
    ("tls_fanout", "As over HTTP: what a delivery costs beside its exchange is the same."),
    (
        "fanout_n1_raw",
        "A message to one endpoint is logged twice, as Publish answers before it is delivered, where Publish alone is once. A lane \
         that falls a thousand behind has rows in the database, which are settled there. Needed: a log that settles those too.",
    ),
    (
        "durable_append",
        "What is logged goes into the database a few megabytes at a time, on the thread that logs: nearly half of its time, with a \
         body written twice more on the way. Needed: bodies that stay in the log, of which the database knows the place.",
    ),
    (
        "append_vs_nats",
        "NATS answers when the operating system has a message, and we when the disk has it. Beside that as `durable_append`, and what \
         a publish is checked and counted for. Needed: bodies that stay in the log.",
    ),
    (
        "e2e_latency_100",
        "One thread makes the deliveries of all endpoints one after the other, and shares two cores with the sink.",
    ),
    (
        "e2e_latency",
        "A message goes from the caller's thread to the store's and back, and to the one that delivers, while a signer makes its \
         signature: threads to wake one after the other, each from sleep at 20 messages a second. More endpoints are delivered \
         to one after the other on top. Needed: fewer threads on the way.",
    ),
    (
        "durable_publish_lat",
        "A trace of the system calls shows two steps to another thread beside the sync, to the store's and back; the rest is some \
         70 µs of processor time for a call that is read, checked, kept and answered.",
    ),
    ("filter_tenant", "Finding the policy costs less than reading the event, which is what is left."),
    ("filter_flatness", "Tables of a million policies no longer fit into the processor's caches."),
    (
        "backlog",
        "What waits is in the database; what grows in memory is its cache of pages, and a lane's first thousand. The writer's thread \
         shares a core with the healthy endpoint.",
    ),
    (
        "restart",
        "Two fifths of the processor time parse the policies, as the denominator does. An eighth each goes to SQLite's pages, to the \
         JSON of the records and to filing the policies in the index of their topic, a sixth to memory that is touched for the first \
         time; the rest makes rows and what they are found by. Pages are read, made into rows on all cores, and filed by one thread, \
         all at the same time. Needed: policies in fewer pieces of memory, and records that are read with less work than JSON.",
    ),
    (
        "subs_memory",
        "With few subscriptions it is the store's cache of pages; of a million, a row, its address and what it is found by take some \
         260 bytes each.",
    ),
    ("subs_http_memory", "As `subs_memory`; beside it, what the callers' connections hold."),
    (
        "subs_bookkeeping",
        "Publish notes each lane that is to be told, counts what each has waiting, and writes a row for each thousand. A profile \
         shows two thirds of it in the two tables of the store, which get an entry for each lane. Needed: lanes that are begun \
         from the row, not one by one.",
    ),
    (
        "subs_deliveries",
        "Each delivery begins and ends a lane of its own. A profile shows a fifth of it in settling them one by one, a quarter in \
         the store's thread, an eighth in reading the subscription from its row; a quarter of all is allocation. Needed: lanes of \
         one message that begin, settle and end together.",
    ),
    (
        "idle_memory",
        "Four fifths are pages of the program's own file, 41 MB with the SDKs that are built without optimisation here: what a start \
         touches lies all over it, and the kernel maps sixteen pages around each. What it has allocated is 4.5 MB. Needed: a \
         smaller program, or one whose parts that every start needs lie together.",
    ),
    (
        "peer_moto",
        "moto keeps everything in memory and signs nothing; at one subscriber, a sync and a signature are what we take.",
    ),
];

/// Why the row `name` is missed; nothing when nobody has looked.
pub(super) fn reason(name: &str) -> Option<&'static str> {
    REASONS.iter().find(|(beginning, _)| name.starts_with(beginning)).map(|(_, reason)| *reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_beginning_counts() {
        assert!(reason("http_fanout_1000").unwrap().contains("a thousand lanes"));
        assert!(reason("http_fanout_cpu").unwrap().contains("an exchange"));
        assert_eq!(reason("nothing_of_ours"), None);
    }
}
