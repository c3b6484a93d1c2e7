//! The suite that every endpoint passes: text in, outcome out, the same for every protocol.
//!
//! An adapter implements [`Subject`] and answers every case in [`conformance!`](crate::conformance!): it runs, or it is
//! ignored with a reason. A case that is added to the suite breaks the build of each adapter until that answers it.

mod attempt;
mod batch;
mod conduct;
mod content;
mod outcome;
mod subject;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

pub use subject::{Behaviour, Received, ReceivedAttribute, Subject};

/// How long one case may take.
const CASE_TIME: Duration = Duration::from_secs(60);

/// A case, which panics when the subject does not pass.
pub type Case = for<'a> fn(&'a dyn Subject) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Names the cases once, and makes of them all that the suite needs.
macro_rules! suite {
    ($($theme:ident: { $($case:ident),* $(,)? })*) => {
        /// The cases as functions, to run one on a subject of any make.
        pub mod cases {
            $(pub use super::$theme::{$($case),*};)*
        }

        /// Every case with its name.
        pub const CASES: &[(&str, Case)] = &[$($((stringify!($case), |subject| Box::pin($theme::$case(subject)))),*),*];

        /// An answer to each case; its fields make sure that none is forgotten.
        #[derive(Debug)]
        pub struct Answered {
            $($(
                #[doc = concat!("[`", stringify!($case), "`](cases::", stringify!($case), ")")]
                pub $case: (),
            )*)*
        }
    };
}

suite! {
    content: {
        delivers_the_text_unchanged,
        delivers_unicode,
        delivers_control_characters,
        delivers_the_largest_message,
        a_message_of_any_size_is_delivered_or_rejected,
        delivers_the_subject,
        delivers_attributes_of_every_type,
        raw_delivery_carries_the_text_alone,
    }
    outcome: {
        an_accepted_notification_gives_a_receipt,
        a_passing_failure_is_retried,
        a_lasting_refusal_is_rejected,
        throttling_is_retried,
        throttling_carries_the_delay_that_the_peer_asks_for,
        a_peer_that_is_not_there_is_retried,
        a_peer_that_never_answers_ends_in_a_timeout,
        a_connection_that_breaks_is_retried,
        recovers_when_the_peer_comes_back,
        errors_are_one_lower_case_line,
    }
    conduct: {
        tries_once_for_each_call,
        keeps_the_message_id_on_every_attempt,
        delivers_concurrently_without_mixing,
        a_cancelled_delivery_leaves_the_endpoint_usable,
        display_and_debug_show_no_secret,
        names_its_protocol,
    }
    batch: {
        settles_each_slot_of_a_batch,
        delivers_a_full_batch,
        leaves_settled_slots_alone,
    }
}

/// Makes a test of each case for a [`Subject`](crate::conformance::Subject).
///
/// ```text
/// fanfare_testkit::conformance! {
///     subject: SmtpSubject,
///     cases: {
///         delivers_the_text_unchanged,
///         throttling_carries_the_delay_that_the_peer_asks_for = ignore("SMTP has no way to say it"),
///         …
///     }
/// }
/// ```
/// An ignored case that is run all the same, as with `--include-ignored`, passes while the subject fails it: once the
/// subject has learnt to pass, the test fails until the `ignore` is taken away.
///
/// Every case must stand there:
/// ```compile_fail,E0063
/// fanfare_testkit::conformance! {
///     subject: fanfare_testkit::memory::MemorySubject,
///     cases: { delivers_the_text_unchanged }
/// }
/// ```
#[macro_export]
macro_rules! conformance {
    (subject: $subject:ty, cases: { $($case:ident $(= ignore($reason:literal))?),* $(,)? } $(,)?) => {
        const _: $crate::conformance::Answered = $crate::conformance::Answered { $($case: ()),* };
        $($crate::conformance!(@test $subject, $case $(, $reason)?);)*
    };
    (@test $subject:ty, $case:ident) => {
        #[test]
        fn $case() {
            $crate::conformance::run::<$subject>(|subject| ::std::boxed::Box::pin($crate::conformance::cases::$case(subject)));
        }
    };
    (@test $subject:ty, $case:ident, $reason:literal) => {
        #[test]
        #[ignore = $reason]
        fn $case() {
            $crate::conformance::run_ignored::<$subject>(|subject| {
                ::std::boxed::Box::pin($crate::conformance::cases::$case(subject))
            });
        }
    };
}

/// Runs `case` on a fresh subject, on a runtime of its own.
///
/// # Panics
/// When the subject does not pass, or the case is not over after a minute.
pub fn run<S: Subject>(case: Case) {
    block_on(async { pass(S::start().await, case).await });
}

/// Runs `case`, which the subject is said not to pass.
///
/// # Panics
/// When the subject passes.
pub fn run_ignored<S: Subject>(case: Case) {
    let passes = block_on(async { tokio::spawn(async move { pass(S::start().await, case).await }).await.is_ok() });
    assert!(!passes, "the case is ignored, and yet it passes: take the `ignore` away");
}

async fn pass(subject: impl Subject, case: Case) {
    if tokio::time::timeout(CASE_TIME, case(&subject)).await.is_err() {
        panic!("the case was not over after {} s", CASE_TIME.as_secs());
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built").block_on(future)
}
