//! Every scenario is a test of its own on SQLite, and another on PostgreSQL. Those are ignored unless
//! asked for: they need `USTREDNA_TEST_POSTGRES`, the URL of a database that may be filled and emptied.

mod admin;
mod chain;
mod clock;
mod damaged;
mod figures;
mod fixture;
mod import;
mod intents;
mod keeping;
mod lookup;
mod open;
mod outbox;
mod property;
mod rehearsal;
mod replaced;
mod reports;
mod settle;
mod siblings;
mod strangers;
mod trouble;
mod unreturnable;

use fixture::World;

macro_rules! scenarios {
    ($($module:ident :: $name:ident,)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                super::$module::$name(super::World::sqlite(folder.path()).await).await;
            })+
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            #[ignore = "needs USTREDNA_TEST_POSTGRES, the URL of a database"]
            async fn $name() {
                let (world, schema) = super::World::postgres().await;
                super::$module::$name(world).await;
                super::fixture::drop_schema(&schema).await;
            })+
        }
    };
}

scenarios! {
    admin::shoppers_are_added_changed_and_listed,
    admin::a_phone_is_no_fictitious_number_and_the_other_way_round,
    admin::ids_are_stable_and_given_after_the_highest,
    admin::an_ended_id_rests_for_90_days,
    admin::an_expired_pairing_makes_way,
    admin::a_number_has_one_pairing_however_many_ask_at_once,
    chain::what_happens_to_a_recording_is_a_link_each,
    chain::a_checksum_is_written_once,
    chain::a_row_that_somebody_changed_is_left_so,
    chain::where_nothing_was_nothing_can_be_proven,
    chain::exchanges_at_once_make_one_chain,
    chain::what_was_proven_before_there_was_a_chain_is_adopted,
    clock::an_end_in_the_future_delays_no_sms,
    clock::a_clock_set_back_holds_up_no_sms,
    clock::a_pairing_rings_for_no_call_before_it,
    damaged::rows_are_named_without_personal_data,
    damaged::a_shopper_s_damaged_pairing_leaves_the_others_usable,
    damaged::a_damaged_open_ticket_makes_way_for_another,
    damaged::a_damaged_message_holds_up_no_other,
    damaged::an_open_call_is_completed_whatever_else_is_damaged,
    damaged::a_call_whose_last_leg_is_damaged_is_not_guessed_at,
    damaged::a_damaged_row_keeps_no_other_line_from_being_imported,
    damaged::whatever_column_is_damaged_the_rest_goes_on,
    siblings::a_damaged_pairing_keeps_no_other_from_being_made,
    siblings::a_damaged_shopper_s_calls_are_told_to_nobody_and_end,
    siblings::a_damaged_ticket_is_closed_and_told_of_no_more,
    siblings::a_damaged_message_is_nobody_s_report_and_counts_for_nothing,
    siblings::a_damaged_recording_leaves_the_chain_to_be_looked_at,
    import::the_same_table_again_changes_nothing,
    import::a_table_changes_what_it_says_and_keeps_the_rest,
    import::every_bad_line_is_named_and_nothing_imported,
    import::a_rehearsal_writes_nothing,
    import::ids_written_further_down_are_left_free,
    import::a_line_displaces_an_expired_pairing,
    import::thousands_of_lines_go_in,
    intents::a_committed_intent_can_be_completed_after_a_crash,
    intents::an_exchange_knows_its_own_calls,
    intents::a_call_that_has_arrived_is_known,
    intents::an_ended_call_stays_ended,
    intents::limits_hold,
    intents::fictitious_numbers_are_not_dialled,
    intents::callbacks_have_no_limits,
    keeping::only_what_is_over_and_looked_at_may_go,
    keeping::a_held_recording_is_not_deleted,
    keeping::a_deletion_counts_once_it_is_committed,
    keeping::holding_and_deleting_at_once_agree,
    keeping::an_archived_recording_is_found_under_its_new_name,
    keeping::what_was_looked_at_too_late_is_not_written,
    lookup::facts_are_what_is_active_now,
    lookup::tickets_of_an_ended_pairing_are_cancelled_on_the_way,
    lookup::a_number_rings_its_shopper_while_the_pairing_is_active,
    lookup::three_wrong_pins_lock_for_a_while,
    figures::what_waits_is_counted_with_its_age,
    outbox::a_lease_is_nobody_elses_until_it_runs_out,
    outbox::workers_at_once_never_take_the_same_sms,
    outbox::sent_retried_and_failed,
    outbox::the_sms_of_a_closed_ticket_is_skipped,
    outbox::a_shopper_s_sms_go_out_in_order,
    outbox::limits_of_a_shopper_delay_and_lose_nothing,
    outbox::misses_within_the_gap_make_one_sms,
    outbox::what_may_have_been_taken_waits_out_its_lease,
    outbox::what_is_of_no_use_any_more_fails,
    outbox::it_goes_to_the_shopper_s_phone_of_today,
    outbox::reports_may_come_twice_and_in_any_order,
    outbox::a_report_may_come_before_the_answer,
    outbox::failed_ones_are_sent_again,
    outbox::waiting_ones_are_cancelled,
    outbox::one_of_unknown_fate_is_cancelled_between_its_tries,
    outbox::expired_ones_are_sent_again_one_by_one_alone,
    outbox::what_is_due_to_a_shopper_switched_off_is_skipped,
    outbox::a_bad_row_does_not_hold_up_the_others,
    outbox::what_another_worker_leased_is_its_own,
    outbox::what_may_have_been_sent_is_marked_for_good,
    outbox::a_failure_reported_before_the_answer_waits_for_it,
    property::whatever_is_written_is_read,
    rehearsal::it_ends_with_a_commit,
    rehearsal::nothing_is_left_of_it,
    rehearsal::whatever_keeps_a_call_from_being_stored_is_told,
    reports::ids_meet_though_they_are_written_otherwise,
    reports::what_only_looks_alike_is_another,
    reports::an_answer_that_is_awaited_may_bring_a_better_match,
    reports::an_sms_is_there_when_all_its_parts_are,
    reports::a_report_never_settles_another,
    settle::a_miss_opens_a_ticket_and_queues_an_sms,
    settle::a_second_miss_counts_and_refreshes_the_waiting_sms,
    settle::a_miss_after_the_sms_went_out_queues_another,
    settle::a_call_settled_twice_is_settled_once,
    settle::a_withheld_dealer_gives_an_sms_without_a_ticket,
    settle::a_talk_closes_the_ticket_and_skips_its_sms,
    settle::a_returned_call_closes_its_ticket_and_a_failed_one_does_not,
    settle::ticket_numbers_rest_a_day_after_closing,
    settle::with_all_numbers_taken_the_sms_says_so,
    settle::misses_at_once_get_distinct_numbers,
    settle::the_same_call_settled_at_once_gives_one_ticket,
    settle::sweeping_expires_and_cancels,
    settle::refused_calls_are_listed_with_their_reason,
    settle::a_recording_waits_for_its_verdict,
    settle::lists_are_narrowed,
    strangers::a_storm_is_told_in_a_few_sms,
    strangers::a_dealer_is_told_after_a_storm,
    strangers::a_dealer_is_told_in_a_storm_that_lasts,
    strangers::a_stranger_who_calls_on_and_on_is_told_once,
    strangers::withheld_calls_are_told_together,
    strangers::calls_to_all_numbers_of_a_shopper_are_told_together,
    strangers::even_dealers_are_told_together_when_they_are_too_many,
    strangers::strangers_at_once_are_all_counted,
    strangers::what_is_under_way_is_not_counted_up,
    strangers::a_burst_is_told_once,
    strangers::strangers_make_room_for_each_other,
    strangers::a_dealer_is_known_by_the_number_that_called_them,
    trouble::what_is_broken_off_in_the_middle_harms_nobody,
    trouble::a_statement_that_fails_harms_no_other,
    unreturnable::who_may_not_be_called_is_told_without_a_ticket,
    unreturnable::a_fictitious_number_of_our_own_is_not_called_back,
    unreturnable::an_open_ticket_is_cancelled,
    unreturnable::many_are_told_together_as_what_they_are,
}
