//! The ways in which backup tools have lost data or claimed a false success, and the tests which hold each of them. The
//! rows are those of the project's table of failure modes; that each test is still there is a test itself.

use std::collections::BTreeSet;
use std::path::Path;

struct Row {
    number: u32,
    fault: &'static str,
    /// `file::test`, below `tests/suite` or, with a path, below the project.
    held_by: &'static [&'static str],
}

const LAST: u32 = 25;

const ROWS: &[Row] = &[
    Row {
        number: 1,
        fault: "CompleteMultipartUpload answers 200 with something else than success",
        held_by: &[
            "store_s3::an_answer_of_200_to_joining_that_is_no_success_is_none",
            "s3_faults::an_answer_of_200_to_joining_that_is_no_success_is_got_over_once_and_fails_the_run_for_good",
            "store_s3::bytes_that_the_server_lost_are_noticed_after_joining",
        ],
    },
    Row {
        number: 2,
        fault: "bytes dropped or cut inside a part",
        held_by: &[
            "store_s3::a_part_that_changed_on_its_way_is_refused",
            "second_s3::what_a_server_that_checks_nothing_took_in_changed_is_refused_by_the_first_to_read_it",
            "store_s3::bytes_that_the_server_lost_are_noticed_after_joining",
            "drill::a_flipped_bit_fails_the_drill_wherever_it_is",
        ],
    },
    Row {
        number: 3,
        fault: "one concurrent sub-task fails",
        held_by: &[
            "store_s3::one_failed_part_fails_the_upload_whichever_it_is",
            "backup::wherever_the_store_breaks_no_snapshot_exists_and_the_failure_is_on_record",
            "s3_faults::a_backup_whose_store_fails_for_good_at_any_call_says_so_or_is_whole_and_the_next_converges",
            "s3_faults::a_sync_whose_store_fails_for_good_at_any_call_says_so_or_is_whole_and_the_next_converges",
            "s3_faults::a_large_object_whose_calls_fail_for_good_fails_the_run_and_leaves_nothing_half_made",
        ],
    },
    Row {
        number: 4,
        fault: "the source dies mid-stream",
        held_by: &[
            "backup::a_collection_dropped_while_it_is_read_is_whole_or_not_there_at_all",
            "backup_crash::killed_before_any_step_of_store_or_server_the_last_good_snapshot_stays_and_the_next_run_converges",
            "backup_faults::a_server_that_dies_while_it_is_read_fails_the_run_with_1_and_leaves_the_last_good_snapshot",
            "backup_faults::a_server_that_steps_down_while_it_is_read_and_is_elected_again_is_backed_up_whole",
            "backup_faults::a_reading_whose_cursors_are_killed_is_begun_again_and_leaves_nothing_of_the_first_try",
            "backup_faults::a_network_that_is_cut_and_comes_back_delays_the_backup_and_one_that_stays_cut_fails_it",
            "backup_faults::a_backup_that_is_killed_at_any_moment_leaves_no_point_that_is_not_whole_and_the_next_run_succeeds",
            "capture::a_broken_read_is_taken_up_again_without_gap_or_overlap",
        ],
    },
    Row {
        number: 5,
        fault: "exit 0, or a watcher that hangs, on partial failure",
        held_by: &[
            "bad_input::a_full_disk_fails_the_backup_and_leaves_no_snapshot",
            "s3_faults::a_backup_gets_over_every_passing_fault_at_every_call",
            "s3_faults::a_sync_gets_over_every_passing_fault_and_over_a_storm_at_every_call",
            "s3_faults::a_backup_outlasts_a_server_that_is_busy_for_some_seconds_from_any_of_its_writes_on",
            "s3_faults::a_repository_is_made_once_whatever_fault_meets_any_call",
            "s3_faults::a_store_that_is_busy_for_ever_in_the_midst_of_a_dump_is_named_and_the_program_exits_with_1",
            "s3_faults_capture::a_capture_gets_over_every_passing_fault_at_every_call",
            "s3_faults_capture::a_capture_whose_store_fails_for_good_at_any_call_says_so_and_the_next_makes_the_chain_whole",
            "second_s3::a_gateway_that_ignores_conditions_is_refused_by_every_verb_that_writes_and_nothing_is_left_there",
            "backup_faults::a_server_that_dies_while_it_is_read_fails_the_run_with_1_and_leaves_the_last_good_snapshot",
            "bad_input::a_database_that_does_not_answer_is_named_within_seconds",
            "restore_cli::a_restore_prints_its_plan_and_writes_only_with_apply",
            "restore_cli::an_interrupted_restore_says_what_the_target_holds_and_how_to_go_on",
            "capture_service::a_capture_that_the_system_paused_beyond_its_term_exits_with_1_and_names_who_took_over",
        ],
    },
    Row {
        number: 6,
        fault: "a restore goes on past refused documents and exits 0",
        held_by: &[
            "restore::documents_that_the_server_refuses_fail_the_insert_with_count_and_reason",
            "foreign::a_document_that_cannot_be_restored_fails_the_run_with_count_and_reason",
        ],
    },
    Row {
        number: 7,
        fault: "the oplog rolls over while capture is paused",
        held_by: &[
            "capture::a_gap_is_announced_recorded_and_begins_a_new_chain",
            "capture_gap::no_point_before_a_gap_is_rolled_beyond_it_and_a_new_base_makes_later_instants_restorable",
            "audit_observed::a_gap_in_the_log_is_found_between_its_pieces",
        ],
    },
    Row {
        number: 8,
        fault: "a gap that something else hides",
        held_by: &[
            "engine_route::a_chain_exists_exactly_where_every_step_is_covered",
            "repository_catalog::slices_whose_ends_meet_are_one_stretch_and_a_missing_one_is_a_gap",
            "timeline_oracle::the_sweep_agrees_with_walking_every_instant",
            "capture_gap::the_gap_free_log_of_one_asset_hides_no_gap_in_that_of_another",
        ],
    },
    Row {
        number: 9,
        fault: "a restore starts, then finds a slice missing",
        held_by: &["restore::a_missing_slice_is_refused_before_the_target_is_touched"],
    },
    Row {
        number: 10,
        fault: "namespaces that the log does not show as documents: time series, views, users",
        held_by: &[
            "restore::a_busy_history_comes_back_at_every_instant_that_was_marked",
            "restore_instants::random_instants_of_a_busy_hour_come_back_as_the_server_itself_had_them",
            "replay::changes_to_users_and_roles_in_the_log_are_listed_as_left_out",
            "accounts::users_and_roles_come_back_on_request_and_no_hash_is_shown",
            "backup::what_cannot_be_carried_fails_the_run_by_name_unless_it_is_excluded",
            "own_log::what_was_excluded_is_left_out_of_the_log_too_and_never_comes_back_by_half",
        ],
    },
    Row {
        number: 11,
        fault: "a document or an entry of the log at the limit of 16 MB",
        held_by: &[
            "replay::documents_at_the_limit_of_16_mb_are_captured_whole_and_replayed",
            "restore::every_kind_of_collection_comes_back_byte_for_byte_however_it_was_compressed",
            "restore_instants::a_hundred_random_instants_of_a_busy_hour_come_back_as_the_server_itself_had_them",
        ],
    },
    Row {
        number: 12,
        fault: "collections and indexes that change inside the window",
        held_by: &[
            "restore::a_busy_history_comes_back_at_every_instant_that_was_marked",
            "restore_instants::random_instants_of_a_busy_hour_come_back_as_the_server_itself_had_them",
            "replay::what_cannot_be_replayed_is_refused_with_its_name_and_its_instant",
            "own_log::changes_of_every_kind_while_it_is_read_come_back_as_of_the_last_instant_and_any_later_one",
            "own_log::stock_mongorestore_replays_the_log_of_a_backup_to_the_same_end",
            "restore_part::a_busy_history_comes_back_under_other_names_and_in_part_beside_the_source_at_every_instant",
            "interop::stock_mongorestore_replays_a_downloaded_log_to_the_instant_that_was_asked_for",
        ],
    },
    Row {
        number: 13,
        fault: "expired documents and reused unique keys during replay",
        held_by: &[
            "restore_instants::random_instants_of_a_busy_hour_come_back_as_the_server_itself_had_them",
            "restore::a_busy_history_comes_back_at_every_instant_that_was_marked",
        ],
    },
    Row {
        number: 14,
        fault: "odd names and values",
        held_by: &[
            "everything::all_that_a_database_can_hold_comes_back_through_a_directory_byte_for_byte",
            "restore::every_kind_of_collection_comes_back_byte_for_byte_however_it_was_compressed",
            "backup::metadata_keeps_options_and_the_order_of_index_keys",
            "interop::stock_mongorestore_reads_a_snapshot_equal_to_its_source",
            "interop::a_stock_dump_of_every_form_comes_back_equal",
        ],
    },
    Row {
        number: 15,
        fault: "a dump that is not of one instant",
        held_by: &[
            "backup::money_is_neither_made_nor_lost_while_backups_run",
            "own_log::where_no_snapshot_is_kept_money_is_neither_made_nor_lost_all_the_same",
            "own_log::a_capped_collection_that_is_written_to_comes_back_in_its_natural_order",
            "own_log::an_oplog_that_rolls_over_while_the_backup_runs_fails_it_with_what_to_do",
            "interop::a_stock_dump_made_under_load_comes_back_of_one_instant_by_its_own_log",
        ],
    },
    Row {
        number: 16,
        fault: "a prune beside a backup that is still running, or after a pause",
        held_by: &[
            "prune_beside::killed_before_any_step_a_pruning_leaves_every_visible_point_whole_and_the_next_ones_converge",
            "prune_beside::a_sync_that_is_paused_before_any_step_while_a_pruning_marks_and_sweeps_ends_whole",
            "prune_beside::a_sweep_that_is_paused_before_any_step_while_a_sync_needs_what_it_removes_leaves_the_sync_whole",
            "prune_beside::two_prunings_at_once_end_as_one",
            "prune::a_grace_that_is_shorter_than_what_may_run_is_refused",
            "prune::what_no_rule_keeps_is_gone_from_sight_at_once_and_from_the_store_after_the_grace",
        ],
    },
    Row {
        number: 17,
        fault: "retention deletes the last good copy after bad nights; an invalid unit is ignored",
        held_by: &[
            "retention::after_failed_nights_nothing_good_is_gone",
            "retention::the_newest_verified_point_stays_whatever_the_rules",
            "retention::pruning_a_log_leaves_every_instant_of_its_window_within_reach",
            "prune::after_nights_that_fail_or_rot_every_good_point_that_was_kept_is_still_kept",
            "prune::nights_that_nobody_verified_do_not_push_the_newest_verified_point_out",
            "prune::the_base_that_the_logs_window_needs_stays_with_the_log_from_there_on",
            "policy_problems::what_is_kept_of_older_points_needs_a_retention_and_a_number",
        ],
    },
    Row {
        number: 18,
        fault: "a listing that is short, stale or repeated",
        held_by: &[
            "capture_gap::a_capture_that_is_given_a_short_listing_makes_the_log_overlap_and_no_instant_is_lost",
            "capture_gap::slices_that_end_at_one_instant_are_each_a_way_on_but_one_that_continues_neither_is_refused",
            "store_s3::a_listing_that_says_it_goes_on_and_does_not_is_an_error",
            "store_s3::a_listing_that_repeats_itself_from_page_to_page_names_each_object_and_version_once",
            "s3_faults::a_sync_that_is_given_a_short_listing_is_whole_and_removes_nothing",
            "prune_beside::a_listing_that_leaves_out_a_point_or_a_slice_that_is_there_removes_nothing",
        ],
    },
    Row {
        number: 19,
        fault: "same size, older time, other bytes in what is synced",
        held_by: &[
            "sync::a_change_that_keeps_the_size_is_copied_and_nothing_else_is_read",
            "sync::other_bytes_under_an_older_time_in_a_directory_are_copied",
        ],
    },
    Row {
        number: 20,
        fault: "check passes, restore fails",
        held_by: &[
            "verify::a_point_that_verifies_restores_whatever_else_is_damaged",
            "verify::every_kind_of_rot_in_every_object_is_found",
        ],
    },
    Row {
        number: 21,
        fault: "a GET that ends early",
        held_by: &[
            "store_s3::a_body_that_ends_early_is_asked_for_again_from_there",
            "store_s3::a_body_that_never_comes_whole_is_an_error_not_a_short_read",
            "s3_faults::a_restore_gets_over_every_passing_fault_at_every_call_and_takes_no_short_body_for_a_whole_one",
        ],
    },
    Row {
        number: 22,
        fault: "deletions refused one by one; an abort that leaves parts",
        held_by: &[
            "store_contract::an_upload_that_is_aborted_or_dropped_leaves_the_object_that_was_there",
            "backup::a_backup_that_is_told_to_stop_takes_away_what_it_wrote",
            "s3_leftovers::what_a_killed_run_had_begun_is_taken_back_once_it_is_old_and_only_of_its_own_asset",
            "s3_leftovers::an_upload_that_cannot_be_taken_back_is_counted_as_still_there",
            "s3_leftovers::a_failed_run_counts_what_it_could_not_remove",
            "prune_beside::deletions_that_the_store_refuses_one_by_one_are_counted_as_they_are",
            "prune_beside::a_locked_object_is_left_and_told_and_goes_once_its_lock_has_ended",
        ],
    },
    Row {
        number: 23,
        fault: "clocks that are wrong",
        held_by: &[
            "capture_lease::no_clock_however_wrong_takes_a_lease_from_a_capture_that_lives",
            "backup::a_clock_that_is_wrong_is_told_and_the_point_is_of_the_servers_own_time",
            "prune_beside::a_clock_that_is_wrong_by_minutes_or_by_weeks_removes_nothing",
            "retention::a_clock_that_runs_ahead_lets_nothing_go_that_the_right_one_keeps",
        ],
    },
    Row {
        number: 24,
        fault: "going on after the source changed; past 10,000 parts",
        held_by: &[
            "backup_faults::a_reading_whose_cursors_are_killed_is_begun_again_and_leaves_nothing_of_the_first_try",
            "capture::a_server_that_is_behind_the_chain_is_not_taken_for_its_continuation",
            "foreign::a_dump_that_changes_after_it_was_looked_through_fails_the_restore",
            "src/store/s3/upload.rs::ten_thousand_parts_hold_five_terabytes_and_each_is_one_that_s3_takes",
        ],
    },
    Row {
        number: 25,
        fault: "input that was made to do harm",
        held_by: &[
            "foreign::documents_that_lie_about_their_lengths_or_nest_without_end_are_refused_in_every_form",
            "foreign::a_tar_that_leads_out_of_its_folder_or_holds_links_is_refused",
            "foreign::what_unpacks_without_end_is_refused_within_bounds",
            "foreign::every_tar_and_archive_that_is_cut_short_is_refused",
            "foreign::no_flipped_bit_of_an_archive_s_documents_goes_unnoticed_and_none_anywhere_does_harm",
            "engine_content::no_bytes_make_splitting_panic_or_give_more_than_there_was",
            "policy_hostile::no_bytes_make_the_reader_panic",
            "policy_hostile::keys_as_deep_as_a_file_can_make_them_are_refused",
            "report_page::cells_that_a_spreadsheet_would_run_are_inert_and_numbers_stay_numbers",
            "report_page::names_that_steer_are_harmless_in_every_form",
            "report_table::terminal_escapes_and_turned_text_cannot_reach_the_terminal",
        ],
    },
];

/// Whether the file has a test, not a mere function, of this name.
fn is_there(test: &str) -> bool {
    let Some((file, name)) = test.rsplit_once("::") else { return false };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = if file.contains('/') { root.join(file) } else { root.join(format!("tests/suite/{file}.rs")) };
    let Ok(text) = std::fs::read_to_string(path) else { return false };
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let Some(at) = lines.iter().position(|line| line.contains(&format!("fn {name}("))) else { return false };
    let attributes = lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
    attributes.into_iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}

#[test]
fn every_failure_mode_of_the_table_is_held_by_tests_that_exist() {
    let missing: Vec<String> = ROWS
        .iter()
        .flat_map(|row| row.held_by.iter().map(move |test| (row, test)))
        .filter(|(_, test)| !is_there(test))
        .map(|(row, test)| format!("row {}, {}: there is no test `{test}`", row.number, row.fault))
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(ROWS.iter().all(|row| !row.held_by.is_empty()));
    let listed: BTreeSet<u32> = ROWS.iter().map(|row| row.number).collect();
    assert_eq!(listed, (1..=LAST).collect(), "each row once");
    assert_eq!(listed.len(), ROWS.len(), "each row once");
}

#[test]
fn a_name_that_no_test_has_is_noticed() {
    for absent in ["capture::no_such_test", "no_such_file::every_key", "capture::broken_at", "capture"] {
        assert!(!is_there(absent), "{absent}");
    }
}
