//! The suite that every store passes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod given;

use std::sync::Arc;

use async_trait::async_trait;
use fanfare_core::store::Store;
use fanfare_store_disk::{DiskOptions, DiskStore};
use fanfare_testkit::store_conformance::{Bounds, Subject};
use given::Place;

const BOUNDS: Bounds = Bounds { recent_messages: 50, lane_deliveries: Some(300), dead_letters: Some(40) };

struct DiskSubject {
    // Before the place, which is gone when the store has closed.
    store: Arc<dyn Store>,
    place: Place,
}

fn open(place: Place) -> DiskSubject {
    let mut options = DiskOptions::default();
    options.recent_messages_max = BOUNDS.recent_messages;
    options.lane_deliveries_max = 300;
    options.lane_dead_letters_max = 40;
    // Small, so that messages are read back from the disk and not from memory.
    options.memory_bytes_max = 4096;
    DiskSubject { store: Arc::new(DiskStore::open(place.store(), options).unwrap()), place }
}

#[async_trait]
impl Subject for DiskSubject {
    async fn open() -> Self {
        open(Place::new())
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    async fn reopen(self) -> Option<Self> {
        let Self { store, place } = self;
        assert_eq!(Arc::strong_count(&store), 1, "nobody else has the store");
        drop(store);
        Some(open(place))
    }

    fn bounds(&self) -> Bounds {
        BOUNDS
    }
}

fanfare_testkit::store_conformance! {
    subject: DiskSubject,
    cases: {
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
        a_delivery_is_due_when_it_is_accepted,
        a_retry_is_hidden_until_its_time,
        what_has_been_due_for_longest_comes_first,
        attempts_are_counted_for_each_stage,
        next_due_tells_of_the_first_that_is_not_taken,
        nothing_of_a_group_is_taken_before_its_predecessor_is_settled,
        a_retry_and_a_dead_letter_on_its_way_hold_their_group_back,
        other_groups_go_on,
        messages_without_a_group_are_a_group,
        next_due_passes_over_what_a_group_holds_back,
        a_repeated_message_answers_the_first,
        a_message_after_the_window_is_accepted,
        repeated_messages_do_not_renew_the_window,
        other_keys_are_other_messages,
        sweeping_leaves_open_windows,
        a_delivery_on_its_way_to_the_dead_letters_starts_afresh,
        dead_letters_are_listed_oldest_first,
        the_oldest_dead_letters_leave_first,
        redriven_dead_letters_are_fresh_deliveries,
        redriving_moves_the_counters_back,
        the_state_tells_where_a_message_stands,
        a_lane_tells_how_much_it_holds,
        archived_messages_are_found_by_time,
        the_archive_is_paged_by_number,
        replayed_messages_are_delivered_again,
        replaying_passes_over_what_waits_already,
        what_has_left_the_archive_is_not_replayed,
        dropping_an_archive_leaves_other_topics,
        recent_messages_are_remembered,
        messages_are_remembered_while_something_needs_them,
        messages_are_forgotten_when_nothing_needs_them,
        attempts_are_logged_in_order,
        attempts_are_told_apart_by_subscription,
        attempts_of_what_is_settled_already_are_not_logged,
        the_latest_attempts_of_a_subscription_come_first,
        a_new_registry_is_empty,
        records_of_every_kind_come_back,
        records_are_replaced,
        removed_records_are_gone,
        removing_what_is_not_there_is_no_error,
        changes_of_one_call_are_made_in_order,
        a_store_says_whether_it_outlives_the_process,
        what_was_appended_survives_reopening,
        taken_deliveries_come_back_after_reopening,
        settlements_survive_reopening,
        numbers_go_on_after_reopening,
        deduplication_survives_reopening,
        archives_and_attempts_survive_reopening,
        the_registry_survives_reopening,
        concurrent_appends_are_all_kept,
        concurrent_takes_share_the_deliveries,
        an_append_that_is_cancelled_happens_wholly_or_not_at_all,
        a_random_walk_in_the_order_of_time_agrees_with_the_model,
        a_random_walk_in_the_order_of_groups_agrees_with_the_model,
        a_random_walk_with_reopenings_agrees_with_the_model,
    }
}
