//! The suite that every store passes: messages in, deliveries out, and nothing lost in between.
//!
//! A store implements [`Subject`] and answers every case in [`store_conformance!`](crate::store_conformance!): it runs, or
//! it is ignored with a reason. A case that is added to the suite breaks the build of each store until that answers it.

mod archive;
mod attempts;
mod concurrency;
mod dead_letters;
mod dedup;
mod groups;
mod model;
mod probe;
mod queue;
mod random;
mod recall;
mod registry;
mod reopening;
mod retries;
mod subject;
mod walk;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

pub use subject::{Bounds, Subject};

/// How long one case may take.
const CASE_TIME: Duration = Duration::from_secs(120);

/// A case, which panics when the subject does not pass.
pub type Case<S> = fn(S) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// Names the cases once, and makes of them all that the suite needs.
macro_rules! suite {
    ($($theme:ident: { $($case:ident),* $(,)? })*) => {
        /// The cases as functions, to run one on a subject of any make.
        pub mod cases {
            $(pub use super::$theme::{$($case),*};)*
        }

        /// Every case with its name.
        pub fn cases<S: Subject>() -> Vec<(&'static str, Case<S>)> {
            vec![$($((stringify!($case), |subject| Box::pin($theme::$case(subject)))),*),*]
        }

        /// An answer to each case; its fields make sure that none is forgotten.
        #[derive(Debug)]
        pub struct Answered {
            $($(
                #[doc = concat!("[`", stringify!($case), "`](fn@cases::", stringify!($case), ")")]
                pub $case: (),
            )*)*
        }
    };
}

suite! {
    queue: {
        appended_deliveries_are_taken_in_order,
        a_message_comes_back_as_it_was_published,
        the_largest_message_is_kept_whole,
        no_more_are_taken_than_asked_for,
        a_taken_delivery_is_hidden_until_it_is_settled,
        settling_again_does_nothing,
        settling_what_was_not_taken_does_nothing,
        an_entry_without_lanes_is_accepted,
        numbers_grow,
        confirmations_are_not_counted,
        lanes_are_independent,
        a_full_lane_refuses_for_itself_alone,
        clearing_leaves_what_is_taken,
        a_discarded_delivery_leaves_its_count_alone,
        waiting_lists_each_lane_with_its_first_time,
    }
    retries: {
        a_delivery_is_due_when_it_is_accepted,
        a_retry_is_hidden_until_its_time,
        what_has_been_due_for_longest_comes_first,
        attempts_are_counted_for_each_stage,
        next_due_tells_of_the_first_that_is_not_taken,
    }
    groups: {
        nothing_of_a_group_is_taken_before_its_predecessor_is_settled,
        a_retry_and_a_dead_letter_on_its_way_hold_their_group_back,
        other_groups_go_on,
        messages_without_a_group_are_a_group,
        next_due_passes_over_what_a_group_holds_back,
    }
    dedup: {
        a_repeated_message_answers_the_first,
        a_message_after_the_window_is_accepted,
        repeated_messages_do_not_renew_the_window,
        other_keys_are_other_messages,
        sweeping_leaves_open_windows,
    }
    dead_letters: {
        a_delivery_on_its_way_to_the_dead_letters_starts_afresh,
        dead_letters_are_listed_oldest_first,
        the_oldest_dead_letters_leave_first,
        redriven_dead_letters_are_fresh_deliveries,
        redriving_moves_the_counters_back,
        the_state_tells_where_a_message_stands,
        a_lane_tells_how_much_it_holds,
    }
    archive: {
        archived_messages_are_found_by_time,
        the_archive_is_paged_by_number,
        replayed_messages_are_delivered_again,
        replaying_passes_over_what_waits_already,
        what_has_left_the_archive_is_not_replayed,
        dropping_an_archive_leaves_other_topics,
    }
    recall: {
        recent_messages_are_remembered,
        messages_are_remembered_while_something_needs_them,
        messages_are_forgotten_when_nothing_needs_them,
    }
    attempts: {
        attempts_are_logged_in_order,
        attempts_are_told_apart_by_subscription,
        attempts_of_what_is_settled_already_are_not_logged,
        the_latest_attempts_of_a_subscription_come_first,
    }
    registry: {
        a_new_registry_is_empty,
        records_of_every_kind_come_back,
        records_are_replaced,
        removed_records_are_gone,
        removing_what_is_not_there_is_no_error,
        changes_of_one_call_are_made_in_order,
    }
    reopening: {
        a_store_says_whether_it_outlives_the_process,
        what_was_appended_survives_reopening,
        taken_deliveries_come_back_after_reopening,
        settlements_survive_reopening,
        numbers_go_on_after_reopening,
        deduplication_survives_reopening,
        archives_and_attempts_survive_reopening,
        the_registry_survives_reopening,
    }
    concurrency: {
        concurrent_appends_are_all_kept,
        concurrent_takes_share_the_deliveries,
        an_append_that_is_cancelled_happens_wholly_or_not_at_all,
    }
    walk: {
        a_random_walk_in_the_order_of_time_agrees_with_the_model,
        a_random_walk_in_the_order_of_groups_agrees_with_the_model,
        a_random_walk_with_reopenings_agrees_with_the_model,
    }
}

/// Makes a test of each case for a [`Subject`](crate::store_conformance::Subject).
///
/// ```text
/// fanfare_testkit::store_conformance! {
///     subject: DiskSubject,
///     cases: {
///         appended_deliveries_are_taken_in_order,
///         a_full_lane_refuses_for_itself_alone = ignore("lanes on disk have no bound of their own"),
///         …
///     }
/// }
/// ```
/// An ignored case that is run all the same, as with `--include-ignored`, passes while the subject fails it: once the
/// subject has learnt to pass, the test fails until the `ignore` is taken away.
///
/// Every case must stand there:
/// ```compile_fail,E0063
/// # use std::sync::Arc;
/// # use fanfare_core::store::{MemoryStore, Store};
/// # use fanfare_testkit::store_conformance::{Bounds, Subject};
/// # struct DiskSubject;
/// # #[async_trait::async_trait]
/// # impl Subject for DiskSubject {
/// #     async fn open() -> Self { Self }
/// #     fn store(&self) -> Arc<dyn Store> { Arc::new(MemoryStore::new()) }
/// #     async fn reopen(self) -> Option<Self> { None }
/// #     fn bounds(&self) -> Bounds {
/// #         Bounds { recent_messages: 10_000, lane_deliveries: None, dead_letters: None }
/// #     }
/// # }
/// fanfare_testkit::store_conformance! {
///     subject: DiskSubject,
///     cases: { appended_deliveries_are_taken_in_order }
/// }
/// ```
#[macro_export]
macro_rules! store_conformance {
    (subject: $subject:ty, cases: { $($case:ident $(= ignore($reason:literal))?),* $(,)? } $(,)?) => {
        const _: $crate::store_conformance::Answered = $crate::store_conformance::Answered { $($case: ()),* };
        $($crate::store_conformance!(@test $subject, $case $(, $reason)?);)*
    };
    (@test $subject:ty, $case:ident) => {
        #[test]
        fn $case() {
            $crate::store_conformance::run::<$subject>(|subject| {
                ::std::boxed::Box::pin($crate::store_conformance::cases::$case(subject))
            });
        }
    };
    (@test $subject:ty, $case:ident, $reason:literal) => {
        #[test]
        #[ignore = $reason]
        fn $case() {
            $crate::store_conformance::run_ignored::<$subject>(|subject| {
                ::std::boxed::Box::pin($crate::store_conformance::cases::$case(subject))
            });
        }
    };
}

/// Runs `case` on a fresh subject, on a runtime of its own.
///
/// # Panics
/// When the subject does not pass, or the case is not over after two minutes.
pub fn run<S: Subject>(case: Case<S>) {
    block_on(async { pass(S::open().await, case).await });
}

/// Runs `case`, which the subject is said not to pass.
///
/// # Panics
/// When the subject passes.
pub fn run_ignored<S: Subject>(case: Case<S>) {
    let passes = block_on(async { tokio::spawn(async move { pass(S::open().await, case).await }).await.is_ok() });
    assert!(!passes, "the case is ignored, and yet it passes: take the `ignore` away");
}

async fn pass<S: Subject>(subject: S, case: Case<S>) {
    if tokio::time::timeout(CASE_TIME, case(subject)).await.is_err() {
        panic!("the case was not over after {} s", CASE_TIME.as_secs());
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built").block_on(future)
}
