//! End to end: real Envoy, the real filter, real authservers, on SQLite and on PostgreSQL, through the `oauth2` crate.
//!
//! Each scenario is a function that panics when something is not as it should be. Scenarios that leave the others alone
//! share one stack per database; the rest start their own. A usual test runner would leave shared programs running
//! when it exits, so this one owns them: they end before it does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]
#![allow(unreachable_pub, missing_docs, reason = "tests fail by panicking, talk to a terminal, and have no users")]

mod client_credentials;
mod clients;
mod clock;
mod context;
mod detours;
mod dispatch;
mod endings;
mod examples;
mod filter;
mod gateway;
mod introspection;
mod jwt;
mod listeners;
mod mutual_tls;
mod oauth;
mod opaque;
mod outage;
mod person;
mod refusals;
mod reload;
mod replicas;
mod revocation;
mod rotation;
mod samples;
mod scenarios;
mod sign_in;
mod streams;
mod up;
mod verifier;
mod wire;

use bearward_tests::artifacts::Profile;
use bearward_tests::stack::{Parts, Stack};
use context::{Backend, Context};
use libtest_mimic::{Arguments, Trial};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

type Answer<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;
type OnStack = for<'a> fn(&'a Stack) -> Answer<'a>;
type WithContext = for<'a> fn(&'a Context) -> Answer<'a>;
type OnBackend = for<'a> fn(&'a Context, Backend) -> Answer<'a>;

/// On a stack that others use too.
const SHARED: &[(&str, OnStack)] = &[
    ("client_credentials_open_a_route", |s| Box::pin(client_credentials::open_a_route(s))),
    ("a_scope_opens_only_its_routes", |s| Box::pin(client_credentials::a_scope_opens_only_its_routes(s))),
    ("sign_in_with_the_mouse_then_refresh", |s| Box::pin(sign_in::with_the_mouse_then_refresh(s))),
    ("sign_in_with_the_keyboard_alone", |s| Box::pin(sign_in::with_the_keyboard_alone(s))),
    ("sign_in_in_two_tabs_at_once", |s| Box::pin(sign_in::in_two_tabs_at_once(s))),
    ("tokens_that_are_refused", |s| Box::pin(refusals::of_the_authservers_tokens(s))),
    ("a_revoked_access_token_is_refused", |s| Box::pin(revocation::of_an_access_token(s))),
    ("the_feed_is_for_gateways", |s| Box::pin(revocation::is_told_to_gateways_alone(s))),
    ("a_revoked_refresh_token_takes_its_grant_along", |s| Box::pin(revocation::of_a_refresh_token(s))),
    ("a_disabled_client_takes_its_tokens_along", |s| Box::pin(revocation::of_a_client(s))),
    ("others::clients_in_node", |s| Box::pin(clients::in_node(s))),
    ("others::clients_in_python", |s| Box::pin(clients::in_python(s))),
    ("others::make_saml_assertions", |s| Box::pin(clients::make_saml_assertions(s))),
    ("others::samples_all_work", |s| Box::pin(samples::all_of_them_work(s))),
    ("keys_rotate_unnoticed", |s| Box::pin(rotation::goes_unnoticed(s))),
];

/// On stacks of their own.
const ALONE: &[(&str, OnBackend)] =
    &[("an_outage_of_the_authserver", |c, b| Box::pin(outage::of_the_authserver(c, b)))];

/// Independent of the database.
const ONCE: &[(&str, WithContext)] = &[
    ("gateway::every_scenario", |c| Box::pin(scenarios::in_envoy(c))),
    ("gateway::every_scenario_in_the_oldest_envoy", |c| Box::pin(scenarios::in_the_oldest_envoy(c))),
    ("gateway::every_algorithm_and_place", |c| Box::pin(filter::every_algorithm_and_place(c))),
    ("gateway::opaque_bound_and_routed", |c| Box::pin(filter::opaque_bound_and_routed(c))),
    ("gateway::the_same_verdicts_as_jwt_authn", |c| Box::pin(filter::as_jwt_authn(c))),
    ("gateway::verifies_as_other_people_s_vectors_say", |c| Box::pin(verifier::takes_and_refuses_what_it_should(c))),
    ("gateway::detours_lead_nowhere", |c| Box::pin(detours::lead_nowhere(c))),
    ("clock::is_set_back_and_forth", |c| Box::pin(clock::is_set_back_and_forth(c))),
    ("clock::stands_still", |c| Box::pin(clock::stands_still(c))),
    ("listeners::are_measured_together", |c| Box::pin(listeners::are_measured_together(c))),
    ("streams::name_nobody_in_trailers", |c| Box::pin(streams::name_nobody_in_trailers(c))),
    ("streams::carry_web_sockets", |c| Box::pin(streams::carry_web_sockets(c))),
    ("endings::come_with_a_revocation", |c| Box::pin(endings::come_with_a_revocation(c))),
    ("endings::come_with_expiry", |c| Box::pin(endings::come_with_expiry(c))),
    ("endings::come_when_envoy_says", |c| Box::pin(endings::come_when_envoy_says(c))),
    ("gateway::eight_workers_are_one", |c| Box::pin(filter::eight_workers_are_one(c))),
    ("dispatch::carries_every_endpoint", |c| Box::pin(dispatch::carries_every_endpoint(c))),
    ("dispatch::keeps_requests_and_answers_whole", |c| Box::pin(dispatch::keeps_requests_and_answers_whole(c))),
    ("introspection::by_signed_answers", |c| Box::pin(introspection::by_signed_answers(c))),
    ("others::clients_in_node_with_extensions", |c| Box::pin(clients::in_node_with_extensions(c))),
    ("reload::what_began_before_ends", |c| Box::pin(reload::what_began_before_ends_with_its_token(c))),
    ("reload::what_was_revoked_stays_revoked", |c| Box::pin(reload::what_was_revoked_stays_revoked(c))),
    ("reload::a_bad_one_leaves_the_old_one_in_force", |c| Box::pin(reload::a_bad_one_leaves_the_old_one_in_force(c))),
    ("gateway::who_hangs_up_takes_no_answer_along", |c| Box::pin(filter::who_hangs_up_takes_no_answer_along(c))),
    ("gateway::mutual_tls_proves_clients_and_binds_tokens", |c| {
        Box::pin(mutual_tls::proves_clients_and_binds_tokens(c))
    }),
    ("gateway::opaque_tokens_are_asked_about_once", |c| Box::pin(opaque::are_asked_about_once_and_revoked(c))),
    ("examples::are_accepted", |c| Box::pin(examples::are_accepted(c))),
    ("examples::mistakes_are_refused", |c| Box::pin(examples::mistakes_are_refused(c))),
    ("postgres::a_revocation_at_one_replica_reaches_the_other", |c| Box::pin(replicas::hear_of_each_other(c))),
    ("up::ends_and_leaves_nothing_behind", |_| Box::pin(up::ends_and_leaves_nothing_behind())),
    ("up::a_taken_port_is_one_clear_line", |_| Box::pin(up::a_taken_port_is_one_clear_line())),
];

fn main() -> ExitCode {
    let mut args = Arguments::from_args();
    // How long a revocation takes to arrive is part of what is tested: nothing else should keep the machine busy.
    args.test_threads.get_or_insert(1);
    let runtime = Arc::new(tokio::runtime::Runtime::new().unwrap());
    // What takes long, and talks, is done before the first line about a test is begun.
    let parts = (!args.list).then(|| Parts::get(Profile::Dev, &|step| println!("{step}")).unwrap());
    let context = Arc::new(Context::new(parts));

    let mut trials = Vec::new();
    for backend in [Backend::Sqlite, Backend::Postgres] {
        for (name, scenario) in SHARED {
            let (runtime, context) = (runtime.clone(), context.clone());
            trials.push(Trial::test(format!("{backend}::{name}"), move || {
                runtime.block_on(async { scenario(context.shared(backend).await).await });
                Ok(())
            }));
        }
        for (name, scenario) in ALONE {
            let (runtime, context) = (runtime.clone(), context.clone());
            trials.push(Trial::test(format!("{backend}::{name}"), move || {
                runtime.block_on(scenario(&context, backend));
                Ok(())
            }));
        }
    }
    for (name, scenario) in ONCE {
        let (runtime, context) = (runtime.clone(), context.clone());
        trials.push(Trial::test(*name, move || {
            runtime.block_on(scenario(&context));
            Ok(())
        }));
    }

    let conclusion = libtest_mimic::run(&args, trials);
    let _within = runtime.enter();
    drop(context);
    conclusion.exit_code()
}
