//! An endpoint without a fault passes every case.

fanfare_testkit::conformance! {
    subject: fanfare_testkit::memory::MemorySubject,
    cases: {
        delivers_the_text_unchanged,
        delivers_unicode,
        delivers_control_characters,
        delivers_the_largest_message,
        a_message_of_any_size_is_delivered_or_rejected,
        delivers_the_subject,
        delivers_attributes_of_every_type,
        raw_delivery_carries_the_text_alone,
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
        tries_once_for_each_call,
        keeps_the_message_id_on_every_attempt,
        delivers_concurrently_without_mixing,
        a_cancelled_delivery_leaves_the_endpoint_usable,
        display_and_debug_show_no_secret,
        names_its_protocol,
        settles_each_slot_of_a_batch,
        delivers_a_full_batch,
        leaves_settled_slots_alone,
    }
}

mod ignored {
    //! What an ignored case does when it is run all the same.

    use fanfare_testkit::conformance::{cases, run_ignored};
    use fanfare_testkit::memory::MemorySubject;

    #[test]
    fn an_ignored_case_that_fails_is_in_order() {
        run_ignored::<MemorySubject>(|_| Box::pin(async { panic!("the subject cannot do that") }));
    }

    #[test]
    #[should_panic(expected = "take the `ignore` away")]
    fn an_ignored_case_that_passes_is_noticed() {
        run_ignored::<MemorySubject>(|subject| Box::pin(cases::names_its_protocol(subject)));
    }
}
