//! What a session executes: the dialplan's actions and what a controller has queued.

use std::{future::Future, pin::Pin, time::Duration};

use tokio::time::Instant;

use super::Session;
use crate::{apps, cause::Cause, cdr::Applied, leg::Queued};

/// What was found out about an application's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unknown;

impl Session {
    /// Runs all that is queued (`switch_ivr_parse_all_events`), even what a lost controller has left on a
    /// channel that is being reset.
    pub(crate) async fn run_queue(&mut self) {
        while self.leg.is_up() {
            let Some(queued) = self.leg.lock().queue.pop_front() else { return };
            self.run_queued(queued).await;
        }
    }

    /// `switch_ivr_parse_event`.
    async fn run_queued(&mut self, queued: Queued) {
        let Queued { command, application, argument, uuid, cause, lock, loops } = queued;
        self.locks += u32::from(lock);
        match command.as_str() {
            "execute" if !application.is_empty() => {
                for turn in 1..=loops {
                    {
                        let variables = &mut self.leg.lock().variables;
                        if let Some(uuid) = &uuid {
                            variables.set("app_uuid", uuid);
                        }
                        variables.set("current_loop", &turn.to_string());
                        variables.set("total_loops", &loops.to_string());
                    }
                    let began = Instant::now();
                    let uuid = uuid.as_deref();
                    let known = self.execute(&application, argument.as_deref(), uuid).await;
                    let brief = began.elapsed() < Duration::from_millis(500);
                    if known.is_err() || brief || !self.leg.is_ready() {
                        break;
                    }
                }
                let variables = &mut self.leg.lock().variables;
                variables.unset("current_loop");
                variables.unset("total_loops");
            }
            "hangup" => {
                let cause = cause.as_deref().map_or(Cause::NORMAL_CLEARING, Cause::named);
                self.leg.hang_up(cause);
            }
            // Others exist, and are none of a controller's that plays prompts and dials.
            _ => {}
        }
        self.locks -= u32::from(lock);
    }

    /// `switch_core_session_execute_application`.
    pub(crate) fn execute<'a>(
        &'a mut self,
        application: &'a str,
        argument: Option<&'a str>,
        uuid: Option<&'a str>,
    ) -> Pin<Box<dyn Future<Output = Result<(), Unknown>> + Send + 'a>> {
        Box::pin(async move {
            let Some(app) = apps::App::named(application) else {
                self.leg.hang_up(Cause::DESTINATION_OUT_OF_ORDER);
                return Err(Unknown);
            };
            if app.needs_media() && !self.leg.has_media() {
                self.leg.pre_answer();
                self.tick().await;
                if !self.leg.is_ready() {
                    return Ok(());
                }
            }
            let uuid = uuid.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
            let name = app.name();
            let data = {
                let mut state = self.leg.lock();
                let data = argument.map(|argument| state.variables.expand(argument));
                let text = data.clone().unwrap_or_default();
                let at = self.leg.office.clock.micros();
                state.applied.push(Applied { name: name.to_owned(), data, at });
                state.variables.unset("app_uuid");
                state.variables.set("current_application", name);
                state.variables.set("current_application_data", &text);
                state.variables.unset("current_application_response");
                text
            };
            self.leg.fire(
                "CHANNEL_EXECUTE",
                &[("Application", name), ("Application-Data", &data), ("Application-UUID", &uuid)],
            );
            self.leg.set("current_application", name);
            app.run(self, &data).await;
            let response = self.leg.variable("current_application_response");
            self.leg.fire(
                "CHANNEL_EXECUTE_COMPLETE",
                &[
                    ("Application", name),
                    ("Application-Data", &data),
                    ("Application-Response", response.as_deref().unwrap_or("_none_")),
                    ("Application-UUID", &uuid),
                ],
            );
            Ok(())
        })
    }

    /// `execute_on_answer` and `api_on_answer`, once.
    pub(crate) async fn run_answer_hooks(&mut self) {
        if !std::mem::take(&mut self.leg.lock().answer_hooks) {
            return;
        }
        if let Some(api) = self.leg.variable("api_on_answer") {
            let (name, arguments) = api.split_once(' ').unwrap_or((&api, ""));
            crate::api::run(&self.leg.office, name, arguments);
        }
        self.run_hooks("execute_on_answer").await;
    }

    /// `switch_channel_execute_on`: the applications in all variables whose names begin so.
    pub(crate) async fn run_hooks(&mut self, begin: &str) {
        let hooks: Vec<String> = self
            .leg
            .lock()
            .variables
            .as_slice()
            .iter()
            .filter(|(name, _)| {
                name.get(..begin.len()).is_some_and(|found| found.eq_ignore_ascii_case(begin))
            })
            .map(|(_, value)| value.clone())
            .collect();
        for hook in hooks {
            let split = hook.split_once("::").or_else(|| hook.split_once(' '));
            let (application, data) = split.unwrap_or((&hook, ""));
            let data = (!data.is_empty()).then_some(data);
            // An unknown one hangs up.
            let _ = self.execute(application, data, None).await;
        }
    }
}
