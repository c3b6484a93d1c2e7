//! The suite that every endpoint passes, over each way to phones.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

mod given;

mod kannel {
    fanfare_testkit::conformance! {
        subject: crate::given::kannel::Kannel,
        cases: {
            delivers_the_text_unchanged,
            delivers_unicode,
            delivers_control_characters,
            delivers_the_largest_message = ignore("a text message has at most 1600 characters"),
            a_message_of_any_size_is_delivered_or_rejected,
            delivers_the_subject = ignore("a text message has no subject"),
            delivers_attributes_of_every_type = ignore("a text message has no attributes"),
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
            keeps_the_message_id_on_every_attempt = ignore("a text message has no id"),
            delivers_concurrently_without_mixing,
            a_cancelled_delivery_leaves_the_endpoint_usable,
            display_and_debug_show_no_secret,
            names_its_protocol,
            settles_each_slot_of_a_batch,
            delivers_a_full_batch,
            leaves_settled_slots_alone,
        }
    }
}

mod twilio {
    fanfare_testkit::conformance! {
        subject: crate::given::twilio::Twilio,
        cases: {
            delivers_the_text_unchanged,
            delivers_unicode,
            delivers_control_characters,
            delivers_the_largest_message = ignore("a text message has at most 1600 characters"),
            a_message_of_any_size_is_delivered_or_rejected,
            delivers_the_subject = ignore("a text message has no subject"),
            delivers_attributes_of_every_type = ignore("a text message has no attributes"),
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
            keeps_the_message_id_on_every_attempt = ignore("a text message has no id"),
            delivers_concurrently_without_mixing,
            a_cancelled_delivery_leaves_the_endpoint_usable,
            display_and_debug_show_no_secret,
            names_its_protocol,
            settles_each_slot_of_a_batch,
            delivers_a_full_batch,
            leaves_settled_slots_alone,
        }
    }
}

mod smpp {
    fanfare_testkit::conformance! {
        subject: crate::given::smpp::Smpp,
        cases: {
            delivers_the_text_unchanged,
            delivers_unicode,
            delivers_control_characters,
            delivers_the_largest_message = ignore("a text message has at most 1600 characters"),
            a_message_of_any_size_is_delivered_or_rejected,
            delivers_the_subject = ignore("a text message has no subject"),
            delivers_attributes_of_every_type = ignore("a text message has no attributes"),
            raw_delivery_carries_the_text_alone,
            an_accepted_notification_gives_a_receipt,
            a_passing_failure_is_retried,
            a_lasting_refusal_is_rejected,
            throttling_is_retried,
            throttling_carries_the_delay_that_the_peer_asks_for = ignore("smpp has no way to say it"),
            a_peer_that_is_not_there_is_retried,
            a_peer_that_never_answers_ends_in_a_timeout,
            a_connection_that_breaks_is_retried,
            recovers_when_the_peer_comes_back,
            errors_are_one_lower_case_line,
            tries_once_for_each_call,
            keeps_the_message_id_on_every_attempt = ignore("a text message has no id"),
            delivers_concurrently_without_mixing,
            a_cancelled_delivery_leaves_the_endpoint_usable,
            display_and_debug_show_no_secret,
            names_its_protocol,
            settles_each_slot_of_a_batch,
            delivers_a_full_batch,
            leaves_settled_slots_alone,
        }
    }
}

mod sns {
    fanfare_testkit::conformance! {
        subject: crate::given::sns::Sns,
        cases: {
            delivers_the_text_unchanged,
            delivers_unicode,
            delivers_control_characters,
            delivers_the_largest_message = ignore("a text message has at most 1600 characters"),
            a_message_of_any_size_is_delivered_or_rejected,
            delivers_the_subject = ignore("a text message has no subject"),
            delivers_attributes_of_every_type = ignore("a text message has no attributes"),
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
            keeps_the_message_id_on_every_attempt = ignore("a text message has no id"),
            delivers_concurrently_without_mixing,
            a_cancelled_delivery_leaves_the_endpoint_usable,
            display_and_debug_show_no_secret,
            names_its_protocol,
            settles_each_slot_of_a_batch,
            delivers_a_full_batch,
            leaves_settled_slots_alone,
        }
    }
}
