//! Each broken store fails the cases that look for its fault; each case is failed by some store, and passed by one that
//! is not broken.

mod store;

use fanfare_testkit::store_conformance::cases;

use self::store::{BrokenSubject, Fault};

/// The names of those of `names` that a store with `fault` fails.
async fn failed_by(fault: Fault, names: &[&'static str]) -> Vec<&'static str> {
    let mut failed = Vec::new();
    for (name, case) in cases::<BrokenSubject>() {
        if !names.contains(&name) {
            continue;
        }
        let run = tokio::spawn(async move { case(BrokenSubject::with(fault)).await });
        if run.await.is_err_and(|error| error.is_panic()) {
            failed.push(name);
        }
    }
    failed
}

/// Makes a test of each fault, from cases that must fail by it. Others may fail as well.
macro_rules! noticed {
    ($($name:ident: $fault:ident [$($case:ident)*])*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let looking = [$(stringify!($case)),*];
                assert_eq!(failed_by(Fault::$fault, &looking).await, looking);
            }
        )*

        /// The cases that a test here shows to fail.
        const FAILED: &[&str] = &[$($(stringify!($case)),*),*];
    };
}

#[tokio::test]
async fn a_store_without_a_fault_passes_every_case() {
    let all: Vec<_> = cases::<BrokenSubject>().iter().map(|(name, _)| *name).collect();
    assert_eq!(failed_by(Fault::Nothing, &all).await, [""; 0]);
}

#[test]
fn each_case_is_failed_by_some_store() {
    let names = cases::<BrokenSubject>().into_iter().map(|(name, _)| name);
    let never: Vec<_> = names.filter(|name| !FAILED.contains(name)).collect();
    assert_eq!(never, [""; 0]);
}

noticed! {
    a_store_that_appends_lane_by_lane_is_noticed: AppendsLaneByLane [
        messages_are_remembered_while_something_needs_them
        concurrent_appends_are_all_kept
        an_append_that_is_cancelled_happens_wholly_or_not_at_all
    ]
    a_store_that_loses_some_messages_is_noticed: LosesSomeMessages [
        a_full_lane_refuses_for_itself_alone
        concurrent_appends_are_all_kept
        concurrent_takes_share_the_deliveries
    ]
    a_store_that_shortens_messages_is_noticed: ShortensMessages [
        a_message_comes_back_as_it_was_published
        the_largest_message_is_kept_whole
        other_groups_go_on
        messages_without_a_group_are_a_group
    ]
    a_store_that_keeps_the_first_lane_alone_is_noticed: KeepsTheFirstLaneAlone [
        the_largest_message_is_kept_whole
        waiting_lists_each_lane_with_its_first_time
        redriving_moves_the_counters_back
        an_append_that_is_cancelled_happens_wholly_or_not_at_all
    ]
    a_store_that_refuses_empty_entries_is_noticed: RefusesEmptyEntries [
        an_entry_without_lanes_is_accepted
        a_repeated_message_answers_the_first
        archived_messages_are_found_by_time
    ]
    a_store_that_answers_one_number_is_noticed: AnswersOneNumber [
        an_entry_without_lanes_is_accepted
        numbers_grow
        numbers_go_on_after_reopening
    ]
    a_store_that_hides_refusals_is_noticed: HidesRefusals [
        a_full_lane_refuses_for_itself_alone
    ]
    a_store_that_forgets_windows_is_noticed: ForgetsWindows [
        a_repeated_message_answers_the_first
        a_message_after_the_window_is_accepted
        an_append_that_is_cancelled_happens_wholly_or_not_at_all
    ]
    a_store_that_ends_windows_late_is_noticed: EndsWindowsLate [
        a_message_after_the_window_is_accepted
        repeated_messages_do_not_renew_the_window
        deduplication_survives_reopening
    ]
    a_store_that_renews_windows_is_noticed: RenewsWindows [
        repeated_messages_do_not_renew_the_window
        sweeping_leaves_open_windows
        deduplication_survives_reopening
    ]
    a_store_that_answers_the_repeated_id_is_noticed: AnswersTheRepeatedId [
        a_repeated_message_answers_the_first
        a_message_after_the_window_is_accepted
        repeated_messages_do_not_renew_the_window
    ]
    a_store_that_blurs_keys_is_noticed: BlursKeys [
        other_keys_are_other_messages
    ]
    a_store_that_sweeps_open_windows_is_noticed: SweepsOpenWindows [
        sweeping_leaves_open_windows
        messages_are_forgotten_when_nothing_needs_them
    ]
    a_store_that_takes_backwards_is_noticed: TakesBackwards [
        appended_deliveries_are_taken_in_order
        confirmations_are_not_counted
        other_keys_are_other_messages
    ]
    a_store_that_takes_too_many_is_noticed: TakesTooMany [
        appended_deliveries_are_taken_in_order
        no_more_are_taken_than_asked_for
        what_has_been_due_for_longest_comes_first
    ]
    a_store_that_takes_early_is_noticed: TakesEarly [
        a_delivery_is_due_when_it_is_accepted
        a_retry_is_hidden_until_its_time
        next_due_tells_of_the_first_that_is_not_taken
        a_random_walk_in_the_order_of_time_agrees_with_the_model
        a_random_walk_in_the_order_of_groups_agrees_with_the_model
        a_random_walk_with_reopenings_agrees_with_the_model
    ]
    a_store_that_takes_again_is_noticed: TakesAgain [
        no_more_are_taken_than_asked_for
        a_taken_delivery_is_hidden_until_it_is_settled
        nothing_of_a_group_is_taken_before_its_predecessor_is_settled
        a_random_walk_in_the_order_of_time_agrees_with_the_model
        a_random_walk_in_the_order_of_groups_agrees_with_the_model
        a_random_walk_with_reopenings_agrees_with_the_model
    ]
    a_store_that_breaks_group_order_is_noticed: BreaksGroupOrder [
        nothing_of_a_group_is_taken_before_its_predecessor_is_settled
        a_retry_and_a_dead_letter_on_its_way_hold_their_group_back
        messages_without_a_group_are_a_group
        a_random_walk_in_the_order_of_groups_agrees_with_the_model
        a_random_walk_with_reopenings_agrees_with_the_model
    ]
    a_store_that_hides_replays_is_noticed: HidesReplays [
        replayed_messages_are_delivered_again
        archives_and_attempts_survive_reopening
    ]
    a_store_that_forgets_settlements_is_noticed: ForgetsSettlements [
        a_taken_delivery_is_hidden_until_it_is_settled
        settling_again_does_nothing
        concurrent_takes_share_the_deliveries
        a_random_walk_in_the_order_of_time_agrees_with_the_model
        a_random_walk_in_the_order_of_groups_agrees_with_the_model
        a_random_walk_with_reopenings_agrees_with_the_model
    ]
    a_store_that_settles_what_waits_is_noticed: SettlesWhatWaits [
        settling_what_was_not_taken_does_nothing
    ]
    a_store_that_forgets_retry_times_is_noticed: ForgetsRetryTimes [
        waiting_lists_each_lane_with_its_first_time
        a_retry_is_hidden_until_its_time
        what_has_been_due_for_longest_comes_first
    ]
    a_store_that_forgets_attempts_is_noticed: ForgetsAttempts [
        attempts_are_counted_for_each_stage
        attempts_are_logged_in_order
        attempts_of_what_is_settled_already_are_not_logged
    ]
    a_store_that_logs_everything_is_noticed: LogsEverything [
        attempts_of_what_is_settled_already_are_not_logged
        a_random_walk_in_the_order_of_time_agrees_with_the_model
        a_random_walk_in_the_order_of_groups_agrees_with_the_model
        a_random_walk_with_reopenings_agrees_with_the_model
    ]
    a_store_that_logs_backwards_is_noticed: LogsBackwards [
        attempts_are_logged_in_order
        attempts_are_told_apart_by_subscription
        the_latest_attempts_of_a_subscription_come_first
    ]
    a_store_that_mixes_subscriptions_is_noticed: MixesSubscriptions [
        attempts_are_told_apart_by_subscription
    ]
    a_store_that_takes_waiting_for_dead_is_noticed: TakesWaitingForDead [
        a_lane_tells_how_much_it_holds
    ]
    a_store_that_skips_the_dead_letter_stage_is_noticed: SkipsTheDeadLetterStage [
        attempts_are_counted_for_each_stage
        a_delivery_on_its_way_to_the_dead_letters_starts_afresh
        attempts_are_logged_in_order
    ]
    a_store_that_forgets_reasons_is_noticed: ForgetsReasons [
        a_delivery_on_its_way_to_the_dead_letters_starts_afresh
        dead_letters_are_listed_oldest_first
        the_oldest_dead_letters_leave_first
    ]
    a_store_that_keeps_discarded_is_noticed: KeepsDiscarded [
        a_discarded_delivery_leaves_its_count_alone
        settlements_survive_reopening
    ]
    a_store_that_lists_dead_letters_backwards_is_noticed: ListsDeadLettersBackwards [
        dead_letters_are_listed_oldest_first
        the_oldest_dead_letters_leave_first
        settlements_survive_reopening
    ]
    a_store_that_redrives_nothing_is_noticed: RedrivesNothing [
        confirmations_are_not_counted
        the_oldest_dead_letters_leave_first
        redriven_dead_letters_are_fresh_deliveries
    ]
    a_store_that_counts_nothing_dropped_is_noticed: CountsNothingDropped [
        lanes_are_independent
        a_full_lane_refuses_for_itself_alone
        a_discarded_delivery_leaves_its_count_alone
        a_random_walk_in_the_order_of_time_agrees_with_the_model
        a_random_walk_in_the_order_of_groups_agrees_with_the_model
        a_random_walk_with_reopenings_agrees_with_the_model
    ]
    a_store_that_counts_confirmations_is_noticed: CountsConfirmations [
        confirmations_are_not_counted
    ]
    a_store_that_clears_what_is_taken_is_noticed: ClearsWhatIsTaken [
        clearing_leaves_what_is_taken
    ]
    a_store_that_lists_no_lanes_is_noticed: ListsNoLanes [
        waiting_lists_each_lane_with_its_first_time
        what_was_appended_survives_reopening
    ]
    a_store_that_tells_times_late_is_noticed: TellsTimesLate [
        next_due_tells_of_the_first_that_is_not_taken
        next_due_passes_over_what_a_group_holds_back
        taken_deliveries_come_back_after_reopening
    ]
    a_store_that_tells_times_of_what_is_held_back_is_noticed: TellsTimesOfWhatIsHeldBack [
        next_due_passes_over_what_a_group_holds_back
    ]
    a_store_that_knows_no_state_is_noticed: KnowsNoState [
        the_state_tells_where_a_message_stands
    ]
    a_store_that_ends_ranges_early_is_noticed: EndsRangesEarly [
        archived_messages_are_found_by_time
    ]
    a_store_that_repeats_pages_is_noticed: RepeatsPages [
        the_archive_is_paged_by_number
    ]
    a_store_that_replays_for_ever_is_noticed: ReplaysForEver [
        replayed_messages_are_delivered_again
        what_has_left_the_archive_is_not_replayed
    ]
    a_store_that_replays_twice_is_noticed: ReplaysTwice [
        replaying_passes_over_what_waits_already
    ]
    a_store_that_drops_all_archives_is_noticed: DropsAllArchives [
        dropping_an_archive_leaves_other_topics
    ]
    a_store_that_forgets_messages_is_noticed: ForgetsMessages [
        recent_messages_are_remembered
        messages_are_remembered_while_something_needs_them
        messages_are_forgotten_when_nothing_needs_them
    ]
    a_store_that_forgets_no_message_is_noticed: ForgetsNoMessage [
        messages_are_forgotten_when_nothing_needs_them
    ]
    a_store_that_invents_a_topic_is_noticed: InventsATopic [
        a_new_registry_is_empty
        records_of_every_kind_come_back
        removing_what_is_not_there_is_no_error
    ]
    a_store_that_keeps_one_change_is_noticed: KeepsOneChange [
        records_of_every_kind_come_back
        records_are_replaced
        the_registry_survives_reopening
    ]
    a_store_that_saves_backwards_is_noticed: SavesBackwards [
        changes_of_one_call_are_made_in_order
    ]
    a_store_that_replaces_nothing_is_noticed: ReplacesNothing [
        records_are_replaced
    ]
    a_store_that_removes_nothing_is_noticed: RemovesNothing [
        removed_records_are_gone
        changes_of_one_call_are_made_in_order
    ]
    a_store_that_refuses_to_remove_is_noticed: RefusesToRemove [
        removed_records_are_gone
        removing_what_is_not_there_is_no_error
        changes_of_one_call_are_made_in_order
    ]
    a_store_that_is_empty_when_reopened_is_noticed: IsEmptyWhenReopened [
        numbers_go_on_after_reopening
        deduplication_survives_reopening
        the_registry_survives_reopening
    ]
    a_store_that_loses_what_is_taken_when_reopened_is_noticed: LosesWhatIsTakenWhenReopened [
        taken_deliveries_come_back_after_reopening
        a_random_walk_with_reopenings_agrees_with_the_model
    ]
    a_store_that_denies_to_outlive_is_noticed: DeniesToOutlive [
        a_store_says_whether_it_outlives_the_process
    ]
    a_store_that_keeps_all_dead_letters_is_noticed: KeepsAllDeadLetters [
        a_delivery_on_its_way_to_the_dead_letters_starts_afresh
        dead_letters_are_listed_oldest_first
        the_oldest_dead_letters_leave_first
    ]
}
