//! Each broken endpoint fails the cases that look for its fault, and no other; each case is failed by some endpoint.

use fanfare_testkit::broken::Fault;
use fanfare_testkit::conformance::CASES;
use fanfare_testkit::memory::MemorySubject;

/// The names of the cases that a subject with `fault` fails.
async fn failed_by(fault: Fault) -> Vec<&'static str> {
    let mut failed = Vec::new();
    for (name, case) in CASES {
        let run = tokio::spawn(async move { case(&MemorySubject::with(fault)).await });
        if run.await.is_err_and(|error| error.is_panic()) {
            failed.push(*name);
        }
    }
    failed
}

/// Makes a test of each fault, from the cases that it fails.
macro_rules! noticed {
    ($($name:ident: $fault:ident [$($case:ident)*])*) => {
        $(
            // Time is paused, so that an endpoint that waits for ever is given up at once.
            #[tokio::test(start_paused = true)]
            async fn $name() {
                assert_eq!(failed_by(Fault::$fault).await, [$(stringify!($case)),*]);
            }
        )*

        /// The cases that a test here shows to fail.
        const FAILED: &[&str] = &[$($(stringify!($case)),*),*];
    };
}

#[test]
fn each_case_is_failed_by_some_endpoint() {
    let never: Vec<_> = CASES.iter().map(|(name, _)| *name).filter(|name| !FAILED.contains(name)).collect();
    assert_eq!(never, [""; 0]);
}

noticed! {
    truncated_texts_are_noticed: TruncatesText [
        delivers_the_largest_message
        a_message_of_any_size_is_delivered_or_rejected
    ]
    lost_unicode_is_noticed: LosesUnicode [delivers_unicode]
    lost_control_characters_are_noticed: LosesControlCharacters [delivers_control_characters]
    trimmed_texts_are_noticed: TrimsText [delivers_the_text_unchanged]
    retries_of_what_is_too_large_are_noticed: RetriesTheTooLarge [a_message_of_any_size_is_delivered_or_rejected]
    lost_subjects_are_noticed: LosesSubject [delivers_the_subject]
    lost_types_are_noticed: LosesTypes [delivers_attributes_of_every_type]
    envelopes_for_raw_subscribers_are_noticed: IgnoresRawDelivery [raw_delivery_carries_the_text_alone]
    receipts_for_nothing_are_noticed: AnswersWithoutDelivering [
        delivers_the_text_unchanged
        delivers_unicode
        delivers_control_characters
        delivers_the_largest_message
        a_message_of_any_size_is_delivered_or_rejected
        delivers_the_subject
        delivers_attributes_of_every_type
        raw_delivery_carries_the_text_alone
        an_accepted_notification_gives_a_receipt
        a_passing_failure_is_retried
        a_lasting_refusal_is_rejected
        throttling_is_retried
        throttling_carries_the_delay_that_the_peer_asks_for
        a_peer_that_is_not_there_is_retried
        a_peer_that_never_answers_ends_in_a_timeout
        a_connection_that_breaks_is_retried
        recovers_when_the_peer_comes_back
        errors_are_one_lower_case_line
        tries_once_for_each_call
        keeps_the_message_id_on_every_attempt
        delivers_concurrently_without_mixing
        a_cancelled_delivery_leaves_the_endpoint_usable
        display_and_debug_show_no_secret
        settles_each_slot_of_a_batch
        delivers_a_full_batch
        leaves_settled_slots_alone
    ]
    lost_status_numbers_are_noticed: LosesStatus [an_accepted_notification_gives_a_receipt]
    rejected_passing_failures_are_noticed: RejectsPassingFailures [a_passing_failure_is_retried]
    retried_refusals_are_noticed: RetriesRefusals [a_lasting_refusal_is_rejected settles_each_slot_of_a_batch]
    overlooked_throttling_is_noticed: OverlooksThrottling [throttling_is_retried]
    forgotten_delays_are_noticed: ForgetsTheDelay [throttling_carries_the_delay_that_the_peer_asks_for]
    rejected_absent_peers_are_noticed: RejectsAbsentPeers [a_peer_that_is_not_there_is_retried]
    rejected_broken_connections_are_noticed: RejectsBrokenConnections [a_connection_that_breaks_is_retried]
    retries_inside_a_call_are_noticed: RetriesInside [tries_once_for_each_call]
    double_deliveries_are_noticed: DeliversTwice [
        delivers_the_text_unchanged
        delivers_unicode
        delivers_control_characters
        delivers_the_largest_message
        a_message_of_any_size_is_delivered_or_rejected
        delivers_the_subject
        delivers_attributes_of_every_type
        raw_delivery_carries_the_text_alone
        recovers_when_the_peer_comes_back
        tries_once_for_each_call
        keeps_the_message_id_on_every_attempt
        delivers_concurrently_without_mixing
        a_cancelled_delivery_leaves_the_endpoint_usable
        settles_each_slot_of_a_batch
        delivers_a_full_batch
        leaves_settled_slots_alone
    ]
    a_missing_time_limit_is_noticed: HasNoTimeLimit [a_peer_that_never_answers_ends_in_a_timeout]
    an_endpoint_that_stays_broken_is_noticed: StaysBroken [
        recovers_when_the_peer_comes_back
        tries_once_for_each_call
        settles_each_slot_of_a_batch
        leaves_settled_slots_alone
    ]
    an_endpoint_that_breaks_when_cancelled_is_noticed: BreaksWhenCancelled [
        a_cancelled_delivery_leaves_the_endpoint_usable
    ]
    changed_ids_are_noticed: ChangesTheIdOnRetry [keeps_the_message_id_on_every_attempt]
    mixed_up_callers_are_noticed: MixesUpCallers [delivers_concurrently_without_mixing]
    slots_settled_alike_are_noticed: SettlesAllSlotsAlike [settles_each_slot_of_a_batch]
    slots_left_open_are_noticed: StopsAtTheFirstFailure [settles_each_slot_of_a_batch]
    repeated_slots_are_noticed: RepeatsTheLastSlot [settles_each_slot_of_a_batch delivers_a_full_batch]
    resent_batches_are_noticed: ResendsTheBatchBefore [leaves_settled_slots_alone]
    a_password_in_debug_is_noticed: LeaksInDebug [display_and_debug_show_no_secret]
    a_password_in_errors_is_noticed: LeaksInErrors [display_and_debug_show_no_secret]
    errors_in_prose_are_noticed: WritesProse [errors_are_one_lower_case_line]
    a_wrong_name_is_noticed: MisnamesItsProtocol [names_its_protocol]
}
