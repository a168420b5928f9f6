//! One suite that both databases pass: every method of the store, and what happens when several do it at once.
//!
//! Each test has a database of its own, and two replicas on it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests; the lints know only those that the compiler's own harness runs"
)]

mod admin;
mod around;
mod changes;
mod devices;
mod durability;
mod feed;
mod fixture;
mod grants;
mod indexes;
mod keys;
mod postgres_feed;
mod postgres_races;
mod prune;
mod ready;
mod registry;
mod sqlite_restore;
mod versions;

use fixture::{Database, Fixture};
use libtest_mimic::{Arguments, Trial};
use std::future::Future;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

/// The server that the tests share; started when the first needs it.
type Server = Arc<OnceLock<Result<bearward_tests::pg::Postgres, String>>>;

macro_rules! tests {
    ($trials:ident, $server:ident, $databases:expr, $($test:path),* $(,)?) => {
        $(for database in $databases {
            $trials.push(trial(stringify!($test), database, &$server, $test));
        })*
    };
}

fn main() -> ExitCode {
    if let Some(file) = std::env::var_os(durability::WRITER) {
        durability::write_until_killed(file.as_ref());
    }
    let arguments = Arguments::from_args();
    let server: Server = Arc::default();
    let mut trials = Vec::new();
    tests!(
        trials,
        server,
        [Database::Sqlite, Database::Postgres],
        registry::a_client_is_kept_as_it_was_given,
        registry::a_client_is_disabled_and_enabled,
        registry::one_of_many_registers_a_name,
        registry::scopes_are_kept_in_order,
        registry::people_are_found_without_case,
        registry::a_password_is_rehashed_only_if_unchanged,
        registry::a_session_ends,
        registry::a_session_that_nobody_uses_ends,
        registry::a_write_is_checked,
        ready::who_cannot_write_is_not_ready,
        registry::text_with_a_zero_names_nothing,
        grants::an_authorization_is_kept_as_it_was_given,
        grants::consent_adds_up,
        grants::a_code_is_redeemed_once,
        grants::a_code_of_a_revoked_grant_is_refused,
        grants::one_of_many_redeems_a_code,
        grants::one_of_many_rotates_a_token,
        grants::a_spent_token_tells_its_successor,
        grants::a_revoked_grant_has_no_live_successor,
        grants::a_revoked_grant_gives_no_token_for_a_code,
        grants::introspection_finds_revocations,
        admin::a_change_and_its_entry_are_one,
        admin::the_audit_log_is_found_by_whatever_is_asked,
        admin::the_use_of_a_credential_is_noted_once_a_minute,
        admin::followers_at_one_address_are_told_apart,
        admin::of_many_edits_one_holds,
        admin::a_client_goes_with_all_it_had,
        admin::people_are_edited_and_go,
        admin::one_administrator_always_stays,
        admin::clients_are_found_by_any_letters,
        admin::scopes_are_edited_and_go,
        admin::a_code_is_taken_once,
        versions::what_is_made_again_is_not_what_was_read,
        admin::a_passkey_is_used_once_as_it_was_read,
        admin::a_bucket_runs_dry_and_fills_up,
        admin::access_is_withdrawn,
        admin::counts_add_up,
        devices::a_device_code_is_kept_as_it_was_given,
        devices::polls_that_come_too_fast_slow_down_at_every_replica,
        devices::a_device_is_decided_once,
        devices::a_grant_is_stored_without_consent,
        devices::a_kept_refresh_token_lives_on_until_its_grant_ends,
        devices::one_of_many_uses_a_name,
        devices::issuers_are_kept_changed_and_removed,
        devices::of_many_edits_of_an_issuer_one_holds,
        around::an_opaque_token_stands_for_its_payload_until_it_expires,
        around::one_of_many_takes_a_pushed_request,
        around::authorization_types_are_kept_in_order,
        around::of_many_edits_of_an_authorization_type_one_holds,
        around::an_initial_access_token_is_spent_as_often_as_it_can_be,
        around::there_are_no_more_initial_access_tokens_than_are_listed,
        around::a_registration_is_changed_by_its_token_alone,
        keys::the_first_keys_are_made_once,
        keys::one_of_many_rotates,
        keys::a_line_ends_resumes_and_goes,
        keys::a_value_is_set_once,
        keys::what_is_sealed_is_replaced_if_it_is_what_was_read,
        prune::what_is_over_goes_in_batches,
        prune::a_grant_goes_with_its_last_token,
        changes::every_replica_learns_of_the_registry,
        changes::every_replica_learns_of_a_revocation,
        changes::what_concerns_nobody_wakes_nobody,
        feed::a_snapshot_then_what_follows,
        feed::pages_of_any_size_hold_the_same,
        feed::a_wider_revocation_comes_again,
        feed::what_is_over_is_not_sent,
        feed::a_cursor_outlives_a_restart,
        feed::an_unknown_cursor_starts_over,
        feed::a_reset_starts_everyone_over,
        feed::what_commits_between_pages_comes_later,
        feed::no_entry_is_ever_skipped,
    );
    tests!(
        trials,
        server,
        [Database::Postgres],
        indexes::lists_read_indexes_on_postgres,
        postgres_feed::an_entry_that_commits_late_is_not_skipped,
        postgres_feed::an_entry_that_commits_between_pages_is_not_skipped,
        postgres_races::a_step_waits_for_a_revocation_that_is_open,
        postgres_races::a_rotation_waits_for_one_that_is_open,
        postgres_feed::rows_from_another_cluster_are_sent_once,
        postgres_feed::a_lost_notice_is_made_up_for,
    );
    tests!(
        trials,
        server,
        [Database::Sqlite],
        indexes::lists_read_indexes_on_sqlite,
        durability::what_was_acknowledged_survives_kill_9,
        sqlite_restore::a_restored_backup_starts_everyone_over,
    );
    let conclusion = libtest_mimic::run(&arguments, trials);
    // The trials are gone and with them their handles; the server stops here, before the process ends.
    drop(server);
    conclusion.exit_code()
}

fn trial<F>(name: &str, database: Database, server: &Server, test: fn(Fixture) -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    let server = server.clone();
    Trial::test(format!("{database:?}::{name}").to_lowercase(), move || {
        let fixture = Fixture::new(database, &server)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build()?;
        runtime.block_on(test(fixture));
        Ok(())
    })
}
